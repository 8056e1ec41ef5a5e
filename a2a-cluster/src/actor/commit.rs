//! A commit, made as often as it takes, until it is known what became of it.

use std::sync::Arc;

use a2a_core::{BackendError, Commit, CommitRecord, Outcome, TaskKey};

use super::core::{CommitCall, Input, Written};
use crate::ground::{Chain, Ground, Retry, bounded};

/// Commits. Where an attempt was not answered and a later one meets a conflict, the log says whose commit it met.
pub(super) async fn commit(ground: &Ground, key: &TaskKey, call: CommitCall) -> Input {
    let CommitCall { after, id, events, task, claim, principal, caller, may_refuse } = call;
    let commit = Commit::new(after, id, events, &task)
        .claim(claim)
        .created_by(principal.as_ref())
        .called_by(caller.as_ref());
    let outcome = attempt(ground, key, &commit, may_refuse).await;
    let record = Some(Arc::clone(commit.record()));
    drop(commit);
    // The core changes the task in place where nobody else holds it.
    drop(task);
    Input::Written { record, outcome }
}

async fn attempt(ground: &Ground, key: &TaskKey, commit: &Commit<'_>, may_refuse: bool) -> Written {
    let patience = if may_refuse { ground.retry_for_request() } else { ground.retry_until_stopped() };
    let mut patience = patience.of_commit(key);
    let mut unanswered = false;
    loop {
        let attempt = bounded(ground.config.lease, ground.commit(key, commit.clone()));
        let failure = match attempt.await {
            Ok(Outcome::Applied(_)) => {
                patience.answered();
                return Written::Applied;
            }
            // Ours would have been answered as applied while it was the last one: where no later one is there, the last
            // one is another's.
            Ok(Outcome::Conflict { actual }) if unanswered && actual > commit.record().version => {
                return find_out(ground, key, commit.record()).await;
            }
            Ok(Outcome::Conflict { .. }) => return Written::Lost,
            Err(error @ BackendError::TooLarge { .. }) => return Written::TooLarge(ground.error(error)),
            Err(error) if !error.is_transient() => {
                tracing::error!(task = %key, error = %Chain(&error), "a task cannot be committed");
                return last(ground, error, unanswered);
            }
            Err(error) => error,
        };
        if let BackendError::Indeterminate(_) = failure
            && !unanswered
        {
            // It may be applied: from now on nobody may be told that it was not.
            unanswered = true;
            patience = patience.until_stopped();
        }
        if let Err(failure) = patience.pause(failure).await {
            ground.unattended.note(key);
            return last(ground, failure, unanswered);
        }
    }
}

/// What the last failure means: of an earlier attempt that was not answered it says nothing.
fn last(ground: &Ground, failure: BackendError, unanswered: bool) -> Written {
    if unanswered { Written::Unknown } else { Written::Refused(ground.error(failure)) }
}

/// Reads whose commit has the version that ours was to make.
async fn find_out(ground: &Ground, key: &TaskKey, ours: &CommitRecord) -> Written {
    let before = a2a_core::Version::new(ours.version.get().saturating_sub(1));
    let read = || ground.tasks.commits_after(key, before);
    let retry: Retry<'_> = ground.retry_until_stopped();
    retry.run(read).await.map_or(Written::Unknown, |replay| Written::found(&replay, ours))
}
