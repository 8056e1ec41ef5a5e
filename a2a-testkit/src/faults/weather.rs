//! The weather that wrapped backends share, and that a test changes while they run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::{InstanceId, TaskKey};
use tokio::sync::Notify;

use super::index::Index;
use super::{Action, Forecast};

/// A handle on the weather; clones share it. Changes hold from the next call on.
#[derive(Debug, Clone, Default)]
pub struct Weather(Arc<Sky>);

#[derive(Debug, Default)]
struct Sky {
    now: Mutex<Now>,
    index: Mutex<Index>,
    thaw: Notify,
}

#[derive(Debug, Default)]
struct Now {
    forecast: Forecast,
    apart: BTreeSet<(InstanceId, InstanceId)>,
    without_store: BTreeSet<InstanceId>,
    frozen: BTreeSet<InstanceId>,
    unreadable: BTreeSet<TaskKey>,
    denied: BTreeSet<Action>,
}

impl Weather {
    /// Starts with a forecast, everybody connected.
    pub fn new(forecast: Forecast) -> Self {
        let weather = Weather::default();
        weather.set(forecast);
        weather
    }

    /// Starts with nothing going wrong.
    pub fn calm() -> Self {
        Weather::new(Forecast::calm())
    }

    /// Starts with an unplugged bus: sends succeed and nothing ever arrives.
    pub fn unplugged() -> Self {
        Weather::new(Forecast::unplugged())
    }

    /// Returns the forecast.
    pub fn forecast(&self) -> Forecast {
        self.now().forecast.clone()
    }

    /// Replaces the forecast; who is cut off stays cut off.
    pub fn set(&self, forecast: Forecast) {
        self.now().forecast = forecast;
    }

    /// Changes parts of the forecast.
    pub fn change(&self, change: impl FnOnce(&mut Forecast)) {
        change(&mut self.now().forecast);
    }

    /// Cuts all of `these` off from all of `those` on the bus, both ways. Messages under way are lost.
    pub fn part(&self, these: &[InstanceId], those: &[InstanceId]) {
        let mut now = self.now();
        for a in these {
            now.apart.extend(those.iter().flat_map(|b| [(*a, *b), (*b, *a)]));
        }
    }

    /// Cuts an instance off from the store: its reads and writes fail and nothing of it is applied.
    pub fn part_from_store(&self, instance: InstanceId) {
        self.now().without_store.insert(instance);
    }

    /// Takes the permission for these actions from everybody, as of now; all others are allowed. A call that is denied is
    /// [`Unavailable`](a2a_core::BackendError::Unavailable), with the trouble
    /// [`Denied`](a2a_core::Trouble::Denied), and nothing of it is applied.
    pub fn deny(&self, actions: &[Action]) {
        self.now().denied = actions.iter().copied().collect();
    }

    /// Stops an instance as a paused process is stopped: its calls neither end nor fail until it thaws.
    pub fn freeze(&self, instance: InstanceId) {
        self.now().frozen.insert(instance);
    }

    /// Lets a frozen instance go on where it stopped, not knowing that time has passed.
    pub fn thaw(&self, instance: InstanceId) {
        self.now().frozen.remove(&instance);
        self.0.thaw.notify_waiters();
    }

    /// Spoils what a store keeps of one task: from now on all reads of it are
    /// [`Corrupt`](a2a_core::BackendError::Corrupt). Writes and lists are as before.
    pub fn spoil(&self, key: &TaskKey) {
        self.now().unreadable.insert(key.clone());
    }

    /// Makes a task readable again.
    pub fn mend(&self, key: &TaskKey) {
        self.now().unreadable.remove(key);
    }

    /// Connects everybody with everybody again, and thaws all. The forecast stays, and what is spoilt or denied is.
    pub fn heal(&self) {
        let mut now = self.now();
        let Now { forecast, unreadable, denied, .. } = std::mem::take(&mut *now);
        *now = Now { forecast, unreadable, denied, ..Now::default() };
        drop(now);
        self.0.thaw.notify_waiters();
    }

    pub(super) fn reaches(&self, from: InstanceId, to: InstanceId) -> bool {
        let now = self.now();
        now.forecast.plugged && !now.apart.contains(&(from, to))
    }

    pub(super) fn has_store(&self, instance: Option<InstanceId>) -> bool {
        !instance.is_some_and(|instance| self.now().without_store.contains(&instance))
    }

    pub(super) fn denies(&self, action: Action) -> bool {
        self.now().denied.contains(&action)
    }

    pub(super) fn is_readable(&self, key: &TaskKey) -> bool {
        !self.now().unreadable.contains(key)
    }

    /// The indexes of the store that all stores in this weather wrap.
    pub(super) fn index(&self) -> MutexGuard<'_, Index> {
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the instance is not frozen.
    pub(super) async fn thawed(&self, instance: Option<InstanceId>) {
        let Some(instance) = instance else { return };
        loop {
            let thaw = self.0.thaw.notified();
            if !self.now().frozen.contains(&instance) {
                return;
            }
            thaw.await;
        }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.0.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
