//! Stores that break the rules of commits, reads and the log.

use std::sync::Mutex;
use std::time::Duration;

use a2a_core::{
    BackendError, Commit, InstanceId, Outcome, Replay, Result, StoredTask, TaskHead, TaskKey, TaskStore,
    Version,
};
use a2a_testkit::async_trait;

use super::flaw::Flaw;
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    the_last_writer_wins: LastWriterWins =>
        task_store::a_commit_that_expects_another_version_conflicts,
        task_store::exactly_one_of_many_concurrent_commits_is_applied,
        task_store::versions_have_no_holes;
    a_check_apart_from_the_write: CheckThenWrite =>
        task_store::exactly_one_of_many_concurrent_commits_is_applied,
        task_store::versions_have_no_holes;
    a_log_with_holes: SomeCommitsAreNotLogged =>
        task_store::versions_have_no_holes,
        task_store::commits_after_returns_all_later_commits_in_order;
    versions_that_count_by_two: CountsByTwo =>
        task_store::a_commit_that_expects_the_current_version_is_applied;
    a_conflict_that_writes: ConflictClaims => task_store::a_commit_that_expects_another_version_conflicts;
    a_conflict_that_lies: ConflictGuesses => task_store::a_commit_that_expects_another_version_conflicts;
    a_repeated_commit_that_conflicts: ForgetsIds => task_store::a_repeated_commit_with_the_same_id_is_applied_once;
    a_repeated_commit_that_claims_again: RepeatClaims =>
        task_store::a_repeated_commit_with_the_same_id_is_applied_once;
    commits_told_apart_by_content: SameContentSameCommit =>
        task_store::a_repeated_commit_with_the_same_id_is_applied_once;
    a_cached_load: Cached::default() =>
        task_store::load_sees_every_commit_that_was_answered,
        task_store::load_returns_what_the_commits_made;
    a_torn_load: Torn => task_store::load_sees_every_commit_that_was_answered;
    a_cached_head: CachedHead::default() => task_store::head_agrees_with_load;
    floats_that_lose_digits: ShortFloats => task_store::load_returns_what_the_commits_made;
    empty_things_that_vanish: DropsEmptyThings => task_store::load_returns_what_the_commits_made;
    a_log_that_includes_its_start: FromInsteadOfAfter =>
        task_store::commits_after_returns_all_later_commits_in_order;
    a_log_that_stops_after_its_first_page: FirstPageOnly =>
        task_store::commits_after_returns_all_later_commits_in_order;
    a_log_in_reverse: Reversed => task_store::commits_after_returns_all_later_commits_in_order;
    a_principal_that_changes: LastPrincipal => task_store::the_principal_is_set_by_the_first_commit_only;
    half_a_large_commit: HalfOfTheLarge => task_store::a_large_commit_is_applied_or_too_large;
    errors_that_quote: QuotesContent => task_store::a_failed_call_leaks_no_content;
}

struct LastWriterWins;

#[async_trait]
impl Flaw for LastWriterWins {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        right.state().apply(key, &commit);
        Ok(Outcome::Applied(right.load(key).await?.map_or(Version::ABSENT, |stored| stored.version)))
    }
}

struct CheckThenWrite;

#[async_trait]
impl Flaw for CheckThenWrite {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let actual = right.load(key).await?.map_or(Version::ABSENT, |stored| stored.version);
        if commit.expected() != actual {
            return Ok(Outcome::Conflict { actual });
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        right.state().apply(key, &commit);
        Ok(Outcome::Applied(actual.next()))
    }
}

struct SomeCommitsAreNotLogged;

#[async_trait]
impl Flaw for SomeCommitsAreNotLogged {
    async fn commits_after(&self, right: &Reference, key: &TaskKey, after: Version) -> Result<Replay> {
        let Replay::Commits(mut log) = right.commits_after(key, after).await? else { unreachable!() };
        log.retain(|record| record.version.get() % 7 != 5);
        Ok(Replay::Commits(log))
    }
}

struct CountsByTwo;

#[async_trait]
impl Flaw for CountsByTwo {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let outcome = right.commit(key, commit).await?;
        Ok(match outcome {
            Outcome::Applied(version) => Outcome::Applied(Version::new(version.get() * 2)),
            lost => lost,
        })
    }
}

struct ConflictClaims;

#[async_trait]
impl Flaw for ConflictClaims {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        if let Some(entry) = right.state().tasks.get_mut(key) {
            entry.stored.head.claim = commit.claim_after(entry.stored.head.claim);
        }
        right.commit(key, commit).await
    }
}

struct ConflictGuesses;

#[async_trait]
impl Flaw for ConflictGuesses {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let guess = commit.expected().next();
        Ok(match right.commit(key, commit).await? {
            Outcome::Conflict { .. } => Outcome::Conflict { actual: guess },
            applied => applied,
        })
    }
}

struct ForgetsIds;

#[async_trait]
impl Flaw for ForgetsIds {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let actual = right.load(key).await?.map_or(Version::ABSENT, |stored| stored.version);
        if commit.expected() != actual {
            return Ok(Outcome::Conflict { actual });
        }
        right.commit(key, commit).await
    }
}

struct RepeatClaims;

