//! The answers that a connection's peer has not taken yet, and for how long.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// How long an answer in one piece may wait to be sent: as long as a body may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// The answers that wait for one connection. It comes with each request of the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Unsent(Arc<Answers>);

#[derive(Debug, Default)]
struct Answers {
    waiting: Mutex<Waiting>,
    /// Told when there is a first one.
    first: Notify,
}

/// Since when, in the order in which they began.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    since: BTreeMap<u64, Instant>,
}

/// One of them, until this is dropped.
#[derive(Debug)]
pub(super) struct One {
    of: Unsent,
    number: u64,
}

impl Unsent {
    /// An answer begins to wait.
    pub(super) fn one(&self) -> One {
        let mut waiting = self.waiting();
        let number = waiting.next;
        waiting.next += 1;
        if waiting.since.is_empty() {
            self.0.first.notify_one();
        }
        waiting.since.insert(number, Instant::now());
        drop(waiting);
        One { of: self.clone(), number }
    }

    /// Ends once an answer has waited too long: a peer that acknowledges what HTTP/2 asks of it, and takes no answers, would keep
    /// them here for ever. Cancel safe.
    pub(super) async fn overdue(&self) {
        loop {
            let oldest = self.waiting().since.first_key_value().map(|(_, since)| *since);
            match oldest {
                Some(since) if since.elapsed() >= PATIENCE => return,
                Some(since) => sleep_until(since + PATIENCE).await,
                None => self.0.first.notified().await,
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.of.waiting().since.remove(&self.number);
    }
}
