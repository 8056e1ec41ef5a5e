//! The clock of an instance's actors: one task that steps whoever wanted to be stepped by now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::core::Input;
use super::handle::Handle;
use super::perform::drive;
use super::registry::Actors;
use crate::ground::give_way;

/// What is due when.
#[derive(Debug, Default)]
pub(super) struct Timers {
    due: Mutex<Due>,
    earlier: Notify,
}

#[derive(Debug, Default)]
struct Due {
    entries: BTreeMap<(Instant, u64), Weak<Handle>>,
    next: u64,
}

impl Timers {
    fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Steps an actor at that time, unless it has ended by then.
    pub(super) fn add(&self, at: Instant, handle: &Arc<Handle>) {
        let is_first = {
            let mut due = self.due();
            due.next += 1;
            let key = (at, due.next);
            due.entries.insert(key, Arc::downgrade(handle));
            due.entries.first_key_value().is_some_and(|(first, _)| *first == key)
        };
        if is_first {
            self.earlier.notify_one();
        }
    }

    fn first(&self) -> Option<Instant> {
        self.due().entries.first_key_value().map(|((at, _), _)| *at)
    }

    fn take_due(&self, now: Instant) -> Option<Weak<Handle>> {
        let mut due = self.due();
        let first = due.entries.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

/// Keeps the time until the instance closes.
pub(crate) async fn keep_time(actors: Arc<Actors>) {
    let timers = &actors.timers;
    loop {
        let first = timers.first();
        let due = async {
            match first {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = actors.ground.stop.closing.cancelled() => return,
            () = timers.earlier.notified() => continue,
            () = due => {}
        }
        let now = Instant::now();
        let mut stepped = 0;
        while let Some(handle) = timers.take_due(now) {
            if let Some(handle) = handle.upgrade() {
                handle.disarm();
                drive(&actors, &handle, Input::Tick);
            }
            stepped += 1;
            if stepped % 64 == 0 {
                give_way().await;
            }
        }
    }
}