#[async_trait]
impl Flaw for RepeatClaims {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let outcome = right.commit(key, commit.clone()).await?;
        if let (Outcome::Applied(_), Some(entry)) = (outcome, right.state().tasks.get_mut(key)) {
            entry.stored.head.claim = commit.claim_after(entry.stored.head.claim);
        }
        Ok(outcome)
    }
}

struct SameContentSameCommit;

#[async_trait]
impl Flaw for SameContentSameCommit {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        if let Some(entry) = right.state().tasks.get(key) {
            let last = entry.log.last().unwrap();
            if last.events == commit.record().events && last.version == commit.record().version {
                return Ok(Outcome::Applied(last.version));
            }
        }
        right.commit(key, commit).await
    }
}

/// Each handle remembers the first task that it ever read.
#[derive(Default)]
struct Cached(Mutex<Option<StoredTask>>);

#[async_trait]
impl Flaw for Cached {
    async fn load(&self, right: &Reference, key: &TaskKey) -> Result<Option<StoredTask>> {
        let Some(fresh) = right.load(key).await? else { return Ok(None) };
        Ok(self.0.lock().unwrap().get_or_insert(fresh).clone().into())
    }
}

struct Torn;

#[async_trait]
impl Flaw for Torn {
    async fn load(&self, right: &Reference, key: &TaskKey) -> Result<Option<StoredTask>> {
        let content = right.load(key).await?;
        tokio::time::sleep(Duration::from_millis(2)).await;
        let version = right.load(key).await?.map(|stored| stored.version);
        Ok(content.zip(version).map(|(content, version)| StoredTask { version, ..content }))
    }
}

#[derive(Default)]
struct CachedHead(Mutex<Option<TaskHead>>);

#[async_trait]
impl Flaw for CachedHead {
    async fn head(&self, right: &Reference, key: &TaskKey) -> Result<Option<TaskHead>> {
        let Some(fresh) = right.head(key).await? else { return Ok(None) };
        Ok(self.0.lock().unwrap().get_or_insert(fresh).clone().into())
    }
}

/// Prints numbers with too few digits, as a careless JSON library does.
struct ShortFloats;

#[async_trait]
impl Flaw for ShortFloats {
    async fn load(&self, right: &Reference, key: &TaskKey) -> Result<Option<StoredTask>> {
        let Some(mut stored) = right.load(key).await? else { return Ok(None) };
        let text = serde_json::to_string(&stored.task).unwrap().replace("0.30000000000000004", "0.3");
        stored.task = serde_json::from_str(&text).unwrap();
        Ok(Some(stored))
    }
}

struct DropsEmptyThings;

#[async_trait]
impl Flaw for DropsEmptyThings {
    async fn load(&self, right: &Reference, key: &TaskKey) -> Result<Option<StoredTask>> {
        let Some(mut stored) = right.load(key).await? else { return Ok(None) };
        stored.task.artifacts.take_if(|artifacts| artifacts.is_empty());
        Ok(Some(stored))
    }
}

struct FromInsteadOfAfter;

#[async_trait]
impl Flaw for FromInsteadOfAfter {
    async fn commits_after(&self, right: &Reference, key: &TaskKey, after: Version) -> Result<Replay> {
        right.commits_after(key, Version::new(after.get().saturating_sub(1))).await
    }
}

struct FirstPageOnly;

#[async_trait]
impl Flaw for FirstPageOnly {
    async fn commits_after(&self, right: &Reference, key: &TaskKey, after: Version) -> Result<Replay> {
        let Replay::Commits(mut log) = right.commits_after(key, after).await? else { unreachable!() };
        log.retain(|record| record.version.get() <= 100);
        Ok(Replay::Commits(log))
    }
}

struct Reversed;

#[async_trait]
impl Flaw for Reversed {
    async fn commits_after(&self, right: &Reference, key: &TaskKey, after: Version) -> Result<Replay> {
        let Replay::Commits(mut log) = right.commits_after(key, after).await? else { unreachable!() };
        log.reverse();
        Ok(Replay::Commits(log))
    }
}

struct LastPrincipal;

#[async_trait]
impl Flaw for LastPrincipal {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let principal = commit.principal().cloned();
        let outcome = right.commit(key, commit).await?;
        if let (Outcome::Applied(_), Some(entry)) = (outcome, right.state().tasks.get_mut(key)) {
            entry.stored.head.principal = principal;
        }
        Ok(outcome)
    }
}

struct HalfOfTheLarge;

#[async_trait]
impl Flaw for HalfOfTheLarge {
    async fn commit(&self, right: &Reference, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let actual = serde_json::to_vec(&commit.record().events).unwrap().len();
        let limit = 1 << 20;
        let outcome = right.commit(key, commit).await;
        if actual > limit {
            Err(BackendError::TooLarge { what: "the commit", actual, limit })
        } else {
            outcome
        }
    }
}

struct QuotesContent;

#[async_trait]
impl Flaw for QuotesContent {
    async fn watch(&self, right: &Reference, key: &TaskKey, _: &InstanceId) -> Result<Option<StoredTask>> {
        let stored = right.load(key).await?;
        Err(BackendError::rejected(format!("cannot watch {stored:?}")))
    }
}
