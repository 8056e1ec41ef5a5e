//! What the store denies this instance now: by operation, told once in the log, and a reason to be unready.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The operations that were denied when they were last tried.
///
/// One leaves when it is answered, or when nobody tried it for a while: whoever is unready gets no requests, so that nobody
/// may ever try again. Where another is answered that was denied as well, a shorter while will do.
#[derive(Debug)]
pub(crate) struct Denials {
    patience: Duration,
    /// Whether there are any: on the path of every answered call, hence only a read where there are none.
    any: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When each was last denied, and whether the instance cannot serve without it.
    denied: BTreeMap<&'static str, (Instant, bool)>,
    /// When any that is vital was last denied. A row of denials without a pause of `patience` is told once.
    latest: Option<Instant>,
    /// The log says that access is denied, and not yet that it is back.
    told: bool,
}

impl Denials {
    pub(crate) fn new(patience: Duration) -> Self {
        Denials { patience, any: AtomicBool::new(false), state: Mutex::default() }
    }

    /// Takes note of an operation that was denied; `is_vital`: the instance cannot serve without it.
    pub(crate) fn denied(&self, operation: &'static str, is_vital: bool, why: &dyn Display) {
        let now = Instant::now();
        let mut state = self.lock();
        let before = state.denied.insert(operation, (now, is_vital));
        self.any.store(true, Ordering::Relaxed);
        if !is_vital {
            drop(state);
            if before.is_none_or(|(latest, _)| now - latest > self.patience) {
                tracing::warn!(operation, error = %why, "the store denies what only tidies up: things stay behind");
            }
            return;
        }
        let begins = state.latest.replace(now).is_none_or(|latest| now - latest > self.patience);
        state.told |= begins;
        drop(state);
        if begins {
            tracing::error!(
                operation,
                error = %why,
                "the store denies this instance access; calls are made again until it does not"
            );
        }
    }

    /// Takes note of an operation that was answered.
    pub(crate) fn answered(&self, operation: &'static str) {
        if !self.any.load(Ordering::Relaxed) {
            return;
        }
        let mut state = self.lock();
        let others = if state.denied.remove(operation).is_some() { self.patience / 4 } else { self.patience };
        state.denied.retain(|_, (latest, _)| latest.elapsed() <= others);
        self.any.store(!state.denied.is_empty(), Ordering::Relaxed);
        if state.denied.values().any(|(_, vital)| *vital) {
            return;
        }
        if std::mem::take(&mut state.told) {
            drop(state);
            tracing::info!("the store lets this instance in again");
        }
    }

    /// Tells whether any operation is denied now that the instance cannot serve without.
    pub(crate) fn are_standing(&self) -> bool {
        self.any.load(Ordering::Relaxed)
            && self.lock().denied.values().any(|(latest, vital)| *vital && latest.elapsed() <= self.patience)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn what_is_denied_stands_until_the_same_is_answered() {
        let denials = Denials::new(PATIENCE);
        assert!(!denials.are_standing());
        denials.denied("PutItem", true, &"no");
        denials.answered("GetItem");
        assert!(denials.are_standing());
        denials.answered("PutItem");
        assert!(!denials.are_standing());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_tries_is_over_with_what_was_denied_at_the_same_time() {
        let denials = Denials::new(PATIENCE);
        denials.denied("PutItem", true, &"no");
        advance(PATIENCE / 2).await;
        denials.denied("GetItem", true, &"no");
        denials.denied("Query", true, &"no");
        denials.answered("GetItem");
        assert!(denials.are_standing(), "of a query");
        denials.answered("Query");
        assert!(!denials.are_standing(), "nobody put anything for long");
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_tidies_up_is_no_reason_to_be_unready() {
        let denials = Denials::new(PATIENCE);
        denials.denied("DeleteItem", false, &"no");
        assert!(!denials.are_standing());
        denials.denied("PutItem", true, &"no");
        assert!(denials.are_standing());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_tries_again_is_forgotten() {
        let denials = Denials::new(PATIENCE);
        denials.denied("PutItem", true, &"no");
        advance(PATIENCE).await;
        assert!(denials.are_standing());
        advance(Duration::from_millis(1)).await;
        assert!(!denials.are_standing());
    }
}
