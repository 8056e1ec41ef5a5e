//! Waiting for what must happen: soon enough, or the test says what it saw instead.

use std::fmt::Debug;
use std::time::Duration;

use a2a_core::Result;
use tokio::time::{Instant, sleep, timeout};

const PAUSE: Duration = Duration::from_millis(20);

/// Observes again and again until it sees `expected`. Panics with the last observation after `patience`.
pub(crate) async fn eventually<T: PartialEq + Debug>(
    patience: Duration,
    expected: T,
    mut observe: impl AsyncFnMut() -> T,
) {
    let deadline = Instant::now() + patience;
    loop {
        let seen = observe().await;
        if seen == expected {
            return;
        }
        assert!(Instant::now() < deadline, "after {patience:?}\n    seen: {seen:?}\nexpected: {expected:?}");
        sleep(PAUSE).await;
    }
}

/// Waits for a future at most `patience`.
pub(crate) async fn within<T>(patience: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match timeout(patience, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took more than {patience:?}"),
    }
}

/// Calls again while the backend asks for it: many clients at once may well be throttled.
pub(crate) async fn persist<T, F: Future<Output = Result<T>>>(mut call: impl FnMut() -> F) -> T {
    for attempt in 1..50 {
        match call().await {
            Ok(value) => return value,
            Err(error) if error.is_transient() => sleep(PAUSE * attempt).await,
            Err(error) => panic!("{error:?}"),
        }
    }
    call().await.expect("the fiftieth attempt")
}
