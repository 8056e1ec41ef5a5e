//! What the tests have in common.

use integration_tests::endpoint;
use integration_tests::processes::{Crew, Plan};

/// The program under test: `a2a-node`, built with these tests.
pub(crate) fn plan() -> Plan {
    Plan::of(env!("CARGO_BIN_EXE_trials"))
}

/// Starts a crew. `None` where there is no endpoint; that was said.
pub(crate) async fn crew(change: impl FnOnce(&mut Plan)) -> Option<Crew> {
    let aws = endpoint::aws()?;
    let mut plan = plan();
    change(&mut plan);
    Some(Crew::start(plan, aws).await)
}
