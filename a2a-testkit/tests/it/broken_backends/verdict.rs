//! Runs one sentence of a contract against a broken backend, which must not pass.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use a2a_testkit::{BusFixture, StoreFixture};
use futures::FutureExt;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::bus_flaw::{BusFlaw, FlawedBus};
use super::flaw::{Flaw, Flawed};
use crate::reference::{Location, Meeting};

/// Asserts that the sentence rejects a store whose every handle has this flaw.
pub(crate) fn store_rejected<F: Flaw>(
    make: impl Fn() -> F + Send + Sync + 'static,
    sentence: impl AsyncFnOnce(&dyn StoreFixture),
) {
    let location = Location::altered(move |right| Arc::new(Flawed { right, flaw: make() }));
    rejected(sentence(&location));
}

/// Asserts that the sentence rejects a bus whose every endpoint has this flaw.
pub(crate) fn bus_rejected<F: BusFlaw>(
    make: impl Fn() -> F + Send + Sync + 'static,
    sentence: impl AsyncFnOnce(&dyn BusFixture),
) {
    let meeting = Meeting::altered(move |right| Arc::new(FlawedBus { right, flaw: make() }));
    rejected(sentence(&meeting));
}

fn rejected(sentence: impl Future<Output = ()>) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let guarded = AssertUnwindSafe(sentence).catch_unwind();
    let verdict = runtime.block_on(async { timeout(Duration::from_secs(30), guarded).await });
    runtime.shutdown_background();
    let verdict = verdict.expect("the suite hangs on a broken backend instead of rejecting it");
    let reason = verdict.expect_err("the suite accepts a broken backend");
    let reason = reason.downcast_ref::<String>().map_or("", String::as_str);
    // The flaws and the runtime panic for other reasons, if they do.
    let own = ["Option::unwrap", "entered unreachable code", "PoisonError", "no reactor running"];
    assert!(own.iter().all(|text| !reason.contains(text)), "the broken backend panics by itself: {reason}");
}

/// Names, for each broken backend, the sentences that must reject it.
macro_rules! rejections {
    ($reject:ident: $($test:ident: $flaw:expr => $($suite:ident::$sentence:ident),+;)*) => {
        $(
            #[test]
            fn $test() {
                $($crate::broken_backends::verdict::$reject(|| $flaw, async |fixture| {
                    a2a_testkit::$suite::$sentence(fixture).await;
                });)+
            }
        )*
    };
}
pub(crate) use rejections;
