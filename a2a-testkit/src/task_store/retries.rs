//! A store's own retries come from the budget that it was handed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use a2a_core::{AttemptObserver, FailedAttempt, RetryBudget, TaskKey, Tenant};

use crate::StoreFixture;

/// Counts attempts that failed.
#[derive(Debug, Default)]
struct Failures(AtomicU32);

impl AttemptObserver for Failures {
    fn failed(&self, _: &FailedAttempt<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn answered(&self, _: &'static str) {}
}

/// Of the attempts of one call, all that failed but the last were repeated, and each retry was paid for from the budget
/// that was handed over last.
pub async fn a_store_repeats_within_the_budget(fixture: &dyn StoreFixture) {
    let handles = [Some(fixture.handle().await), fixture.failing_handle().await];
    let key = TaskKey::new(Tenant::default(), "absent");
    for handle in handles.into_iter().flatten() {
        let forgotten = RetryBudget::of_retries(9);
        handle.use_budget(&forgotten);
        for retries in [0, 2] {
            let failures = Arc::<Failures>::default();
            let budget = RetryBudget::of_retries(retries).observed_by(failures.clone());
            handle.use_budget(&budget);
            let _ = handle.head(&key).await;
            let (failed, paid) = (failures.0.load(Ordering::Relaxed), retries - budget.left());
            assert!(
                failed <= paid + 1,
                "{failed} attempts of one read failed, and {paid} retries were paid for"
            );
        }
        assert_eq!(forgotten.left(), 9, "a budget that was replaced is still used");
    }
}
