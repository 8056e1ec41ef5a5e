//! Where instances keep tasks and how they reach each other: the flags, and what they come to together.

use std::time::Duration;

use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use clap::{Args, ValueEnum};

use super::queues::QueueFlags;
use super::seconds;

/// What to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Store and bus within this process.
    Memory,
    /// What all processes of a cluster share.
    Aws(OnAws),
}

/// A table, and a topic with queues where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnAws {
    /// The table's name.
    pub(crate) table: String,
    /// The topic's ARN. Without one, only the instances of this process tell each other what is new.
    pub(crate) topic_arn: Option<String>,
    /// How queues are made.
    pub(crate) queues: QueueFlags,
    /// For how long finished tasks are kept; `None` for ever.
    pub(crate) task_retention: Option<Duration>,
    /// For how long tasks wait for their callers; `None` for ever.
    pub(crate) parked_retention: Option<Duration>,
    /// How far apart the commits of a running task are.
    pub(crate) commit_spacing: Duration,
    /// Whether the table may have replicas in other regions.
    pub(crate) allow_replicas: bool,
}

/// Settings of store and bus.
#[derive(Debug, Args)]
pub(crate) struct BackendFlags {
    /// Where tasks are kept; by default in DynamoDB if there is a `--table`, else in memory.
    #[arg(long, env = "A2A_STORE", value_enum)]
    pub(crate) store: Option<StoreKind>,
    /// How instances tell each other what is new; by default over SNS and SQS if tasks are kept in DynamoDB and there
    /// is a `--topic-arn`, else within this process.
    #[arg(long, env = "A2A_BUS", value_enum)]
    pub(crate) bus: Option<BusKind>,
    /// The name of the DynamoDB table, which `provision` makes.
    #[arg(long, env = "A2A_TABLE", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) table: Option<String>,
    /// The topic.
    #[command(flatten)]
    pub(crate) topic: TopicFlag,
    /// The queues.
    #[command(flatten)]
    pub(crate) queues: QueueFlags,
    /// How long a finished task is kept in the table: days, such as `30` or `0.5`, or `forever`.
    #[arg(long, env = "A2A_TASK_RETENTION", value_name = "DAYS", default_value = "30", value_parser = retention)]
    pub(crate) task_retention: Retention,
    /// How long a task in the table waits for its caller's input or authentication before it is forgotten: days, or
    /// `forever`.
    #[arg(long, env = "A2A_PARKED_RETENTION", value_name = "DAYS", default_value = "90", value_parser = retention)]
    pub(crate) parked_retention: Retention,
    /// How far apart the commits of a running task are that is kept in the table: the longer, the cheaper its stream;
    /// the shorter, the smoother. What ends a turn never waits; with 0 nothing does.
    #[arg(long, env = "A2A_COMMIT_SPACING", value_name = "SECONDS", default_value = "0.06", value_parser = seconds)]
    pub(crate) commit_spacing: Duration,
    /// Serve from a table with replicas in other regions, too: no instance of another region runs meanwhile. Where two regions
    /// write, tasks are lost.
    #[arg(long, env = "A2A_ALLOW_REPLICAS", value_parser = BoolishValueParser::new())]
    pub(crate) allow_replicas: bool,
}

/// What names a cluster's topic, and by it the queues.
#[derive(Debug, Clone, Args)]
pub(crate) struct TopicFlag {
    /// The ARN of the SNS topic, which `provision` makes. The names of the instances' SQS queues begin with its name.
    #[arg(long, env = "A2A_TOPIC_ARN", value_name = "ARN", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) topic_arn: Option<String>,
}

/// The stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreKind {
    /// In this process, gone when it ends.
    Memory,
    /// In a DynamoDB table, for any number of processes. Needs a build with the feature `aws`.
    #[value(name = "dynamodb")]
    DynamoDb,
}

/// The buses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BusKind {
    /// Between the instances of this process.
    Memory,
    /// Over an SNS topic, with an SQS queue for each instance. Needs a build with the feature `aws`.
    #[value(name = "snssqs")]
    SnsSqs,
}

/// For how long finished tasks are kept; `None` for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention(Option<Duration>);

/// Flags that do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mismatch {
    /// There is no table to keep tasks in.
    #[error("--store dynamodb needs --table, or A2A_TABLE; `a2a-node provision` makes one")]
    NoTable,
    /// There is no topic to publish to.
    #[error("--bus snssqs needs --topic-arn, or A2A_TOPIC_ARN; `a2a-node provision` makes one")]
    NoTopic,
    /// Whoever hears the news could not read what it is about.
    #[error("--bus snssqs needs --store dynamodb: other processes cannot read what this one keeps in memory")]
    NothingShared,
    /// This build cannot do that.
    #[error(
        "this a2a-node was built without AWS: build or install it with `--features aws`, such as `cargo install --path \
         a2a-node --features aws`"
    )]
    NoAws,
}

impl BackendFlags {
    /// What is to be opened.
    ///
    /// # Errors
    ///
    /// A [`Mismatch`] where the flags leave nothing that can be opened.
    pub(crate) fn choice(&self) -> Result<Choice, Mismatch> {
        let topic_arn = self.topic.topic_arn.clone();
        let (store, bus) = self.kinds();
        match (store, bus) {
            (StoreKind::Memory, BusKind::Memory) => return Ok(Choice::Memory),
            (StoreKind::Memory, BusKind::SnsSqs) => return Err(Mismatch::NothingShared),
            (StoreKind::DynamoDb, _) if cfg!(not(feature = "aws")) => return Err(Mismatch::NoAws),
            (StoreKind::DynamoDb, _) => {}
        }
        let table = self.table.clone().ok_or(Mismatch::NoTable)?;
        let topic_arn = match bus {
            BusKind::Memory => None,
            BusKind::SnsSqs => Some(topic_arn.ok_or(Mismatch::NoTopic)?),
        };
        let (task_retention, parked_retention) = (self.task_retention.0, self.parked_retention.0);
        let (commit_spacing, allow_replicas) = (self.commit_spacing, self.allow_replicas);
        Ok(Choice::Aws(OnAws {
            table,
            topic_arn,
            queues: self.queues.clone(),
            task_retention,
            parked_retention,
            commit_spacing,
            allow_replicas,
        }))
    }

    fn kinds(&self) -> (StoreKind, BusKind) {
        let inferred = if self.table.is_some() { StoreKind::DynamoDb } else { StoreKind::Memory };
        let store = self.store.unwrap_or(inferred);
        let is_shared = store == StoreKind::DynamoDb && self.topic.topic_arn.is_some();
        let inferred = if is_shared { BusKind::SnsSqs } else { BusKind::Memory };
        (store, self.bus.unwrap_or(inferred))
    }
}

fn retention(text: &str) -> Result<Retention, String> {
    const DAY: f64 = 24.0 * 60.0 * 60.0;
    const MOST_DAYS: f64 = 36_500.0;
    if text == "forever" {
        return Ok(Retention(None));
    }
    match text.parse::<f64>() {
        Ok(days) if days > 0.0 && days <= MOST_DAYS => {
            Ok(Retention(Some(Duration::from_secs_f64(days * DAY))))
        }
        _ => Err(format!("expected a number of days, at most {MOST_DAYS}, or `forever`")),
    }
}

#[cfg(test)]
mod tests;
