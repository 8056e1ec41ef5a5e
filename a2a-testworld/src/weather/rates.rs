//! How many requests a second an account may send.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::call::Call;

/// A quota of requests, which an account's requests of these operations share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// The operations, such as `Subscribe` or `sqs:CreateQueue`.
    pub operations: Vec<String>,
    /// Requests a second; so many may come at once after a second without.
    pub per_second: f64,
}

impl Rate {
    /// A quota that some operations share.
    pub fn of<'a>(operations: impl IntoIterator<Item = &'a str>, per_second: f64) -> Self {
        Rate { operations: operations.into_iter().map(str::to_owned).collect(), per_second }
    }

    /// The quotas that AWS documents for SNS and SQS as far as servers come near them.
    pub fn documented() -> Vec<Self> {
        vec![
            Self::of(["sns:Subscribe"], 100.0),
            Self::of(["sns:Unsubscribe"], 100.0),
            Self::of(["sns:ListSubscriptionsByTopic"], 30.0),
            Self::of(["sns:ListSubscriptions"], 30.0),
            Self::of(["sns:ListTopics"], 30.0),
            Self::of(["sns:TagResource", "sns:UntagResource", "sns:ListTagsForResource"], 10.0),
            Self::of(["sqs:TagQueue", "sqs:UntagQueue", "sqs:ListQueueTags"], 5.0),
        ]
    }
}

impl Rate {
    /// What may come at once: one request at least, however seldom they may come.
    fn at_once(&self) -> f64 {
        if self.per_second > 0.0 { self.per_second.max(1.0) } else { 0.0 }
    }
}

/// What accounts have left, by account and operations.
#[derive(Debug, Default)]
pub(super) struct Rates {
    left: HashMap<(String, Vec<String>), (f64, Instant)>,
}

impl Rates {
    /// Whether a request passes all quotas that are meant for it; if so, it is taken from each.
    pub(super) fn pass(&mut self, now: Instant, rates: &[Rate], account: &str, call: &Call) -> bool {
        let meant: Vec<_> = rates.iter().filter(|rate| call.is_meant(&rate.operations)).collect();
        let left = |rate: &Rate, found: Option<&(f64, Instant)>| match found {
            Some((left, at)) => (left + rate.per_second * (now - *at).as_secs_f64()).min(rate.at_once()),
            None => rate.at_once(),
        };
        let key = |rate: &Rate| (account.to_owned(), rate.operations.clone());
        let levels: Vec<_> = meant.iter().map(|rate| left(rate, self.left.get(&key(rate)))).collect();
        // A rounding error must not cost a request.
        let passes = levels.iter().all(|left| *left >= 1.0 - 1e-9);
        if passes {
            for (rate, left) in meant.iter().zip(levels) {
                self.left.insert(key(rate), (left - 1.0, now));
            }
        }
        passes
    }
}
