//! What goes wrong how often.

use std::time::Duration;

use super::Delay;

/// The probabilities and delays of all faults, each probability in `0.0..=1.0`.
///
/// A write has four fates, applied or not, answered or not. `write_refused`, `answer_lost` and `write_lost`
/// are the three bad ones and exclude each other, as does `write_late`; what remains is the good one.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// A write is not applied and answered so: [`Unavailable`](a2a_core::BackendError::Unavailable).
    pub write_refused: f64,
    /// A write is applied and not answered: [`Indeterminate`](a2a_core::BackendError::Indeterminate).
    pub answer_lost: f64,
    /// A write is neither applied nor answered: [`Indeterminate`](a2a_core::BackendError::Indeterminate).
    pub write_lost: f64,
    /// A write is not answered, and is tried at the store only after the caller was told
    /// [`Indeterminate`](a2a_core::BackendError::Indeterminate).
    pub write_late: f64,
    /// Which writes are late then; others are lost instead.
    pub late: Late,
    /// How late such a write is.
    pub lateness: Delay,
    /// A read fails: [`Unavailable`](a2a_core::BackendError::Unavailable).
    pub read_failed: f64,
    /// The time that a call takes to the store, and again the answer's back.
    pub store_delay: Delay,
    /// How long `list` and `executing` do not show what a commit, a release or a deletion has changed. Each change
    /// draws its own lag; those of one task are seen in order.
    pub index_lag: Delay,
    /// A message does not reach one of its recipients.
    pub loss: f64,
    /// A recipient gets a message twice, each copy with a delay of its own.
    pub duplication: f64,
    /// A send fails and nobody gets the message: [`Unavailable`](a2a_core::BackendError::Unavailable).
    pub send_failed: f64,
    /// The time that a send takes its sender.
    pub send_delay: Delay,
    /// The time that a message is under way. Any spread reorders.
    pub bus_delay: Delay,
    /// Whether the bus is plugged in. Unplugged, sends succeed and nothing ever arrives.
    pub plugged: bool,
    /// The time that connecting to the bus takes, and releasing what an instance left there.
    pub connect_delay: Delay,
    /// Connecting fails then, or releasing: [`Unavailable`](a2a_core::BackendError::Unavailable).
    pub connect_failed: f64,
}

/// Which writes reach the store after their callers gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// Commits only.
    Commits,
    /// Every write: also a beat, an eviction, a release, a watch, a deletion.
    Writes,
}

impl Forecast {
    /// Nothing goes wrong and nothing takes time.
    pub const fn calm() -> Self {
        Forecast {
            write_refused: 0.0,
            answer_lost: 0.0,
            write_lost: 0.0,
            write_late: 0.0,
            late: Late::Commits,
            lateness: Delay::NONE,
            read_failed: 0.0,
            store_delay: Delay::NONE,
            index_lag: Delay::NONE,
            loss: 0.0,
            duplication: 0.0,
            send_failed: 0.0,
            send_delay: Delay::NONE,
            bus_delay: Delay::NONE,
            plugged: true,
            connect_delay: Delay::NONE,
            connect_failed: 0.0,
        }
    }

    /// The bus is unplugged; the store is calm.
    pub const fn unplugged() -> Self {
        Forecast { plugged: false, ..Forecast::calm() }
    }

    /// Nothing goes wrong, but calls of the store take up to a second, and some of them up to ten.
    pub const fn slow() -> Self {
        let (least, most) = (Duration::from_millis(50), Duration::from_secs(1));
        let store_delay = Delay::between(least, most).with_stragglers(0.02, Duration::from_secs(10));
        Forecast { store_delay, ..Forecast::calm() }
    }

    /// Something of everything goes wrong, each a few times in a hundred; calls take milliseconds, messages
    /// up to half a second and some much longer. Late are commits only, and indexes do not lag.
    pub const fn stormy() -> Self {
        Forecast {
            write_refused: 0.03,
            answer_lost: 0.03,
            write_lost: 0.02,
            write_late: 0.01,
            late: Late::Commits,
            lateness: Delay::between(Duration::from_millis(10), Duration::from_secs(5)),
            read_failed: 0.03,
            store_delay: Delay::between(Duration::from_millis(1), Duration::from_millis(20))
                .with_stragglers(0.02, Duration::from_secs(2)),
            index_lag: Delay::NONE,
            loss: 0.1,
            duplication: 0.1,
            send_failed: 0.03,
            send_delay: Delay::NONE,
            bus_delay: Delay::between(Duration::from_millis(1), Duration::from_millis(500))
                .with_stragglers(0.05, Duration::from_secs(10)),
            plugged: true,
            connect_delay: Delay::NONE,
            connect_failed: 0.0,
        }
    }
}

impl Default for Forecast {
    fn default() -> Self {
        Forecast::calm()
    }
}
