//! Stores that repeat requests behind the back of whoever pays for that.

use std::sync::Mutex;

use a2a_core::{FailedAttempt, Result, RetryBudget, TaskHead, TaskKey, TaskStore, Trouble};
use a2a_testkit::async_trait;

use super::flaw::Flaw;
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    retries_that_nobody_pays_for: RepeatsAnyway::default() => task_store::a_store_repeats_within_the_budget;
    a_budget_that_is_never_replaced: KeepsTheFirst::default() => task_store::a_store_repeats_within_the_budget;
}

/// Tells of an attempt that failed.
fn fail(budget: &RetryBudget) {
    budget.failed(&FailedAttempt {
        operation: "read",
        code: "busy",
        reason: "",
        resource: "",
        trouble: Some(Trouble::Throttled),
        is_vital: true,
        why: "it is busy",
    });
}

/// Reads four times, whatever the budget has.
#[derive(Default)]
struct RepeatsAnyway(Mutex<RetryBudget>);

#[async_trait]
impl Flaw for RepeatsAnyway {
    fn use_budget(&self, budget: &RetryBudget) {
        *self.0.lock().unwrap() = budget.clone();
    }
    async fn head(&self, right: &Reference, key: &TaskKey) -> Result<Option<TaskHead>> {
        (0..3).for_each(|_| fail(&self.0.lock().unwrap()));
        right.head(key).await
    }
}

/// Repeats within the budget that it was handed first.
#[derive(Default)]
struct KeepsTheFirst(Mutex<Option<RetryBudget>>);

#[async_trait]
impl Flaw for KeepsTheFirst {
    fn use_budget(&self, budget: &RetryBudget) {
        self.0.lock().unwrap().get_or_insert_with(|| budget.clone());
    }
    async fn head(&self, right: &Reference, key: &TaskKey) -> Result<Option<TaskHead>> {
        if let Some(budget) = &*self.0.lock().unwrap()
            && budget.try_retry()
        {
            fail(budget);
        }
        right.head(key).await
    }
}
