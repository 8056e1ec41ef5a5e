//! What the tests have in common.

use std::time::Duration;

use integration_tests::endpoint;
use integration_tests::processes::{Cluster, Placement, Plan, Workload};
use tokio::time::{Instant, sleep};

/// What takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Three clients for each task, wherever the load balancer sends them.
pub(crate) const WORKLOAD: Workload = Workload {
    tasks: 4,
    chunks: 60,
    gap: Duration::from_millis(50),
    watchers: 2,
    placement: Placement::Anywhere,
    patience: PATIENCE,
};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Three processes of the program under test: `a2a-node`, built with these tests.
pub(crate) fn plan() -> Plan {
    Plan::of(env!("CARGO_BIN_EXE_trials"))
}

/// Starts a cluster. `None` where there is no endpoint; that was said.
pub(crate) async fn cluster(change: impl FnOnce(&mut Plan)) -> Option<Cluster> {
    let aws = endpoint::aws()?;
    let mut plan = plan();
    change(&mut plan);
    Some(Cluster::start(plan, aws).await)
}

/// Looks until something is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "in vain: {what}");
        sleep(LOOK_EVERY).await;
    }
}
