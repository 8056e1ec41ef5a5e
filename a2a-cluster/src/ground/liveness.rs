//! What this instance knows of its own life, on its own monotonic clock.
//!
//! Three things follow from its answered beats: whether it may take new work, whether it is cut off from the store,
//! and how much time may be held against others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::signal::{Listener, Signal};

/// The beats of this instance that were answered.
#[derive(Debug)]
pub(crate) struct Liveness {
    origin: Instant,
    /// When the last answered beat was sent: nothing later is certain.
    beaten_at: AtomicU64,
    /// The counter of the last beat that was sent.
    counter: AtomicU64,
    observed: Mutex<ObservedTime>,
    /// The time that was observed, once more with each answered beat.
    clock: watch::Sender<Duration>,
    /// Given with each answered beat.
    answered: Arc<Signal>,
    /// Cancelled while this instance is cut off; another takes its place after that. Unlike a watch, it wakes those who
    /// wait in the order in which they came, which a simulation can replay.
    cut_off: Mutex<CancellationToken>,
}

impl Liveness {
    pub(crate) fn new() -> Self {
        Liveness {
            origin: Instant::now(),
            beaten_at: AtomicU64::new(0),
            counter: AtomicU64::new(0),
            observed: Mutex::default(),
            clock: watch::Sender::default(),
            answered: Arc::default(),
            cut_off: Mutex::default(),
        }
    }

    /// Counts a beat that is about to be sent, and returns its number.
    pub(crate) fn next_beat(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Takes note of a beat that was answered now. It was `due` then; the attempt that was answered was `sent` later
    /// where earlier ones failed.
    pub(crate) fn beaten(&self, due: Instant, sent: Instant, interval: Duration) {
        let millis = u64::try_from((sent - self.origin).as_millis()).unwrap_or(u64::MAX);
        self.beaten_at.store(millis, Ordering::Release);
        let mut cut_off = self.cut_off.lock().unwrap_or_else(PoisonError::into_inner);
        if cut_off.is_cancelled() {
            *cut_off = CancellationToken::new();
        }
        drop(cut_off);
        let observed = {
            let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
            observed.beaten(due, Instant::now(), interval);
            observed.total
        };
        self.clock.send_replace(observed);
        self.answered.give();
    }

    /// Takes note of a beat that is not answered yet.
    pub(crate) fn missed(&self, lease: Duration) {
        // Twice the lease: until then others may be slow to evict this instance, and all may go on as it was.
        if self.silence() >= lease * 2 {
            self.cut_off_token().cancel();
        }
    }

    /// How long ago the last answered beat was sent.
    pub(crate) fn silence(&self) -> Duration {
        let beaten_at = self.origin + Duration::from_millis(self.beaten_at.load(Ordering::Acquire));
        Instant::now().saturating_duration_since(beaten_at)
    }

    /// Tells whether the last answered beat is younger than the lease time.
    pub(crate) fn is_fresh(&self, lease: Duration) -> bool {
        self.silence() < lease
    }

    /// Tells whether no beat has been answered for twice the lease time.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.cut_off_token().is_cancelled()
    }

    fn cut_off_token(&self) -> CancellationToken {
        self.cut_off.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Completes once no beat has been answered for twice the lease time. Cancel safe.
    pub(crate) fn cut_off(&self) -> impl Future<Output = ()> + Send + use<> {
        self.cut_off_token().cancelled_owned()
    }

    /// Follows this instance's answered beats.
    pub(crate) fn answered(&self) -> Listener {
        self.answered.listen()
    }

    /// Follows the time that may be held against others; it is told with each answered beat.
    pub(crate) fn clock(&self) -> watch::Receiver<Duration> {
        self.clock.subscribe()
    }
}

/// The time in which this instance could have seen others beat.
///
/// What keeps this instance from writing may keep others from it, too. So time counts only between two of its own
/// beats that were each answered within a beat's interval, however many tries that took.
#[derive(Debug, Default)]
struct ObservedTime {
    total: Duration,
    /// When the last beat was due, if it was answered in time.
    since: Option<Instant>,
}

impl ObservedTime {
    fn beaten(&mut self, due: Instant, answered: Instant, interval: Duration) {
        let in_time = answered.saturating_duration_since(due) <= interval;
        if let (Some(since), true) = (self.since, in_time) {
            self.total += due.saturating_duration_since(since);
        }
        self.since = in_time.then_some(due);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    /// Plays beats, each due so long after the one before and answered so long after it was due.
    fn observed(beats: &[(u64, u64)]) -> u64 {
        let (mut due, mut observed) = (Instant::now(), ObservedTime::default());
        for (after, answer) in beats {
            due += Duration::from_secs(*after);
            observed.beaten(due, due + Duration::from_secs(*answer), INTERVAL);
        }
        observed.total.as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn time_counts_between_two_beats_that_were_answered_in_time() {
        for (beats, counted) in [
            (&[(0, 0)][..], 0),
            (&[(0, 0), (5, 0), (5, 0)], 10),
            (&[(0, 0), (5, 5)], 5),
            (&[(0, 0), (5, 6)], 0),
            (&[(0, 0), (5, 6), (6, 0)], 0),
            (&[(0, 0), (5, 6), (6, 0), (5, 1)], 5),
            (&[(0, 9), (9, 0), (5, 0)], 5),
        ] {
            assert_eq!(observed(beats), counted, "{beats:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_is_cut_off_after_twice_the_lease_and_until_the_next_answer() {
        let lease = INTERVAL * 3;
        let liveness = Liveness::new();
        tokio::time::advance(lease).await;
        liveness.missed(lease);
        assert!(!liveness.is_fresh(lease));
        assert!(!liveness.is_cut_off());
        tokio::time::advance(lease).await;
        liveness.missed(lease);
        assert!(liveness.is_cut_off());
        liveness.cut_off().await;
        liveness.beaten(Instant::now(), Instant::now(), INTERVAL);
        assert!(!liveness.is_cut_off());
        assert!(liveness.is_fresh(lease));
    }
}
