//! What leaves watches nothing: it takes itself off every task that it is recorded as a watcher of.

use a2a_core::TaskKey;
use futures::stream::{self, StreamExt};
use tokio::time::Instant;

use super::Members;
use super::leave::patiently;
use crate::alarm;
use crate::ground::Chain;

/// How many tasks at once.
const AT_ONCE: usize = 16;

/// Unregisters this instance from all tasks, until `last` at the latest. Nothing of it watches any more, nor begins to.
///
/// What stays for want of time expires, and an executor of the task that finds this instance gone removes it.
pub(crate) async fn unwatch_all(members: &Members, last: Instant) {
    let ground = &members.ground;
    let unwatch = async |key: TaskKey| {
        let unwatched = patiently(members).run(|| ground.tasks.unwatch(&key, &ground.id)).await;
        if let Err(error) = unwatched {
            tracing::debug!(task = %key, error = %Chain(&error), "a watcher that left stays recorded");
        }
    };
    let all = stream::iter(members.actors.take_watching()).for_each_concurrent(AT_ONCE, unwatch);
    let _: Option<()> = alarm::until(last, all).await;
}
