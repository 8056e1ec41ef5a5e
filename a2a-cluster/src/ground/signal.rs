//! A signal that many wait for. It wakes them in the order in which they came, unlike a watch of the runtime's: which of
//! them does something first can be replayed by a simulation.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// Given again and again. It means that something may have changed, and says nothing else.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    given: AtomicU64,
    waiting: Notify,
}

/// Whoever waits for a signal.
#[derive(Debug)]
pub(crate) struct Listener {
    signal: Arc<Signal>,
    heard: u64,
}

impl Signal {
    /// Wakes all who listen, now or later: each hears of it once.
    pub(crate) fn give(&self) {
        self.given.fetch_add(1, Ordering::AcqRel);
        self.waiting.notify_waiters();
    }

    /// Listens from now on.
    pub(crate) fn listen(self: &Arc<Self>) -> Listener {
        Listener { signal: Arc::clone(self), heard: self.given() }
    }

    fn given(&self) -> u64 {
        self.given.load(Ordering::Acquire)
    }
}

impl Listener {
    /// Takes note of what was given until now: whoever looks after that sees what it was given for.
    pub(crate) fn mark_heard(&mut self) {
        self.heard = self.signal.given();
    }

    /// Waits until the signal is given, unless it was since this was last heard of. Cancel safe.
    pub(crate) async fn given(&mut self) {
        loop {
            let mut waiting = std::pin::pin!(self.signal.waiting.notified());
            // Listening before looking: what is given in between ends the wait.
            waiting.as_mut().enable();
            let given = self.signal.given();
            if given != self.heard {
                self.heard = given;
                return;
            }
            waiting.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_signal_is_heard_once_also_by_whoever_was_not_waiting() {
        let signal = Arc::new(Signal::default());
        let mut listener = signal.listen();
        assert!(listener.given().now_or_never().is_none());
        signal.give();
        signal.give();
        assert!(listener.given().now_or_never().is_some());
        assert!(listener.given().now_or_never().is_none());
        signal.give();
        listener.mark_heard();
        assert!(listener.given().now_or_never().is_none());
    }

    #[tokio::test]
    async fn those_who_wait_are_woken_in_the_order_in_which_they_came() {
        let (signal, woken) = (Arc::new(Signal::default()), Arc::new(std::sync::Mutex::new(Vec::new())));
        let mut waiting = tokio::task::JoinSet::new();
        for n in 0..40 {
            let (mut listener, woken) = (signal.listen(), Arc::clone(&woken));
            waiting.spawn(async move {
                listener.given().await;
                woken.lock().unwrap().push(n);
            });
        }
        tokio::task::yield_now().await;
        signal.give();
        waiting.join_all().await;
        assert_eq!(*woken.lock().unwrap(), (0..40).collect::<Vec<_>>());
    }
}
