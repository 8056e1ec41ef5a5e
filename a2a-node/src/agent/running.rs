//! The turns that the agent is working on, each of which can be told to stop.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use a2a::TaskId;
use a2a_server::ExecutorContext;
use tokio_util::sync::CancellationToken;

/// What names a task within one process: its tenant and its id.
pub(crate) type Key = (Option<String>, TaskId);

/// Names the task of a call. An empty tenant is none: the bindings differ in how they say so.
pub(crate) fn key(ctx: &ExecutorContext) -> Key {
    let tenant = ctx.tenant.clone().filter(|tenant| !tenant.is_empty());
    (tenant, ctx.task_id.clone())
}

/// The running turns by task.
#[derive(Debug, Default)]
pub(crate) struct Running {
    turns: Mutex<HashMap<Key, Vec<CancellationToken>>>,
}

impl Running {
    /// Begins a turn, which counts as running until the permit is dropped.
    pub(crate) fn enter(self: &Arc<Self>, key: Key) -> Permit {
        let stop = CancellationToken::new();
        self.with(|turns| turns.entry(key.clone()).or_default().push(stop.clone()));
        Permit { running: Arc::clone(self), key, stop }
    }

    /// Tells every turn of a task to stop; does nothing when there is none.
    pub(crate) fn stop(&self, key: &Key) {
        self.with(|turns| turns.get(key).into_iter().flatten().for_each(CancellationToken::cancel));
    }

    fn with<T>(&self, act: impl FnOnce(&mut HashMap<Key, Vec<CancellationToken>>) -> T) -> T {
        act(&mut self.turns.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The right to work on a task until told to stop.
#[derive(Debug)]
pub(crate) struct Permit {
    running: Arc<Running>,
    key: Key,
    stop: CancellationToken,
}

impl Permit {
    /// Waits until the turn must stop. Cancel safe.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // The mark finds this turn's own token among those of a task that was taken up again meanwhile.
        self.stop.cancel();
        self.running.with(|turns| {
            if let Some(stops) = turns.get_mut(&self.key) {
                stops.retain(|stop| !stop.is_cancelled());
                if stops.is_empty() {
                    turns.remove(&self.key);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn task(id: &str) -> Key {
        (None, id.into())
    }

    #[test]
    fn stop_reaches_the_turns_of_that_task_only() {
        let running = Arc::new(Running::default());
        let (one, again, two) =
            (running.enter(task("1")), running.enter(task("1")), running.enter(task("2")));
        let other_tenant = running.enter((Some("t".into()), "1".into()));
        running.stop(&task("1"));
        assert!(one.stopped().now_or_never().is_some());
        assert!(again.stopped().now_or_never().is_some());
        assert!(two.stopped().now_or_never().is_none());
        assert!(other_tenant.stopped().now_or_never().is_none());
    }

    #[test]
    fn a_dropped_turn_is_forgotten_and_leaves_a_later_one_running() {
        let running = Arc::new(Running::default());
        let (early, late) = (running.enter(task("1")), running.enter(task("1")));
        drop(early);
        assert!(late.stopped().now_or_never().is_none());
        drop(late);
        assert!(running.with(|turns| turns.is_empty()));
    }
}
