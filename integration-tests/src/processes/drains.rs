//! Restarts processes in turn, with SIGTERM, behind a load balancer that looks once a second whether they are ready; and
//! counts what clients were refused that send messages and open streams all the time.

use std::time::Duration;

use a2a_testworld::SteadyLoad;
use a2a_testworld::steady_load::Experience;

use super::cluster::{Cluster, Plan};
use super::resources::Leftovers;
use crate::endpoint::Aws;

const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// Two looks and what an answer takes, on a busy machine.
const DRAIN_DELAY: Duration = Duration::from_secs(5);
/// Nobody dies here, and who lives is not to be taken for dead.
const LEASE: Duration = Duration::from_secs(15);

/// What the trial was like.
#[derive(Debug)]
pub struct Outcome {
    /// What clients met.
    pub met: Experience,
    /// How often the load balancer could not connect to an instance that it took for ready.
    pub unreachable: usize,
    /// What was left after the last shutdown.
    pub left: Leftovers,
}

impl Outcome {
    /// Tells whether nothing was refused, reset or cut short, and nothing is left.
    pub fn is_right(&self) -> bool {
        self.met.wrong.is_empty() && self.unreachable == 0 && self.left.is_nothing()
    }
}

/// Replaces the oldest process by a new one, so many times.
///
/// # Panics
///
/// When a process does not start or end as it should.
pub async fn run(plan: Plan, aws: &Aws, restarts: usize, mut tell: impl FnMut(usize)) -> Outcome {
    let plan =
        Plan { looks_every: LOOKS_EVERY, drain_delay: DRAIN_DELAY, lease: plan.lease.max(LEASE), ..plan };
    let mut cluster = Cluster::start(plan, aws).await;
    let load = SteadyLoad::begin(cluster.card()).await;
    for number in 1..=restarts {
        let oldest = cluster.nodes().first().expect("a process").name().to_owned();
        cluster.add().await;
        cluster.retire(&oldest).await;
        tell(number);
    }
    let met = load.end().await;
    let unreachable = cluster.load_balancer().unreachable();
    let left = cluster.shutdown().await;
    Outcome { met, unreachable, left }
}
