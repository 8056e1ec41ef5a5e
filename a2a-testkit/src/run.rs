//! Runs one sentence of a contract: a runtime, a fixture, and its clean-up whatever happens.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures::FutureExt;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::Fixture;

/// The longest that one test may take, in case a backend never answers.
const LIMIT: Duration = Duration::from_secs(300);

/// Opens a fixture, runs `test` on it in a multi-threaded runtime and closes the fixture, also after a panic.
///
/// The suites' macros call this; call it for a test of your own that needs the same fixture.
///
/// # Panics
///
/// As `test` does, or after five minutes.
pub fn run<F: Fixture>(test: impl AsyncFnOnce(&F)) {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let Some(fixture) = F::open().await else { return };
        let verdict = AssertUnwindSafe(timeout(LIMIT, test(&fixture))).catch_unwind().await;
        let closing = AssertUnwindSafe(fixture.close()).catch_unwind().await;
        match verdict {
            Err(panic) => resume_unwind(panic),
            Ok(Err(_)) => panic!("the test took more than {LIMIT:?}"),
            Ok(Ok(())) => closing.unwrap_or_else(|panic| resume_unwind(panic)),
        }
    });
}
