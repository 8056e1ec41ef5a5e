//! The sentences of the contracts as lists, for a program that judges a backend while it runs and is no test.
//!
//! Tests come from the suites' macros, such as [`task_store_suite!`](crate::task_store_suite), which these lists are made by, too.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tokio::time::timeout;

use crate::{BusFixture, StoreFixture};

/// What holds a fixture to a sentence; it panics where that is broken.
type Test<F> = for<'a> fn(&'a F) -> LocalBoxFuture<'a, ()>;

/// One sentence of a contract, for fixtures of one kind.
pub struct Sentence<F: ?Sized> {
    suite: &'static str,
    name: &'static str,
    test: Test<F>,
}

impl<F: ?Sized> Sentence<F> {
    fn new(suite: &'static str, name: &'static str, test: Test<F>) -> Self {
        Sentence { suite, name, test }
    }

    /// The suite that it is of, as its module is called.
    pub fn suite(&self) -> &'static str {
        self.suite
    }

    /// Its name, as its test has it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Holds a fresh fixture to it; closing that is the caller's. Stays on the thread on which it began, in a runtime that
    /// must have others.
    ///
    /// # Errors
    ///
    /// In what the sentence is broken, or that it took longer than `limit`.
    pub async fn holds(&self, fixture: &F, limit: Duration) -> Result<(), String> {
        match AssertUnwindSafe(timeout(limit, (self.test)(fixture))).catch_unwind().await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(format!("took more than {limit:?}")),
            Err(panic) => Err(words(&*panic)),
        }
    }
}

impl<F: ?Sized> fmt::Debug for Sentence<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.suite, self.name)
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panicked").to_owned()
}

/// What a store promises: its tasks, members, push configs, and what a deployment shares.
pub fn of_stores() -> Vec<Sentence<dyn StoreFixture>> {
    [task_store(), membership(), push_configs(), deployment()].into_iter().flatten().collect()
}

/// What a bus and its endpoints promise.
pub fn of_buses() -> Vec<Sentence<dyn BusFixture>> {
    [event_bus(), endpoint()].into_iter().flatten().collect()
}

crate::task_store_suite!(@sentences StoreFixture);
crate::membership_suite!(@sentences StoreFixture);
crate::push_configs_suite!(@sentences StoreFixture);
crate::deployment_suite!(@sentences StoreFixture);
crate::event_bus_suite!(@sentences BusFixture);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_broken_sentence_says_in_what_and_one_that_hangs_ends() {
        let limit = Duration::from_secs(60);
        let of = |test| Sentence::<u32>::new("suite", "name", test);
        let even = of(|number| Box::pin(async move { assert!(number % 2 == 0, "{number} is odd") }));
        assert_eq!(even.holds(&2, limit).await, Ok(()));
        assert_eq!(even.holds(&3, limit).await, Err("3 is odd".to_owned()));
        let hangs = of(|_| Box::pin(std::future::pending()));
        assert_eq!(hangs.holds(&1, limit).await, Err("took more than 60s".to_owned()));
    }
}
