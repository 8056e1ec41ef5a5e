//! Whether a load balancer should send requests to an instance, and why not.

use std::fmt;

use tokio::time::Instant;

use crate::instance::Instance;

/// Whether an instance is to get requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    reasons: Vec<Unready>,
}

/// Why an instance is to get no requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unready {
    /// It shuts down.
    Draining,
    /// Others have declared it dead. Shut it down, and start another.
    Evicted,
    /// It could not beat for the lease time, and takes no new work until it can.
    NoHeartbeat,
    /// The store only fails.
    StoreFails,
    /// The bus's receive only fails. Requests would be served, but streams of tasks that run elsewhere lag.
    BusFails,
}

impl Readiness {
    pub(crate) fn of(instance: &Instance) -> Self {
        let patience = instance.config.unready_after;
        let health = &instance.health;
        let evicted = instance.is_evicted();
        let alive = instance.liveness.is_fresh(Instant::now(), instance.config.lease);
        let reasons = [
            (evicted, Unready::Evicted),
            (!evicted && instance.draining.is_cancelled(), Unready::Draining),
            (!alive, Unready::NoHeartbeat),
            (health.tasks.lasts(patience) || health.members.lasts(patience), Unready::StoreFails),
            (health.bus.lasts(patience), Unready::BusFails),
        ];
        reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
    }

    /// Tells whether requests may come.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Why no requests may come; empty where they may.
    #[must_use]
    pub fn reasons(&self) -> &[Unready] {
        &self.reasons
    }
}

/// Ready where there is no reason against it; for who tests what readiness leads to.
impl FromIterator<Unready> for Readiness {
    fn from_iter<I: IntoIterator<Item = Unready>>(reasons: I) -> Self {
        Readiness { reasons: reasons.into_iter().collect() }
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.reasons.split_first() else { return f.write_str("ready") };
        write!(f, "not ready: {first}")?;
        rest.iter().try_for_each(|reason| write!(f, ", {reason}"))
    }
}

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unready::Draining => "the instance drains",
            Unready::Evicted => "the instance was evicted",
            Unready::NoHeartbeat => "the instance could not beat",
            Unready::StoreFails => "the store fails",
            Unready::BusFails => "the bus fails",
        })
    }
}
