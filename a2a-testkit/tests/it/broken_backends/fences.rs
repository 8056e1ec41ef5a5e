//! Stores whose fences stop nobody, or too much.

use a2a::StreamResponse;
use a2a_core::{ClaimChange, Commit, CommitId, Result, TaskKey, TaskStore, Tip, reduce};
use a2a_testkit::{async_trait, sample};

use super::flaw::Flaw;
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    a_fence_that_is_only_told: OnlyTold => task_store::a_fence_is_an_empty_commit_at_the_end_of_the_log;
    a_fence_that_says_something: Talks => task_store::a_fence_is_an_empty_commit_at_the_end_of_the_log;
    a_fence_that_ends_the_claim: EndsClaim => task_store::a_fence_is_an_empty_commit_at_the_end_of_the_log;
    a_fence_that_is_put_up_twice: AppendsAlways => task_store::a_repeated_fence_with_the_same_id_is_applied_once;
    a_fence_around_what_is_over: AppendsAlways => task_store::only_a_turn_under_way_is_fenced;
}

/// Tells what a fence would make of the task, and makes nothing.
struct OnlyTold;

#[async_trait]
impl Flaw for OnlyTold {
    async fn fence(&self, right: &Reference, key: &TaskKey, _: CommitId) -> Result<Option<Tip>> {
        let stored = right.load(key).await?;
        Ok(stored.map(|stored| Tip { version: stored.version.next(), ..stored.tip() }))
    }
}

/// Appends a commit of one's own at the end of the log, whatever the task is.
async fn append(
    right: &Reference,
    key: &TaskKey,
    id: CommitId,
    says: bool,
    claim: ClaimChange,
) -> Result<Option<Tip>> {
    let Some(mut stored) = right.load(key).await? else { return Ok(None) };
    let said = sample::message(&stored.task, "fence", vec![a2a::Part::text("x")]);
    let events: Vec<StreamResponse> = says.then_some(said).into_iter().collect();
    let after = stored.tip();
    events.iter().for_each(|event| reduce::apply(&mut stored.task, event));
    let commit = Commit::new(after, id, events, &stored.task).claim(claim);
    let tip = commit.tip();
    let _ = right.commit(key, commit).await?;
    Ok(Some(tip))
}

struct Talks;

#[async_trait]
impl Flaw for Talks {
    async fn fence(&self, right: &Reference, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        append(right, key, id, true, ClaimChange::Keep).await
    }
}

struct EndsClaim;

#[async_trait]
impl Flaw for EndsClaim {
    async fn fence(&self, right: &Reference, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        append(right, key, id, false, ClaimChange::End).await
    }
}

struct AppendsAlways;

#[async_trait]
impl Flaw for AppendsAlways {
    async fn fence(&self, right: &Reference, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        append(right, key, id, false, ClaimChange::Keep).await
    }
}
