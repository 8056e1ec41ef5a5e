//! What the tests have in common.

use std::time::Duration;

use integration_tests::endpoint;
use integration_tests::processes::{Crew, Plan};
use tokio::time::{Instant, sleep};

/// What takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Starts a crew of the program under test: `a2a-node`, built with these tests. `None` where there is no endpoint;
/// that was said.
pub(crate) async fn crew(change: impl FnOnce(&mut Plan)) -> Option<Crew> {
    let aws = endpoint::aws()?;
    let mut plan = Plan::of(env!("CARGO_BIN_EXE_trials"));
    change(&mut plan);
    Some(Crew::start(plan, aws).await)
}

/// Looks until something is so.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "in vain: {what}");
        sleep(LOOK_EVERY).await;
    }
}
