//! Claims: in the log, in the head and in the index at once; and what lies beside them of the caller.

use std::collections::HashMap;

use a2a::TaskState;
use a2a_core::{CallerContext, ClaimChange, Membership, Outcome, TaskStore};
use a2a_testkit::sample::{Draft, TaskModel, at, claim, instance, status};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::place::Place;

async fn head(place: &Place) -> HashMap<String, AttributeValue> {
    let head = AttributeValue::S("H".into());
    place.items().await.into_iter().find(|item| item["sk"] == head).unwrap()
}

#[test]
fn a_claim_is_in_the_head_as_soon_as_its_commit_is_answered_and_gone_with_the_release() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let mut model = TaskModel::new("t").begin(&store).await;
        let me = instance();
        model.tell_with(&store, Vec::new(), claim(me)).await;
        let held = model.claim.unwrap();
        let found = head(place).await;
        let executor = found["ex"].as_s().unwrap();
        assert!(executor.starts_with(&format!("{me}#")), "{executor}");
        assert_eq!(found["eb"].as_s().unwrap(), &held.by.to_string());
        assert_eq!(store.executing(&me, None).await.unwrap().tasks, [model.key.clone()]);

        store.release(&model.key, &held).await.unwrap();
        model.released(&held);
        let found = head(place).await;
        assert!(["ex", "ea", "eb"].iter().all(|name| !found.contains_key(*name)), "{found:?}");
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
    });
}

#[test]
fn a_caller_takes_room_in_the_head_only_where_there_is_something_to_know() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let store = place.store(|config| config).await;
        let mut model = TaskModel::new("t").begin(&store).await;
        let known =
            CallerContext { headers: [("x-team".into(), vec!["blue".into()])].into(), ..Default::default() };
        let turns =
            [(None, false), (Some(known), true), (None, true), (Some(CallerContext::default()), false)];
        for (caller, is_kept) in turns {
            let draft = Draft { change: claim(instance()), caller, ..model.draft(Vec::new()) };
            assert_eq!(draft.send(&store, &model.key).await, Outcome::Applied(draft.next()));
            model.accept(&draft);
            assert_eq!(head(place).await.contains_key("ca"), is_kept);
            model.caller.take_if(|caller| caller.is_empty());
            assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
        }
        let end = status(&model.task, TaskState::Completed, at(1));
        model.tell_with(&store, vec![end], ClaimChange::End).await;
        assert_eq!(store.head(&model.key).await.unwrap(), model.head());
    });
}
