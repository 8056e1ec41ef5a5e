//! What a simulation is made of: what its test demands, and what its seed draws.

use a2a_core::Principal;

/// What a test demands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Whether nothing goes wrong at all, but for what befalls single tasks.
    pub(crate) calm: bool,
    /// Whether instances crash, freeze, drain and are cut off.
    pub(crate) disasters: bool,
    /// Whether a lost agent is run again.
    pub(crate) resume: bool,
    /// Whether there is a bus at all.
    pub(crate) bus: bool,
}

/// What a seed draws for all of a simulation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// How many instances there are.
    pub(crate) size: usize,
    /// How many callers there are. A single one is not told apart from anybody.
    pub(crate) callers: usize,
    /// How many commits of a task the store keeps one by one.
    pub(crate) log: Option<usize>,
    /// How many finished tasks the store keeps.
    pub(crate) finished: Option<usize>,
    /// How many tasks are on a page of what an instance executes.
    pub(crate) page: usize,
    /// How many commits of a task an instance keeps for its streams.
    pub(crate) ring: usize,
    /// How far apart commits are, in milliseconds.
    pub(crate) spacing: Option<u64>,
    /// Whether the agent's card declares push notifications.
    pub(crate) webhooks: bool,
    /// Whether it is tried in the end how much instances take on.
    pub(crate) probes: bool,
    /// Whether tasks are deleted.
    pub(crate) deletes: bool,
    /// Whether tasks cannot be read for a while, or for good.
    pub(crate) spoils: bool,
}

impl Terms {
    pub(crate) fn draw(rng: &mut fastrand::Rng) -> Self {
        Terms {
            size: rng.usize(2..=4),
            callers: [1, 1, 2, 3][rng.usize(0..4)],
            log: [None, None, Some(rng.usize(1..20))][rng.usize(0..3)],
            finished: [None, None, None, Some(rng.usize(1..6))][rng.usize(0..4)],
            page: [1, 2, 256][rng.usize(0..3)],
            ring: [1, 4, 256, 256][rng.usize(0..4)],
            spacing: [None, Some(20), Some(200)][rng.usize(0..3)],
            webhooks: rng.u8(0..3) == 0,
            probes: rng.u8(0..12) == 0,
            deletes: rng.u8(0..4) == 0,
            spoils: rng.u8(0..4) == 0,
        }
    }

    /// The name of a caller, where callers are told apart.
    pub(crate) fn principal(&self, caller: usize) -> Option<Principal> {
        (self.callers > 1).then(|| Principal::new(format!("caller-{caller}")))
    }
}
