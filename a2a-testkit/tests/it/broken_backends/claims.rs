//! Stores that break the rules of claims, of what is kept of the caller, and of the generation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use a2a_core::{
    CallerContext, Claim, ClaimChange, Commit, CommitId, CommitRecord, Generation, Outcome, Replay, Result,
    StoredTask, TaskHead, TaskKey, TaskStore, Version,
};
use a2a_testkit::async_trait;

use super::flaw::Flaw;
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    a_claim_that_counts_attempts_itself: OwnAttempts => task_store::a_claim_is_named_by_its_commit;
    a_claim_that_is_not_named: Nameless => task_store::a_claim_is_named_by_its_commit;
    a_claim_that_is_lost: LosesBareClaims =>
        task_store::a_claim_is_named_by_its_commit,
        task_store::a_later_claim_takes_the_place_of_an_earlier,
        task_store::a_task_that_ended_may_change_hands;
    a_keep_that_ends: KeepIsEnd => task_store::keep_leaves_the_claim;
    a_claim_that_is_trimmed: TrimsClaims => task_store::keep_leaves_the_claim;
    a_claim_that_stands_in_the_way: FirstClaimStands => task_store::a_later_claim_takes_the_place_of_an_earlier;
    an_end_that_brings_back_an_earlier_claim: Stacks::default() => task_store::a_commit_may_end_the_claim;
    an_ended_claim_that_changes: EndsHalfway => task_store::a_commit_may_end_the_claim;
    tasks_that_are_sealed_at_their_end: Seals => task_store::a_task_that_ended_may_change_hands;
    a_release_of_anyone: ReleasesAnyone => task_store::release_ends_exactly_the_named_claim;
    a_release_by_instance: ReleasesByInstance => task_store::release_ends_exactly_the_named_claim;
    a_release_by_commit: ReleasesByCommit => task_store::release_ends_exactly_the_named_claim;
    a_release_that_does_nothing: ReleasesNothing => task_store::release_ends_exactly_the_named_claim;
    a_release_that_counts_as_a_commit: ReleaseIsACommit => task_store::release_ends_exactly_the_named_claim;
    a_caller_that_is_dropped: DropsCaller =>
        task_store::the_caller_is_kept_with_the_claim,
        task_store::head_agrees_with_load;
    a_caller_of_any_commit: AnyCaller => task_store::the_caller_is_kept_with_the_claim;
    a_caller_forgotten_by_the_next_turn: ForgetsCaller => task_store::the_caller_is_kept_with_the_claim;
    a_caller_that_goes_with_the_claim: EndsWithClaim => task_store::the_caller_is_kept_with_the_claim;
    callers_that_are_merged: MergesCallers => task_store::the_caller_is_kept_with_the_claim;
    a_generation_that_counts_commits: CountsCommits => task_store::the_generation_is_kept;
    a_generation_that_the_store_counts: CountsItself => task_store::the_generation_is_kept;
    a_generation_older_than_the_claim: OldHead => task_store::the_generation_is_kept;
    a_log_without_generations: BareLog => task_store::the_generation_is_kept;
}

