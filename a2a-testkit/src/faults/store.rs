//! A store whose calls take time, fail, and lie about having failed; whose writes arrive late and whose indexes lag.

mod deployment;
mod fate;
mod members;
mod tasks;
mod webhooks;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use a2a_core::{BackendError, FailedAttempt, InstanceId, Result, RetryBudget, Store, TaskKey, Trouble};
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::fate::{Answer, Fate};
use super::{Action, Delay, Late, Weather};

/// Tells the chance of lags from that of everything else, so that neither shifts the other.
const LAGS: u64 = 0x1a65;

/// Wraps a store for one instance, in the given weather.
///
/// All chance is drawn from the seed, in the order of the calls. Time is tokio's, paused or not. Calls are
/// as cancel safe as those of the wrapped store; the answer of a write that is dropped is lost. All stores that
/// share a weather are handles on one location: its indexes lag for all of them.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    weather: Weather,
    instance: Mutex<Option<InstanceId>>,
    rng: Mutex<fastrand::Rng>,
    lags: Arc<Mutex<fastrand::Rng>>,
    late: Mutex<JoinSet<()>>,
    /// Who is told of denials; what is wrapped has it as well.
    budget: Mutex<RetryBudget>,
}

impl FaultyStore {
    /// Wraps a store.
    pub fn new(inner: Arc<dyn Store>, weather: Weather, seed: u64) -> Self {
        let rng = Mutex::new(fastrand::Rng::with_seed(seed));
        let lags = Arc::new(Mutex::new(fastrand::Rng::with_seed(seed ^ LAGS)));
        FaultyStore {
            inner,
            weather,
            instance: Mutex::default(),
            rng,
            lags,
            late: Mutex::default(),
            budget: Mutex::default(),
        }
    }

    /// Names the instance that uses this store, which can be cut off from it and frozen from now on. One that beats
    /// names itself: it draws an id of its own, and another one when it joins again.
    #[must_use]
    pub fn used_by(self, instance: InstanceId) -> Self {
        self.is_used_by(instance);
        self
    }

    fn is_used_by(&self, instance: InstanceId) {
        *self.instance.lock().unwrap_or_else(PoisonError::into_inner) = Some(instance);
    }

    fn instance(&self) -> Option<InstanceId> {
        *self.instance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until no late write is under way. Dropping the store drops them.
    pub async fn await_late_writes(&self) {
        let mut late = std::mem::take(&mut *self.late.lock().unwrap_or_else(PoisonError::into_inner));
        while late.join_next().await.is_some() {}
    }

    /// Makes a call, unless it is denied, and tells of either, as a store on a network does.
    async fn permitted<T>(&self, action: Action, call: impl Future<Output = Result<T>>) -> Result<T> {
        let budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if self.weather.denies(action) {
            let why = format!("injected fault: no permission to {}", action.word());
            budget.failed(&FailedAttempt {
                operation: action.word(),
                code: "denied",
                reason: "",
                resource: "",
                trouble: Some(Trouble::Denied),
                is_vital: true,
                why: &why,
            });
            return Err(BackendError::unavailable(Trouble::Denied, why));
        }
        let answer = call.await;
        if answer.is_ok() {
            budget.answered(action.word(), false);
        }
        answer
    }

    async fn read<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let read = async {
            let fate = self.draw(Fate::of_read);
            self.outward(fate.outward).await;
            if fate.answer != Answer::Given {
                return Err(BackendError::Unavailable(fate.reason()));
            }
            let answer = call.await;
            self.homeward(fate.homeward).await;
            answer
        };
        self.permitted(Action::Read, read).await
    }

    /// Reads one task.
    async fn read_of<T>(&self, key: &TaskKey, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.read(async { if self.weather.is_readable(key) { call.await } else { Err(unreadable()) } }).await
    }

    async fn write<T>(&self, call: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        self.write_as(Action::Write, call).await
    }

    async fn write_as<T>(
        &self,
        action: Action,
        call: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let write = async {
            let fate = self.draw(Fate::of_write);
            let Some(lateness) = fate.late.filter(|_| self.weather.forecast().late == Late::Writes) else {
                return self.write_with(fate, call).await;
            };
            self.apply_late(fate.outward + lateness, call);
            self.write_with(fate, std::future::pending()).await
        };
        self.permitted(action, write).await
    }

    async fn write_with<T>(&self, fate: Fate, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.outward(fate.outward).await;
        if fate.applied {
            let answer = call.await;
            self.homeward(fate.homeward).await;
            match fate.answer {
                Answer::Given => answer,
                Answer::Refused | Answer::Lost => answer.and(Err(BackendError::Indeterminate(fate.reason()))),
            }
        } else if fate.answer == Answer::Refused {
            Err(BackendError::Unavailable(fate.reason()))
        } else {
            Err(BackendError::Indeterminate(fate.reason()))
        }
    }

    /// Has a write arrive when nobody waits for its answer any more.
    fn apply_late<T>(&self, after: Duration, call: impl Future<Output = T> + Send + 'static) {
        self.late.lock().unwrap_or_else(PoisonError::into_inner).spawn(async move {
            sleep(after).await;
            call.await;
        });
    }

    fn draw(&self, fate: impl FnOnce(&Weather, Option<InstanceId>, &mut fastrand::Rng) -> Fate) -> Fate {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        fate(&self.weather, self.instance(), &mut rng)
    }

    /// What a write needs to reach the store and its indexes, also when this wrapper is busy with something else.
    fn beyond(&self) -> Beyond {
        let (inner, weather) = (Arc::clone(&self.inner), self.weather.clone());
        Beyond { inner, weather, lags: Arc::clone(&self.lags) }
    }

    async fn outward(&self, delay: Duration) {
        self.weather.thawed(self.instance()).await;
        pause(delay).await;
    }

    async fn homeward(&self, delay: Duration) {
        pause(delay).await;
        self.weather.thawed(self.instance()).await;
    }
}

/// What lies beyond the faults: the store, and the lag of its indexes.
struct Beyond {
    inner: Arc<dyn Store>,
    weather: Weather,
    lags: Arc<Mutex<fastrand::Rng>>,
}

impl Beyond {
    /// Draws after what time the indexes show a change; `None` where they do not lag.
    fn lag(&self) -> Option<Duration> {
        let lag = self.weather.forecast().index_lag;
        let mut rng = self.lags.lock().unwrap_or_else(PoisonError::into_inner);
        (lag != Delay::NONE).then(|| lag.draw(&mut rng))
    }
}

fn unreadable() -> BackendError {
    BackendError::corrupt("injected fault: the task cannot be read")
}

async fn pause(delay: Duration) {
    if !delay.is_zero() {
        sleep(delay).await;
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore")
            .field("inner", &self.inner)
            .field("weather", &self.weather)
            .field("instance", &self.instance())
            .finish_non_exhaustive()
    }
}
