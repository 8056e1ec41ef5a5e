//! Subscribing to a task (specification, section 3.1.6), anew or from where a stream broke.

use std::sync::Arc;

use a2a::{A2AError, StreamResponse, SubscribeToTaskRequest};
use a2a_core::{CommitRecord, Replay, StoredTask, TaskKey, Version};
use a2a_server::ServiceParams;
use futures::stream::BoxStream;

use super::check;
use crate::actor::{Reader, Start, Until, join, read};
use crate::caller::TenantCaller;
use crate::instance::Instance;
use crate::resume::{Marks, Position};

type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

/// Streams a task of the caller's until it ends.
pub(super) async fn stream(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    caller: TenantCaller,
    req: SubscribeToTaskRequest,
) -> Result<Events, A2AError> {
    check::streaming(&instance.service.card)?;
    let head = check::own_task(instance, &caller, &req.id).await?;
    let key = caller.key(&req.id);
    let mut marks = Marks::wanted(params, &key);
    let position = match marks {
        Some(marks) => marks.cursor(params)?,
        None => None,
    };
    if position.is_none() {
        check::not_ended(&head, &req.id)?;
    }
    instance.ground.check_serving()?;
    let (reader, stored) =
        join(&instance.actors, &key).await?.ok_or_else(|| A2AError::task_not_found(&req.id))?;
    let start = match position {
        Some(position) => resumed(instance, &key, position, stored, &mut marks).await?,
        None => {
            check::not_ended(&stored.head, &req.id)?;
            Start::Snapshot(Box::new(stored.task), stored.version)
        }
    };
    Ok(open(instance, reader, start, marks))
}

fn open(instance: &Arc<Instance>, reader: Reader, start: Start, marks: Option<Marks>) -> Events {
    read(&instance.actors, reader, start, Until::TaskEnds, marks)
}

/// Finds what a client missed; where that is no longer kept, begins with the task.
async fn resumed(
    instance: &Instance,
    key: &TaskKey,
    position: Position,
    stored: StoredTask,
    marks: &mut Option<Marks>,
) -> Result<Start, A2AError> {
    if position.version > stored.version {
        return Err(A2AError::invalid_params("the cursor is ahead of its task"));
    }
    let before = Version::new(position.version.get().saturating_sub(1));
    match instance.ground.commits_after(key, before).await? {
        Replay::Commits(commits) => {
            if stored.task.status.state.is_terminal() && has_all(&commits, position, stored.version) {
                check::not_ended(&stored.head, &key.task_id)?;
            }
            Ok(Start::Position(position, commits))
        }
        Replay::Snapshot(stored) => {
            if let Some(marks) = marks {
                marks.refused = true;
            }
            Ok(Start::Snapshot(Box::new(stored.task), stored.version))
        }
    }
}

/// Tells whether a client at this position has everything of a task that has ended.
fn has_all(commits: &[Arc<CommitRecord>], position: Position, end: Version) -> bool {
    let missed = |commit: &Arc<CommitRecord>| commit.events.len() > position.events as usize;
    position.version == end && !commits.first().is_some_and(missed)
}