/// Lets a right store commit, and alters the head that it wrote, knowing the one before.
async fn rewritten(
    right: &Reference,
    key: &TaskKey,
    commit: Commit<'_>,
    rewrite: impl FnOnce(&mut TaskHead, Option<&TaskHead>, &Commit<'_>) + Send,
) -> Result<Outcome> {
    let before = right.load(key).await?;
    let outcome = right.commit(key, commit.clone()).await?;
    let is_new = before.as_ref().map(|stored| stored.version) != Some(commit.tip().version);
    if let (true, Outcome::Applied(_), Some(entry)) = (is_new, outcome, right.state().tasks.get_mut(key)) {
        rewrite(&mut entry.stored.head, before.as_ref().map(|stored| &stored.head), &commit);
    }
    Ok(outcome)
}

macro_rules! rewritten_heads {
    ($($(#[$doc:meta])* $flaw:ident($head:ident, $before:ident, $commit:ident) $body:block)*) => {
        $(
            $(#[$doc])*
            struct $flaw;

            #[async_trait]
            impl Flaw for $flaw {
                async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
                    rewritten(right, key, commit, |$head, $before, $commit| $body).await
                }
            }
        )*
    };
}

rewritten_heads! {
    OwnAttempts(head, _before, _commit) {
        head.claim.iter_mut().for_each(|claim| claim.attempt = 1);
    }
    /// Has a name for each instance, and none for its claims.
    Nameless(head, _before, _commit) {
        head.claim.iter_mut().for_each(|claim| claim.by = CommitId::from_uuid(claim.instance.uuid()));
    }
    /// Writes no head where nothing happened.
    LosesBareClaims(head, before, commit) {
        if commit.record().events.is_empty() && let Some(before) = before {
            head.claim = before.claim;
        }
    }
    KeepIsEnd(head, _before, commit) {
        head.claim.take_if(|_| commit.claim_change() == ClaimChange::Keep);
    }
    /// Reads the claim from the log, of which it keeps the latest commits.
    TrimsClaims(head, _before, commit) {
        head.claim.take_if(|_| commit.tip().version.get() % 64 == 0);
    }
    FirstClaimStands(head, before, commit) {
        if let (ClaimChange::Make { .. }, Some(Some(first))) = (commit.claim_change(), before.map(|b| b.claim)) {
            head.claim = Some(first);
        }
    }
    /// Leaves a claim where one ended, and not the one that ended.
    EndsHalfway(head, before, commit) {
        if let (ClaimChange::End, Some(Some(ended))) = (commit.claim_change(), before.map(|b| b.claim)) {
            head.claim = Some(Claim { attempt: 0, ..ended });
        }
    }
    DropsCaller(head, _before, _commit) {
        head.caller = None;
    }
    AnyCaller(head, _before, commit) {
        head.caller = commit.caller().cloned().map(Box::new).or(head.caller.take());
    }
    ForgetsCaller(head, _before, commit) {
        if matches!(commit.claim_change(), ClaimChange::Make { .. }) {
            head.caller = commit.caller().cloned().map(Box::new);
        }
    }
    EndsWithClaim(head, _before, commit) {
        head.caller.take_if(|_| commit.claim_change() == ClaimChange::End);
    }
    MergesCallers(head, before, _commit) {
        let kept = before.and_then(|before| before.caller.clone()).unwrap_or_default();
        if let Some(caller) = &mut head.caller {
            let CallerContext { claims, headers } = &mut **caller;
            kept.claims.into_iter().for_each(|(name, claim)| _ = claims.entry(name).or_insert(claim));
            kept.headers.into_iter().for_each(|(name, header)| _ = headers.entry(name).or_insert(header));
        }
    }
    OldHead(head, _before, _commit) {
        head.generation = Generation::new(1);
    }
}

/// Remembers the claims of a task one upon the other.
#[derive(Default)]
struct Stacks(Mutex<BTreeMap<TaskKey, Vec<Claim>>>);

#[async_trait]
impl Flaw for Stacks {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        rewritten(right, key, commit, |head, _, commit| {
            let mut stacks = self.0.lock().unwrap();
            let stack = stacks.entry(key.clone()).or_default();
            match commit.claim_change() {
                ClaimChange::Keep => {}
                ClaimChange::Make { .. } => stack.extend(head.claim),
                ClaimChange::End => {
                    stack.pop();
                    head.claim = stack.last().copied();
                }
            }
        })
        .await
    }
}

struct Seals;

#[async_trait]
impl Flaw for Seals {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        match right.load(key).await? {
            Some(stored) if stored.head.state.is_terminal() => {
                Ok(Outcome::Conflict { actual: stored.version })
            }
            _ => right.commit(key, commit).await,
        }
    }
}

macro_rules! broken_releases {
    ($($flaw:ident($current:ident, $named:ident) $ends:expr;)*) => {
        $(
            struct $flaw;

            #[async_trait]
            impl Flaw for $flaw {
                async fn release(&self, right: &Reference, key: &TaskKey, $named: &Claim) -> Result<()> {
                    if let Some(entry) = right.state().tasks.get_mut(key) {
                        entry.stored.head.claim.take_if(|$current| $ends);
                    }
                    Ok(())
                }
            }
        )*
    };
}

broken_releases! {
    ReleasesAnyone(_current, _named) true;
    ReleasesByInstance(current, named) current.instance == named.instance;
    ReleasesByCommit(current, named) current.by == named.by;
    ReleasesNothing(_current, _named) false;
}

struct ReleaseIsACommit;

#[async_trait]
impl Flaw for ReleaseIsACommit {
    async fn release(&self, right: &Reference, key: &TaskKey, claim: &Claim) -> Result<()> {
        right.release(key, claim).await?;
        if let Some(entry) = right.state().tasks.get_mut(key) {
            entry.stored.version = entry.stored.version.next();
        }
        Ok(())
    }
}

struct CountsCommits;

#[async_trait]
impl Flaw for CountsCommits {
    async fn load(&self, right: &Reference, key: &TaskKey) -> Result<Option<StoredTask>> {
        let stored = right.load(key).await?;
        let count =
            |stored: StoredTask| StoredTask { generation: Generation::new(stored.version.get()), ..stored };
        Ok(stored.map(count))
    }
}

/// Adds up the events in its log.
struct CountsItself;

#[async_trait]
impl Flaw for CountsItself {
    async fn load(&self, right: &Reference, key: &TaskKey) -> Result<Option<StoredTask>> {
        let mut stored = right.load(key).await?;
        if let (Some(stored), Some(entry)) = (&mut stored, right.state().tasks.get(key)) {
            let events = entry.log.iter().flat_map(|record| &record.events);
            let streamed = events.filter(|event| a2a_core::reduce::is_streamed(event)).count();
            stored.generation = Generation::NONE.advanced(streamed);
            stored.head.generation = stored.head.generation.min(stored.generation);
        }
        Ok(stored)
    }
}

struct BareLog;

#[async_trait]
impl Flaw for BareLog {
    async fn commits_after(&self, right: &Reference, key: &TaskKey, after: Version) -> Result<Replay> {
        let Replay::Commits(log) = right.commits_after(key, after).await? else { unreachable!() };
        let bare =
            |record: &Arc<CommitRecord>| CommitRecord { generation: Generation::NONE, ..(**record).clone() };
        Ok(Replay::Commits(log.iter().map(bare).map(Arc::new).collect()))
    }
}
