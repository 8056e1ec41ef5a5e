//! What SNS and SQS are like.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::weather::millis;
use crate::weather::spread::Spread;

/// What SNS is like. The default is a clear sky.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnsWeather {
    /// How long an answer takes beside what the endpoint itself needs.
    pub latency: Option<Spread>,
    /// How long it takes until a new or changed filter policy takes effect.
    pub filter_delay: Option<FilterDelay>,
    /// How many subscriptions of a topic may have a filter policy.
    pub filter_policies: Option<usize>,
    /// How many subscriptions a page of a list has.
    pub page: Option<usize>,
    /// The share of entries of `PublishBatch` that fail in an answer with status 200, from 0 to 1.
    pub failed_entries: f64,
}

impl SnsWeather {
    /// A usual day: the quotas that AWS documents; filter policies that take effect within a minute, one of twenty within
    /// 15 minutes, and whose subscriptions get nothing until then.
    pub fn usual() -> Self {
        let seconds = Duration::from_secs;
        let after = Spread::between(seconds(0), seconds(60)).with_tail(0.05, seconds(15 * 60));
        SnsWeather {
            latency: Some(Spread::messaging_latency()),
            filter_delay: Some(FilterDelay { after, meanwhile: Meanwhile::Nothing }),
            ..Self::quotas()
        }
    }

    /// The quotas that AWS documents, and nothing else: 200 filter policies a topic, 100 subscriptions a page.
    pub fn quotas() -> Self {
        SnsWeather { filter_policies: Some(200), page: Some(100), ..Self::default() }
    }
}

/// When filter policies take effect, and what a subscription gets until then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterDelay {
    /// Drawn for each policy; AWS says up to 15 minutes.
    pub after: Spread,
    /// What the subscription gets in the meantime.
    #[serde(default)]
    pub meanwhile: Meanwhile,
}

/// What a subscription gets while its filter policy is not in effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Meanwhile {
    /// No message.
    #[default]
    Nothing,
    /// Every message of the topic.
    Everything,
    /// What it got before: a new subscription nothing, one whose policy changes what the old policy lets through.
    Before,
}

/// What SQS is like. The default is a clear sky.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SqsWeather {
    /// How long an answer takes beside what the endpoint itself needs.
    pub latency: Option<Spread>,
    /// How long a new queue is not usable.
    pub usable_after: Option<Spread>,
    /// How long the name of a deleted queue is blocked.
    #[serde(rename = "name_blocked_ms", with = "millis::optional")]
    pub name_blocked: Option<Duration>,
    /// How long a deleted queue is still there.
    pub deletion: Option<Spread>,
    /// How long a message is on its way, from the first receive that could have it; different times make for another order.
    pub delivery: Option<Spread>,
    /// The share of messages that come twice, from 0 to 1; the second one takes a time of its own.
    pub duplicates: f64,
    /// The share of receives that get fewer messages than they ask for although there are more, from 0 to 1.
    pub short_answers: f64,
    /// The share of entries of batches that fail in an answer with status 200, from 0 to 1.
    pub failed_entries: f64,
}

impl SqsWeather {
    /// A usual day: the times that AWS documents, 15 to 60 ms until a message can be received, some short answers, and one
    /// message of a thousand that comes twice.
    pub fn usual() -> Self {
        SqsWeather {
            latency: Some(Spread::messaging_latency()),
            deletion: Some(Spread::between(Duration::ZERO, Duration::from_secs(60))),
            delivery: Some(Spread::delivery()),
            duplicates: 0.001,
            short_answers: 0.1,
            ..Self::quotas()
        }
    }

    /// The times that AWS documents for names and new queues, and nothing else.
    pub fn quotas() -> Self {
        SqsWeather {
            usable_after: Some(Spread::exactly(Duration::from_secs(1))),
            name_blocked: Some(Duration::from_secs(60)),
            ..Self::default()
        }
    }
}
