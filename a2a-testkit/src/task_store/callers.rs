//! What an agent may know of its caller: kept beside the claim, from turn to turn.

use std::collections::BTreeMap;

use a2a::{StreamResponse, TaskState};
use a2a_core::{CallerContext, ClaimChange, Outcome, TaskStore};
use serde_json::json;

use super::walk::assert_holds;
use crate::StoreFixture;
use crate::sample::{
    Draft, TaskModel, at, awkward_metadata, awkward_text, claim, commit_id, instance, noise, status,
};

/// What a commit that makes a claim says of its caller takes the place of what was kept, whole; where it says nothing,
/// and for all other commits, what was kept stays. It is there whoever claims the task next, and after the claim.
pub async fn the_caller_is_kept_with_the_claim(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    for first in [None, Some(called("ann"))] {
        let mut model = TaskModel::new(if first.is_some() { "known" } else { "unknown" }).by("ann");
        let whole = StreamResponse::Task(model.task.clone());
        say(&*store, &mut model, vec![whole], claim(instance()), first).await;
        assert_holds(&*other, &model).await;

        let parked = status(&model.task, TaskState::InputRequired, at(1));
        model.tell_with(&*store, vec![parked], ClaimChange::End).await;
        assert_holds(&*other, &model).await;
        say(&*store, &mut model, Vec::new(), claim(instance()), None).await;
        assert_holds(&*other, &model).await;
        for caller in [called("bob"), awkward(), called("")] {
            say(&*other, &mut model, Vec::new(), claim(instance()), Some(caller)).await;
            assert_holds(&*store, &model).await;
        }

        // Only who claims says whose turn it is.
        for change in [ClaimChange::Keep, ClaimChange::End, ClaimChange::Keep] {
            say(&*store, &mut model, Vec::new(), change, Some(called("eve"))).await;
            assert_holds(&*other, &model).await;
        }
        say(&*store, &mut model, Vec::new(), claim(instance()), Some(called("carol"))).await;
        let held = model.claim.expect("a claim");
        other.release(&model.key, &held).await.unwrap();
        model.released(&held);
        assert_holds(&*store, &model).await;

        let eve = Draft { caller: Some(called("eve")), change: claim(instance()), ..model.draft(Vec::new()) };
        let late = Draft { id: commit_id(), ..eve.clone() }.expecting(1);
        let outcome = late.send(&*store, &model.key).await;
        assert_eq!(outcome, Outcome::Conflict { actual: model.version }, "of a late claim");
        assert_holds(&*other, &model).await;
    }
}

async fn say(
    store: &dyn TaskStore,
    model: &mut TaskModel,
    events: Vec<StreamResponse>,
    change: ClaimChange,
    caller: Option<CallerContext>,
) {
    let draft = Draft { change, caller, ..model.draft(events) };
    let outcome = draft.send(store, &model.key).await;
    assert_eq!(outcome, Outcome::Applied(draft.next()), "of a commit with a caller");
    model.accept(&draft);
}

fn called(name: &str) -> CallerContext {
    let claims = [("sub".to_owned(), json!(name))].into_iter().collect();
    CallerContext { claims, headers: BTreeMap::from([("x-user".to_owned(), vec![name.to_owned()])]) }
}

/// As large as it may be, and full of what careless encodings lose.
fn awkward() -> CallerContext {
    let headers =
        BTreeMap::from([(awkward_text(), vec![]), ("x-many".into(), vec![String::new(), awkward_text()])]);
    let mut caller = CallerContext { claims: awkward_metadata().into_iter().collect(), headers };
    let room = CallerContext::MAX_BYTES.saturating_sub(caller.bytes()).saturating_sub(32);
    caller.claims.insert("filling".into(), json!(noise(1, room)));
    assert!((CallerContext::MAX_BYTES - 64..=CallerContext::MAX_BYTES).contains(&caller.bytes()));
    caller
}
