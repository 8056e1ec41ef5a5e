//! Subscribing to a task (specification, section 3.1.6), anew or from where a stream broke.

use std::sync::Arc;

use a2a::{A2AError, SubscribeToTaskRequest};
use a2a_core::{CommitRecord, Replay, StoredTask, TaskKey, Version};
use a2a_server::ServiceParams;
use futures::{Stream, StreamExt};

use super::check;
use crate::actor::{Start, Until, join, read};
use crate::caller::TenantCaller;
use crate::ground::telemetry::FirstEvent;
use crate::instance::Instance;
use crate::position::PositionedEvent;
use crate::resume::{Cursor, Marks};

/// Streams a task of the caller's until it ends.
pub(super) async fn stream(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: TenantCaller,
    req: SubscribeToTaskRequest,
) -> Result<impl Stream<Item = Result<PositionedEvent, A2AError>> + Send + use<>, A2AError> {
    let mut first = FirstEvent::awaited(&instance.ground.meters);
    check::streaming(&instance.service.card)?;
    let head = check::own_task(instance, &caller, &req.id).await?;
    let key = caller.key(&req.id);
    let mut marks = Marks::wanted(params, &key);
    let cursor = match marks {
        Some(marks) => marks.cursor(params)?,
        None => None,
    };
    if cursor.is_none() {
        check::not_ended(&head, &req.id)?;
    }
    instance.ground.check_serving()?;
    let (reader, stored) =
        join(&instance.actors, &key).await?.ok_or_else(|| A2AError::task_not_found(&req.id))?;
    let start = match cursor {
        Some(cursor) => resumed(instance, &key, cursor, stored, &mut marks).await?,
        None => {
            check::not_ended(&stored.head, &req.id)?;
            Start::of(stored)
        }
    };
    let events = read(&instance.actors, reader, start, Until::TaskEnds);
    Ok(events.map(move |shown| {
        let mut shown = shown?;
        first.is_here();
        if let Some(marks) = &mut marks {
            marks.mark(&mut shown);
        }
        Ok(shown)
    }))
}

/// Finds what a client missed; where that is no longer kept, begins with the task.
async fn resumed(
    instance: &Instance,
    key: &TaskKey,
    cursor: Cursor,
    stored: StoredTask,
    marks: &mut Option<Marks>,
) -> Result<Start, A2AError> {
    if cursor.version > stored.version {
        return Err(A2AError::invalid_params("the cursor is ahead of its task"));
    }
    let before = Version::new(cursor.version.get().saturating_sub(1));
    match instance.ground.commits_after(key, before).await? {
        Replay::Commits(commits) => {
            if stored.task.status.state.is_terminal() && has_all(&commits, cursor, stored.version) {
                check::not_ended(&stored.head, &key.task_id)?;
            }
            Ok(Start::After(cursor, commits))
        }
        Replay::Snapshot(stored) => {
            if let Some(marks) = marks {
                marks.refused = true;
            }
            Ok(Start::of(*stored))
        }
    }
}

/// Tells whether a client with this cursor has everything of a task that has ended.
fn has_all(commits: &[Arc<CommitRecord>], cursor: Cursor, end: Version) -> bool {
    let missed = |commit: &Arc<CommitRecord>| commit.events.len() > cursor.events as usize;
    cursor.version == end && !commits.first().is_some_and(missed)
}
