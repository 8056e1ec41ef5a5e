//! Whether a load balancer should send requests to an instance, and why not.

use std::fmt;

use crate::instance::Instance;

/// Whether an instance is to get requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    reasons: Vec<Unready>,
    bus: BusState,
}

/// How the bus is. It is no reason to send requests elsewhere: all are served without it, and streams of tasks that
/// run elsewhere lag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum BusState {
    /// There is none.
    #[default]
    Absent,
    /// It is not connected, or not any more.
    NotConnected,
    /// It is connected.
    Connected,
    /// It is connected, and cannot be read.
    Fails,
}

/// Why an instance is to get no requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unready {
    /// It shuts down.
    Draining,
    /// Others have declared it dead. It joins again under a new id.
    Evicted,
    /// It could not beat for the lease time, and takes no new work until it can.
    NoHeartbeat,
    /// The store only fails.
    StoreFails,
    /// The store let this instance in before, and denies it something now: a permission, credentials, a key or the table is
    /// missing. The log says which.
    StoreDenies,
}

impl BusState {
    fn of(instance: &Instance) -> Self {
        let connection = &instance.ground.connection;
        match (connection.has_bus(), connection.is_connected()) {
            (false, _) => BusState::Absent,
            (true, false) => BusState::NotConnected,
            (true, true) if instance.ground.health.bus.lasts(instance.ground.config.unready_after) => {
                BusState::Fails
            }
            (true, true) => BusState::Connected,
        }
    }
}

impl Readiness {
    pub(crate) fn of(instance: &Instance) -> Self {
        let patience = instance.ground.config.unready_after;
        let health = &instance.ground.health;
        let evicted = instance.ground.stop.is_evicted();
        let alive = instance.ground.liveness.is_fresh(instance.ground.config.lease);
        let reasons = [
            (evicted, Unready::Evicted),
            (!evicted && instance.ground.stop.draining.is_cancelled(), Unready::Draining),
            (!alive, Unready::NoHeartbeat),
            (health.tasks.lasts(patience) || health.members.lasts(patience), Unready::StoreFails),
            (instance.ground.denials.are_standing(), Unready::StoreDenies),
        ];
        let reasons = reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect();
        Readiness { reasons, bus: BusState::of(instance) }
    }

    /// Tells whether requests may come.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }

    /// How the bus is.
    #[must_use]
    pub fn bus(&self) -> BusState {
        self.bus
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
        Readiness { reasons: reasons.into_iter().collect(), bus: BusState::Absent }
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reasons.split_first() {
            None => f.write_str("ready")?,
            Some((first, rest)) => {
                write!(f, "not ready: {first}")?;
                rest.iter().try_for_each(|reason| write!(f, ", {reason}"))?;
            }
        }
        match self.bus {
            BusState::Absent | BusState::Connected => Ok(()),
            BusState::NotConnected => f.write_str("; the bus is not connected"),
            BusState::Fails => f.write_str("; the bus fails"),
        }
    }
}

impl fmt::Display for Unready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unready::Draining => "the instance drains",
            Unready::Evicted => "the instance was evicted",
            Unready::NoHeartbeat => "the instance could not beat",
            Unready::StoreFails => "the store fails",
            Unready::StoreDenies => "the store denies access",
        })
    }
}
