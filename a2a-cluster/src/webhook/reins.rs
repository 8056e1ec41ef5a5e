//! Keeps a claim and a release of one task by this instance apart.
//!
//! A release names the executor, not the version: one that crossed a new claim by the same instance would
//! leave a running task without an executor.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::TaskKey;
use tokio::sync::OwnedMutexGuard;

type Rein = Arc<tokio::sync::Mutex<()>>;

/// A lock for each task that needs one now.
#[derive(Debug, Default)]
pub(super) struct Reins(Mutex<HashMap<TaskKey, Rein>>);

/// The reins of one task; dropping it lets go.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    reins: &'a Reins,
    key: TaskKey,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Reins {
    fn entries(&self) -> MutexGuard<'_, HashMap<TaskKey, Rein>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the reins of a task. Cancel safe.
    pub(super) async fn hold(&self, key: &TaskKey) -> Held<'_> {
        let rein = Arc::clone(self.entries().entry(key.clone()).or_default());
        // Made before the wait, so that a caller who gives up leaves nothing behind.
        let mut held = Held { reins: self, key: key.clone(), guard: None };
        held.guard = Some(rein.lock_owned().await);
        held
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.guard = None;
        let mut entries = self.reins.entries();
        if entries.get(&self.key).is_some_and(|rein| Arc::strong_count(rein) == 1) {
            entries.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::Tenant;
    use futures::FutureExt;

    use super::*;

    fn key(id: &str) -> TaskKey {
        TaskKey::new(Tenant::default(), id)
    }

    #[tokio::test]
    async fn one_holds_the_reins_of_a_task_at_a_time() {
        let reins = Reins::default();
        let (a, b) = (key("a"), key("b"));
        let held = reins.hold(&a).await;
        assert!(reins.hold(&a).now_or_never().is_none());
        assert!(reins.hold(&b).now_or_never().is_some());
        let waiting = reins.hold(&a);
        drop(held);
        drop(waiting.await);
    }

    #[tokio::test]
    async fn nothing_is_kept_for_tasks_that_nobody_holds() {
        let reins = Reins::default();
        let a = key("a");
        let held = reins.hold(&a).await;
        let mut given_up = Box::pin(reins.hold(&a));
        assert!(given_up.as_mut().now_or_never().is_none());
        drop(given_up);
        drop(held);
        assert!(reins.entries().is_empty());
    }
}
