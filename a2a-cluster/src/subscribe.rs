//! Joining the readers of a task, wherever it runs: registered first, then read.

use std::sync::Arc;

use a2a::A2AError;
use a2a_core::{StoredTask, TaskKey};

use crate::feed::Attached;
use crate::follow::{self, Begin};
use crate::instance::Instance;

/// Attaches to a task's feed, and reads the task so that the feed has everything after it. `None` where the
/// task does not exist. The caller's right to the task has been checked.
///
/// A task that runs here is published into the feed by its run. Any other is watched: this instance is
/// registered before the task is read, and a follower fills the feed.
pub(crate) async fn join(
    instance: &Arc<Instance>,
    key: &TaskKey,
) -> Result<Option<(Attached, StoredTask)>, A2AError> {
    let feed = instance.feeds.attach(key);
    let runs_here = instance.runs.get(key).is_some();
    let stored = if runs_here {
        instance.retry_for_request().run(|| instance.tasks.load(key)).await
    } else {
        instance.retry_for_request().run(|| instance.tasks.watch(key, &instance.id)).await
    };
    let Some(stored) = stored.map_err(|error| instance.error(error))? else { return Ok(None) };
    let ended = stored.task.status.state.is_terminal();
    feed.advance(stored.version, ended);
    if !ended && !runs_here {
        follow::ensure(instance, key, Begin::Registered(stored.head.clone()));
    } else if !ended && instance.runs.get(key).is_none() {
        // The run ended since, perhaps before it could see this reader.
        follow::ensure(instance, key, Begin::Unregistered);
    }
    Ok(Some((feed, stored)))
}
