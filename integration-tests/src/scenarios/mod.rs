//! What several instances must do together whatever they stand on: one list, played on each kind of backends.
//!
//! A scenario is a function of [`Backends`]. `integration_tests::scenarios!` makes a test of each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "what fails here is a test that fails, and its name says all of it"
)]

pub mod broken_agents;
pub mod cancelling;
pub mod claims;
pub mod crashes;
pub mod cut_off;
pub mod departures;
pub mod following_up;
pub mod hints;
pub mod lagging_index;
pub mod load;
pub mod readers;
pub mod reading;
pub mod repeats;
pub mod streams;
pub mod take_over;
pub mod talkative;
pub mod volume;
pub mod weather;
pub mod webhooks;

mod list;
mod stage;

use std::sync::Arc;
use std::time::{Duration, Instant};

use a2a_testworld::Backends;

/// Plays one scenario, then checks that nothing is left but tasks. Does nothing without backends.
///
/// # Panics
///
/// Where the scenario does, and where something is left.
pub async fn play<F: Future<Output = ()>>(
    backends: Option<impl Backends>,
    scenario: impl FnOnce(Arc<dyn Backends>) -> F,
) {
    let Some(backends) = backends else { return };
    let backends: Arc<dyn Backends> = Arc::new(backends);
    Box::pin(scenario(Arc::clone(&backends))).await;
    assert_eq!(backends.left().await, Vec::<String>::new());
}

/// Waits until something is true, and fails if it does not become so soon.
async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !check().await {
        assert!(start.elapsed() < a2a_testworld::PATIENCE, "{what} should have come true");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
