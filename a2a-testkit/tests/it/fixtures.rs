//! What the runner of the suites does with a fixture.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use a2a_testkit::{Fixture, async_trait, run};

macro_rules! counted_fixture {
    ($fixture:ident, $closed:ident, $open:expr) => {
        static $closed: AtomicUsize = AtomicUsize::new(0);

        #[derive(Clone, Copy)]
        struct $fixture;

        #[async_trait]
        impl Fixture for $fixture {
            async fn open() -> Option<Self> {
                $open
            }
            async fn close(&self) {
                tokio::task::yield_now().await;
                $closed.fetch_add(1, Ordering::SeqCst);
            }
        }
    };
}

counted_fixture!(Passing, PASSING_CLOSED, Some(Passing));
counted_fixture!(Failing, FAILING_CLOSED, Some(Failing));
counted_fixture!(Missing, MISSING_CLOSED, None);

#[test]
fn a_fixture_is_closed_once_after_a_test_that_passed() {
    run::<Passing>(async |_| assert_eq!(PASSING_CLOSED.load(Ordering::SeqCst), 0));
    assert_eq!(PASSING_CLOSED.load(Ordering::SeqCst), 1);
}

#[test]
fn a_fixture_is_closed_once_after_a_test_that_panicked_and_the_panic_goes_on() {
    let verdict =
        catch_unwind(AssertUnwindSafe(|| run::<Failing>(async |_| panic!("the contract is broken"))));
    assert_eq!(verdict.unwrap_err().downcast_ref::<&str>(), Some(&"the contract is broken"));
    assert_eq!(FAILING_CLOSED.load(Ordering::SeqCst), 1);
}

#[test]
fn a_test_without_its_service_is_skipped() {
    run::<Missing>(async |_| panic!("there is nothing to test"));
    assert_eq!(MISSING_CLOSED.load(Ordering::SeqCst), 0);
}
