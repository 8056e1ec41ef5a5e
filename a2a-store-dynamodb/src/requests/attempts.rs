//! Sending one request, and again while that may help: the one place where every attempt is judged, told of and paid for
//! from the instance's retry budget. The client repeats nothing.
//!
//! Its own retries would hide that an earlier attempt went without an answer, and then "throttled, nothing applied" would
//! be a lie.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use a2a_core::{BackendError, Env, FailedAttempt, RetryBudget, Trouble};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::DynamoDbConfig;
use crate::requests::error::{self, Described, Verdict};

/// The longest first pause; the shortest is half of it, as for all pauses.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause for what passes by itself.
const LONGEST_PAUSE: Duration = Duration::from_millis(800);
/// The longest pause where less has to be asked.
const LONGEST_THROTTLED: Duration = Duration::from_millis(2_500);
/// The longest pause of a heartbeat: a table that is asked for too much refuses most writes, not all, and whoever tries often
/// enough gets through. Beats are few.
const LONGEST_OF_BEATS: Duration = Duration::from_millis(100);
/// No attempt begins later than this after the first: whoever called wants to know, and gives up after 5 s as a rule.
const PATIENCE: Duration = Duration::from_secs(4);

/// How requests are repeated, what is known of the store, and who is told. Clones share all but how often.
#[derive(Debug, Clone)]
pub(crate) struct Attempts {
    most: u32,
    /// The longest pause where less has to be asked.
    longest_throttled: Duration,
    env: Arc<dyn Env>,
    budget: Arc<RwLock<RetryBudget>>,
    /// Whether any request of this handle was ever answered.
    served: Arc<AtomicBool>,
}

/// One attempt that is under way.
pub(crate) type Sending<T, E> = BoxFuture<'static, Result<T, SdkError<E>>>;

/// A request that failed for good.
#[derive(Debug)]
pub(crate) struct Failed<E> {
    pub(crate) error: SdkError<E>,
    pub(crate) verdict: Verdict,
    operation: &'static str,
    /// Whether one of the attempts may have been applied.
    doubt: bool,
    served: bool,
}

impl Attempts {
    pub(crate) fn new(config: &DynamoDbConfig) -> Self {
        Attempts {
            most: config.attempts,
            longest_throttled: LONGEST_THROTTLED,
            env: Arc::clone(&config.env),
            budget: Arc::default(),
            served: Arc::default(),
        }
    }

    /// The same under other settings.
    pub(crate) fn with_config(self, config: &DynamoDbConfig) -> Self {
        Attempts { most: config.attempts, env: Arc::clone(&config.env), ..self }
    }

    /// The same for heartbeats, which do not make room for others.
    pub(crate) fn of_beats(&self) -> Self {
        Attempts { longest_throttled: LONGEST_OF_BEATS, ..self.clone() }
    }

    /// Pays from this budget from now on.
    pub(crate) fn use_budget(&self, budget: &RetryBudget) {
        *self.budget.write().unwrap_or_else(PoisonError::into_inner) = budget.clone();
    }

    pub(crate) fn budget(&self) -> RetryBudget {
        self.budget.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request, again while that may help, attempts are left and the budget grants it.
    pub(crate) async fn send<T, E>(
        &self,
        operation: &'static str,
        judge: impl Fn(&SdkError<E>) -> Verdict,
        send: impl Fn() -> Sending<T, E>,
    ) -> Result<T, Failed<E>>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let budget = self.budget();
        let mut retries = Retries::new(self);
        let mut doubt = false;
        loop {
            let error = match send().await {
                Ok(done) => {
                    self.answered(&budget, operation, retries.made > 0);
                    return Ok(done);
                }
                Err(error) => error,
            };
            let verdict = judge(&error);
            doubt |= verdict == Verdict::Doubtful;
            if verdict == Verdict::Unmet {
                self.answered(&budget, operation, retries.made > 0);
            } else {
                let described = Described::of(operation, &error);
                budget.failed(&described.attempt(verdict, &described.fault.to_string()));
            }
            let trouble = match verdict {
                // Whoever mends this takes seconds at least: the caller waits, and holds nothing meanwhile.
                Verdict::Denied => None,
                verdict => verdict.trouble(),
            };
            let again = match trouble {
                Some(trouble) => retries.next(&budget, trouble).await,
                None => false,
            };
            if !again {
                return Err(Failed { error, verdict, operation, doubt, served: self.has_served() });
            }
        }
    }

    fn answered(&self, budget: &RetryBudget, operation: &'static str, retried: bool) {
        if !self.has_served() {
            self.served.store(true, Ordering::Relaxed);
        }
        budget.answered(operation, retried);
    }

    fn has_served(&self) -> bool {
        self.served.load(Ordering::Relaxed)
    }
}

/// The retries of one call.
#[derive(Debug)]
pub(crate) struct Retries<'a> {
    attempts: &'a Attempts,
    made: u32,
    pause: Duration,
    began: Instant,
}

impl<'a> Retries<'a> {
    pub(crate) fn new(attempts: &'a Attempts) -> Self {
        Retries { attempts, made: 0, pause: FIRST_PAUSE, began: Instant::now() }
    }

    /// Waits before the next attempt; `false` where there is to be none.
    pub(crate) async fn next(&mut self, budget: &RetryBudget, trouble: Trouble) -> bool {
        let pause = self.pause.mul_f64((1.0 + self.attempts.env.chance()) / 2.0);
        let is_last = self.made + 1 >= self.attempts.most || self.began.elapsed() + pause > PATIENCE;
        if is_last || !budget.try_retry() {
            return false;
        }
        self.made += 1;
        tokio::time::sleep(pause).await;
        self.pause = match trouble {
            Trouble::Throttled => self.attempts.longest_throttled.min(self.pause * 3),
            _ => LONGEST_PAUSE.min(self.pause * 2),
        };
        true
    }

    /// Takes note of keys that a batch left unread, which is how throttling looks there.
    pub(crate) fn left_unread(budget: &RetryBudget) -> BackendError {
        let why = "BatchGetItem left keys unread";
        budget.failed(&FailedAttempt {
            operation: "BatchGetItem",
            code: "UnprocessedKeys",
            reason: "",
            resource: "",
            trouble: Some(Trouble::Throttled),
            is_vital: true,
            why,
        });
        BackendError::unavailable(Trouble::Throttled, why)
    }
}

impl<E: ProvideErrorMetadata + Error + 'static> Failed<E> {
    /// What a caller is told whose request writes.
    pub(crate) fn of_write(&self) -> BackendError {
        let fault = Described::of(self.operation, &self.error).fault;
        error::write_failed(self.verdict, self.doubt, self.served, fault)
    }

    /// What a caller is told whose request reads.
    pub(crate) fn of_read(&self) -> BackendError {
        let fault = Described::of(self.operation, &self.error).fault;
        error::read_failed(self.verdict, self.served, fault)
    }
}

#[cfg(test)]
mod tests;
