//! What is packed how.

use std::sync::Arc;

use a2a::{StreamResponse, TaskState, TaskStatus, TaskStatusUpdateEvent};
use a2a_core::{CommitId, CommitRecord, TaskKey, Tenant, Version};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn instance(n: u128) -> InstanceId {
    InstanceId::from_uuid(Uuid::from_u128(n))
}

fn message(news: News) -> BusMessage {
    BusMessage { from: instance(1), task: TaskKey::new(Tenant::default(), "t-1"), news, trace: None }
}

fn commits(text: &str, versions: std::ops::Range<u64>) -> News {
    let commit = |version| {
        let status = TaskStatus {
            state: TaskState::Working,
            message: Some(a2a::Message::new(a2a::Role::Agent, vec![a2a::Part::text(text)])),
            timestamp: None,
        };
        let event =
            TaskStatusUpdateEvent { task_id: "t-1".into(), context_id: "c-1".into(), status, metadata: None };
        Arc::new(CommitRecord {
            version: Version::new(version),
            id: CommitId::from_uuid(Uuid::from_u128(u128::from(version))),
            events: vec![StreamResponse::StatusUpdate(event)],
        })
    };
    News::Commits(versions.map(commit).collect())
}

fn contents(parcel: &Parcel) -> BusMessage {
    wire::decode(&parcel.body).unwrap().message
}

#[test]
fn one_recipient_is_reached_straight_and_several_through_the_topic() {
    let news = message(News::Cancel);
    let straight = pack(&[instance(2), instance(2)], &news).unwrap();
    assert_eq!(straight.len(), 1);
    assert_eq!(straight[0].route, Route::Queue(instance(2)));
    assert!(straight[0].recipients.is_empty());

    let fanned = pack(&[instance(3), instance(2)], &news).unwrap();
    assert_eq!(fanned.len(), 1);
    assert_eq!(fanned[0].route, Route::Topic);
    assert_eq!(fanned[0].recipients, format!("[\"{}\",\"{}\"]", instance(2), instance(3)));
    assert_eq!(wire::decode(&fanned[0].body).unwrap().to, [instance(2), instance(3)]);
}

#[test]
fn nobody_gets_nothing() {
    assert!(pack(&[], &message(News::Cancel)).unwrap().is_empty());
}

#[test]
fn a_large_batch_of_commits_travels_as_its_last_version() {
    let large = message(commits(&"x".repeat(30_000), 4..8));
    for to in [vec![instance(2)], vec![instance(2), instance(3)]] {
        let parcels = pack(&to, &large).unwrap();
        assert_eq!(contents(&parcels[0]), message(News::Changed(Version::new(7))));
        assert_eq!(parcels[0].kind, "changed");
        assert!(parcels[0].bytes() < 1_000);
    }
}

#[test]
fn what_fits_one_billing_unit_travels_whole() {
    let small = message(commits(&"x".repeat(30_000), 4..6));
    let parcels = pack(&[instance(2)], &small).unwrap();
    assert_eq!(contents(&parcels[0]), small);
}

#[test]
fn what_fits_nowhere_is_too_large() {
    let task = TaskKey::new(Tenant::default(), "t".repeat(300_000));
    let hopeless = BusMessage { task, ..message(News::Watch(Version::new(1))) };
    assert!(matches!(pack(&[instance(2)], &hopeless), Err(BackendError::TooLarge { .. })));
}

#[test]
fn very_many_recipients_take_several_parcels() {
    let to: Vec<_> = (0..450).map(instance).collect();
    let parcels = pack(&to, &message(News::Cancel)).unwrap();
    assert_eq!(parcels.len(), 3);
    let reached: Vec<_> = parcels.iter().flat_map(|one| wire::decode(&one.body).unwrap().to).collect();
    assert_eq!(reached, to);
    assert!(parcels.iter().all(|one| one.bytes() <= BILLING_UNIT));
}

proptest! {
    #[test]
    fn bodies_hold_only_characters_that_sqs_allows(text in "(.|\\x00|\\x08|\\x0b|\\x1f|\u{fffe}|\u{ffff}){0,40}") {
        let is_allowed = |c: char| {
            matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        };
        let task = TaskKey::new(Tenant::new(text.clone()), text.clone());
        let sent = BusMessage { task, trace: Some(text.clone()), ..message(commits(&text, 1..2)) };
        let parcels = pack(&[instance(2)], &sent).unwrap();
        prop_assert!(parcels[0].body.chars().all(is_allowed));
        prop_assert_eq!(contents(&parcels[0]), sent);
    }
}
