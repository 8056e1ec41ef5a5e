//! What is packed how.

use std::sync::Arc;

use a2a::{StreamResponse, TaskState, TaskStatus, TaskStatusUpdateEvent};
use a2a_core::{CommitId, CommitRecord, Generation, Keys, TaskKey, Tenant, Version};
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
            generation: Generation::new(version),
            id: CommitId::from_uuid(Uuid::from_u128(u128::from(version))),
            events: vec![StreamResponse::StatusUpdate(event)],
        })
    };
    News::Commits(versions.map(commit).collect())
}

fn seal() -> Seal {
    Seal::new(Keys::first([7; 32]))
}

fn reached(reach: Reach, to: impl IntoIterator<Item = u128>) -> Vec<Recipient> {
    to.into_iter().map(|n| Recipient { instance: instance(n), reach }).collect()
}

fn encode(to: &[Recipient], message: &BusMessage) -> Result<Vec<EncodedMessage>> {
    super::encode(to, message, &seal())
}

fn addressed(message: &EncodedMessage) -> wire::Addressed {
    wire::decode(&message.body, &seal()).unwrap()
}

fn contents(message: &EncodedMessage) -> BusMessage {
    addressed(message).message
}

#[test]
fn one_recipient_is_reached_straight_and_several_through_the_topic() {
    let news = message(News::Unwatch);
    let straight = encode(&reached(Reach::Topic, [2, 2]), &news).unwrap();
    assert_eq!(straight.len(), 1);
    assert_eq!(straight[0].route, Route::Queue(instance(2)));
    assert!(straight[0].recipients.is_empty());

    let fanned = encode(&reached(Reach::Topic, [3, 2]), &news).unwrap();
    assert_eq!(fanned.len(), 1);
    assert_eq!(fanned[0].route, Route::Topic);
    assert_eq!(fanned[0].recipients, format!("[\"{}\",\"{}\"]", instance(2), instance(3)));
    assert_eq!(addressed(&fanned[0]).to, [instance(2), instance(3)]);
}

#[test]
fn whom_the_topic_does_not_reach_is_reached_straight_and_the_others_all_the_same() {
    let to = [reached(Reach::Topic, [3, 5]), reached(Reach::Direct, [2, 4])].concat();
    let messages = encode(&to, &message(News::Unwatch)).unwrap();
    let routes: Vec<_> = messages.iter().map(|message| message.route).collect();
    assert_eq!(routes, [Route::Topic, Route::Queue(instance(2)), Route::Queue(instance(4))]);
    assert_eq!(addressed(&messages[0]).to, [instance(3), instance(5)]);
    for message in &messages[1..] {
        assert_eq!(addressed(message).to, [instance(2), instance(4)]);
        assert!(message.recipients.is_empty());
    }
}

#[test]
fn one_whom_the_topic_reaches_among_others_is_not_worth_a_publish() {
    let to = [reached(Reach::Topic, [3]), reached(Reach::Direct, [2])].concat();
    let messages = encode(&to, &message(News::Unwatch)).unwrap();
    assert!(messages.iter().all(|message| matches!(message.route, Route::Queue(_))));
    assert_eq!(messages.len(), 2);
}

#[test]
fn whoever_is_reached_nowhere_is_left_out() {
    assert!(encode(&reached(Reach::Nowhere, [2, 3]), &message(News::Unwatch)).unwrap().is_empty());
    let to = [reached(Reach::Nowhere, [2, 3]), reached(Reach::Topic, [4])].concat();
    let messages = encode(&to, &message(News::Unwatch)).unwrap();
    assert_eq!(messages.iter().map(|message| message.route).collect::<Vec<_>>(), [Route::Queue(instance(4))]);
    assert_eq!(addressed(&messages[0]).to, [instance(4)]);
}

#[test]
fn of_two_ways_to_reach_one_the_surer_is_taken() {
    for ways in [[Reach::Direct, Reach::Topic], [Reach::Topic, Reach::Direct]] {
        let to = [reached(ways[0], [2]), reached(ways[1], [2]), reached(Reach::Topic, [3, 4])].concat();
        let messages = encode(&to, &message(News::Unwatch)).unwrap();
        let routes: Vec<_> = messages.iter().map(|message| message.route).collect();
        assert_eq!(routes, [Route::Topic, Route::Queue(instance(2))]);
    }
}

#[test]
fn nobody_gets_nothing() {
    assert!(encode(&[], &message(News::Unwatch)).unwrap().is_empty());
}

#[test]
fn a_large_batch_of_commits_travels_as_its_last_version() {
    let large = message(commits(&"x".repeat(30_000), 4..8));
    for to in [reached(Reach::Topic, [2]), reached(Reach::Topic, [2, 3]), reached(Reach::Direct, [2, 3])] {
        let messages = encode(&to, &large).unwrap();
        assert_eq!(contents(&messages[0]), message(News::Changed(Version::new(7))));
        assert_eq!(messages[0].kind, "changed");
        assert!(messages[0].bytes() < 1_000);
    }
}

#[test]
fn what_fits_one_billing_unit_travels_whole() {
    let small = message(commits(&"x".repeat(30_000), 4..6));
    let messages = encode(&reached(Reach::Direct, [2]), &small).unwrap();
    assert_eq!(contents(&messages[0]), small);
}

#[test]
fn what_fits_nowhere_is_too_large() {
    let task = TaskKey::new(Tenant::default(), "t".repeat(300_000));
    let hopeless = BusMessage { task, ..message(News::Unwatch) };
    assert!(matches!(encode(&reached(Reach::Direct, [2]), &hopeless), Err(BackendError::TooLarge { .. })));
}

#[test]
fn very_many_recipients_take_several_parcels() {
    let messages = encode(&reached(Reach::Topic, 0..450), &message(News::Unwatch)).unwrap();
    assert_eq!(messages.len(), 3);
    let named: Vec<_> = messages.iter().flat_map(|one| addressed(one).to).collect();
    assert_eq!(named, (0..450).map(instance).collect::<Vec<_>>());
    assert!(messages.iter().all(|one| one.bytes() <= BILLING_UNIT));
}

proptest! {
    #[test]
    fn bodies_hold_only_characters_that_sqs_allows(text in "(.|\\x00|\\x08|\\x0b|\\x1f|\u{fffe}|\u{ffff}){0,40}") {
        let is_allowed = |c: char| {
            matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        };
        let task = TaskKey::new(Tenant::new(text.clone()), text.clone());
        let sent = BusMessage { task, trace: Some(text.clone()), ..message(commits(&text, 1..2)) };
        let messages = encode(&reached(Reach::Direct, [2]), &sent).unwrap();
        prop_assert!(messages[0].body.chars().all(is_allowed));
        prop_assert_eq!(contents(&messages[0]), sent);
    }
}
