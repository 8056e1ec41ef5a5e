//! What the weather is like, as a value that tests build and the binary reads as JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::messaging::{SnsWeather, SqsWeather};
use super::millis;
use super::rates::Rate;
use super::refusal::Refusal;
use super::spread::Spread;

/// What the weather is like. Its default is a clear sky: all passes, and everything is counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weather {
    /// Throughput of tables, above which requests are throttled.
    pub limits: Option<Limits>,
    /// How long after a commit an index shows it.
    pub index_lag: Option<Spread>,
    /// How long an answer of DynamoDB takes beside what the endpoint itself needs.
    pub latency: Option<Spread>,
    /// What the services refuse by themselves.
    pub refusals: Vec<Refusal>,
    /// The actions that are allowed, as in a policy of IAM, such as `sqs:SendMessage` or `sns:*`; `None` allows all.
    pub allowed: Option<Vec<String>>,
    /// Requests a second, above which they are throttled.
    pub rates: Vec<Rate>,
    /// What becomes of connections.
    pub network: Network,
    /// What SNS is like.
    pub sns: SnsWeather,
    /// What SQS is like.
    pub sqs: SqsWeather,
}

impl Weather {
    /// Nothing goes wrong, nothing is limited.
    pub fn clear() -> Self {
        Self::default()
    }

    /// The limits that AWS documents for an on-demand table, its latency and the lag of its indexes on a usual day; the
    /// documented rates of SNS and SQS, and a usual day of both.
    pub fn usual() -> Self {
        let tables =
            Self::clear().limits(Limits::default()).latency(Spread::latency()).index_lag(Spread::lag());
        tables.rates(Rate::documented()).sns(SnsWeather::usual()).sqs(SqsWeather::usual())
    }

    /// A day on which a client with retries notices nothing but time: the usual one, but that filter policies take effect at
    /// once, and of a thousand attempts some 20 whose connection is reset, 10 whose answer is lost, 10 that get a 500 and 10
    /// that are throttled.
    pub fn mild() -> Self {
        use super::refusal::ServiceError::{InternalServerError, Throttling};
        Self::usual()
            .sns(SnsWeather { filter_delay: None, ..SnsWeather::usual() })
            .resets(0.02)
            .lost_answers(0.01)
            .refuse(Refusal::of(InternalServerError).with_chance(0.01))
            .refuse(Refusal::of(Throttling).with_chance(0.01))
    }

    /// With limits of throughput.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// With indexes that lag.
    pub fn index_lag(mut self, lag: Spread) -> Self {
        self.index_lag = Some(lag);
        self
    }

    /// With answers that take time.
    pub fn latency(mut self, latency: Spread) -> Self {
        self.latency = Some(latency);
        self
    }

    /// With these quotas of requests, in place of others.
    pub fn rates(mut self, rates: impl IntoIterator<Item = Rate>) -> Self {
        self.rates = rates.into_iter().collect();
        self
    }

    /// With these actions allowed, and no others.
    pub fn allow_only<'a>(mut self, actions: impl IntoIterator<Item = &'a str>) -> Self {
        self.allowed = Some(actions.into_iter().map(str::to_owned).collect());
        self
    }

    /// With another SNS.
    pub fn sns(mut self, sns: SnsWeather) -> Self {
        self.sns = sns;
        self
    }

    /// With another SQS.
    pub fn sqs(mut self, sqs: SqsWeather) -> Self {
        self.sqs = sqs;
        self
    }

    /// With one more refusal. The first that strikes decides.
    pub fn refuse(mut self, refusal: Refusal) -> Self {
        self.refusals.push(refusal);
        self
    }

    /// With a share of attempts whose connection is reset before anything was done.
    pub fn resets(mut self, share: f64) -> Self {
        self.network.resets = share;
        self
    }

    /// With a share of attempts that are never answered; half of them were applied.
    pub fn unanswered(mut self, share: f64) -> Self {
        self.network.unanswered = share;
        self
    }

    /// With a share of attempts that are applied, and whose connection is reset instead of the answer.
    pub fn lost_answers(mut self, share: f64) -> Self {
        self.network.lost_answers = share;
        self
    }
}

/// What becomes of connections: shares of attempts, from 0 to 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// The operations whose attempts are meant, such as `PutItem` or `sns:Publish`, or `sqs:*`; none are all.
    pub operations: Vec<String>,
    /// The connection is reset, and nothing was done.
    pub resets: f64,
    /// The attempt is never answered; half of them were applied.
    pub unanswered: f64,
    /// The attempt was applied, and the connection is reset instead of the answer.
    pub lost_answers: f64,
}

/// Throughput in units a second. The default is what AWS documents for an on-demand table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Of one partition key of a table or an index; 1,000.
    pub partition_writes: f64,
    /// Of one partition key of a table or an index; 3,000.
    pub partition_reads: f64,
    /// Seconds of unused throughput that a partition, a table or an index keeps beside the present one; 0, for AWS
    /// promises none.
    pub burst_seconds: f64,
    /// What a table or an index has at its start; 4,000. It grows to twice the highest second of the last `growth_ms`.
    pub table_writes: f64,
    /// What a table or an index has at its start; 12,000.
    pub table_reads: f64,
    /// How long a table takes to grow; 30 minutes.
    #[serde(rename = "growth_ms", with = "millis")]
    pub growth: Duration,
    /// What an account allows a table with all its indexes; 40,000.
    pub account_writes: f64,
    /// What an account allows a table with all its indexes; 40,000.
    pub account_reads: f64,
    /// What the table's owner allows the table, and each of its indexes; `None`, nothing set.
    pub on_demand_maximum_writes: Option<f64>,
    /// What the table's owner allows the table, and each of its indexes; `None`, nothing set.
    pub on_demand_maximum_reads: Option<f64>,
    /// The name under which throttling is told.
    pub exception: ThrottlingName,
}

/// The exception that tells of throttling outside transactions; both are documented for on-demand tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThrottlingName {
    /// `ThrottlingException`.
    Throttling,
    /// `ProvisionedThroughputExceededException`.
    ProvisionedThroughput,
    /// Either, drawn for each request.
    #[default]
    Either,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            partition_writes: 1_000.0,
            partition_reads: 3_000.0,
            burst_seconds: 0.0,
            table_writes: 4_000.0,
            table_reads: 12_000.0,
            growth: Duration::from_secs(30 * 60),
            account_writes: 40_000.0,
            account_reads: 40_000.0,
            on_demand_maximum_writes: None,
            on_demand_maximum_reads: None,
            exception: ThrottlingName::Either,
        }
    }
}
