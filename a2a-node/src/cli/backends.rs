//! Where instances keep tasks and how they reach each other: the flags, and what they come to together.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::backends::Choice;

/// Settings of store and bus.
#[derive(Debug, Args)]
pub(crate) struct BackendFlags {
    /// Where tasks are kept; by default in DynamoDB where `--table` is given, else in memory.
    #[arg(long, env = "A2A_STORE", value_enum)]
    pub(crate) store: Option<StoreKind>,
    /// How instances tell each other what is new; by default over SNS and SQS where `--topic-arn` is given and
    /// tasks are kept in DynamoDB, else within this process.
    #[arg(long, env = "A2A_BUS", value_enum)]
    pub(crate) bus: Option<BusKind>,
    /// What names the cluster on AWS.
    #[command(flatten)]
    pub(crate) place: Place,
    /// How long a finished task is kept in the table: days, such as `30` or `0.5`, or `forever`.
    #[arg(long, env = "A2A_TASK_RETENTION", value_name = "DAYS", default_value = "30", value_parser = retention)]
    pub(crate) task_retention: Retention,
}

/// What names a cluster on AWS: its table, its topic, its queues.
#[derive(Debug, Clone, Args)]
pub(crate) struct Place {
    /// The name of the DynamoDB table.
    #[arg(long, env = "A2A_TABLE", value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The ARN of the SNS topic.
    #[arg(long, env = "A2A_TOPIC_ARN", value_name = "ARN")]
    pub(crate) topic_arn: Option<String>,
    /// What the names of the instances' SQS queues begin with.
    #[arg(long, env = "A2A_QUEUE_PREFIX", value_name = "PREFIX", default_value = "a2a")]
    pub(crate) queue_prefix: String,
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
pub(crate) struct Retention(pub(crate) Option<Duration>);

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
    #[error("this build has no AWS backends: build a2a-node with `--features aws`")]
    NoAws,
}

impl BackendFlags {
    /// What is to be opened.
    ///
    /// # Errors
    ///
    /// A [`Mismatch`] where the flags leave nothing that can be opened.
    pub(crate) fn choice(&self) -> Result<Choice, Mismatch> {
        let Place { table, topic_arn, .. } = &self.place;
        let inferred = |named: &Option<String>| named.is_some();
        let store = self.store.unwrap_or(match inferred(table) {
            true => StoreKind::DynamoDb,
            false => StoreKind::Memory,
        });
        let bus = self.bus.unwrap_or(match inferred(topic_arn) && store == StoreKind::DynamoDb {
            true => BusKind::SnsSqs,
            false => BusKind::Memory,
        });
        match (store, bus) {
            (StoreKind::Memory, BusKind::Memory) => return Ok(Choice::Memory),
            (StoreKind::Memory, BusKind::SnsSqs) => return Err(Mismatch::NothingShared),
            (StoreKind::DynamoDb, _) => {}
        }
        if cfg!(not(feature = "aws")) {
            return Err(Mismatch::NoAws);
        }
        let table = table.clone().ok_or(Mismatch::NoTable)?;
        let topic_arn = match bus {
            BusKind::Memory => None,
            BusKind::SnsSqs => Some(topic_arn.clone().ok_or(Mismatch::NoTopic)?),
        };
        Ok(Choice::Aws {
            table,
            topic_arn,
            queue_prefix: self.place.queue_prefix.clone(),
            task_retention: self.task_retention.0,
        })
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
        _ => Err(format!("expected a number of days up to {MOST_DAYS}, or `forever`")),
    }
}
