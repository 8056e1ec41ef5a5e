//! The operator's commands: what they are told.

use std::time::Duration;

use clap::builder::{BoolishValueParser, NonEmptyStringValueParser};
use clap::{Args, Subcommand};

use super::backends::TopicFlag;
pub(crate) use super::forget::ForgetFlags;
use super::queues::{QueueFlags, role_arn};
use super::seconds;
use super::webhooks::WebhookFlags;

/// What an operator does with a cluster on AWS. Each needs a build with the feature `aws`, and finds region,
/// credentials and endpoints like AWS's own tools: `AWS_REGION`, `AWS_PROFILE`, `AWS_ENDPOINT_URL` and so on.
#[derive(Debug, Subcommand)]
pub(crate) enum Operation {
    /// Make the table and the topic of a cluster, and print the settings with which `serve` finds them.
    ///
    /// Use it so: eval "$(a2a-node provision --table NAME --topic NAME)". Stdout holds nothing but these settings.
    /// What is there already is verified and left as it is, so it can be repeated.
    Provision(Provision),
    /// Check, one by one, what instances need on AWS, and say what to do about what fails.
    ///
    /// Makes two queues and their records, and removes them; changes nothing else. If it is killed, instances remove them.
    /// Ends with 1 when a check fails.
    Doctor(Doctor),
    /// Show the instances of a cluster: beats, tasks that they execute, messages that wait for them.
    Status(Status),
    /// Remove what dead instances left behind: queues, subscriptions, membership records.
    ///
    /// Shows what it would remove and why; with `--apply` it does so. Not needed as long as an instance lives: those
    /// do it by themselves.
    Reap(Reap),
    /// List the webhooks that were given up, by task, host and reason; with `--retry` try them once more.
    ///
    /// A webhook that is tried is told its task as it is now. Ends with 1 when one of them still does not take it.
    Webhooks(GivenUp),
    /// Make a new key by which instances prove to each other that a message is theirs.
    ///
    /// The key before stays valid, and instances sign with the new one once all have read it: within eight leases, two minutes by
    /// default. Two renewals must be twice as far apart. Afterwards whoever has only an older key can forge nothing.
    RenewKey(RenewKey),
    /// Remove tasks for good, with all that the table keeps of them: one, those of a context, or all of a caller.
    ///
    /// Shows what it would remove; with `--apply` it does so. It looks again until it finds nothing more, so the caller should
    /// send nothing meanwhile. Tasks that cannot be read, or have expired and are not swept yet, are found, too; one that
    /// cannot be removed is passed over, told, and makes it end with 1.
    ///
    /// Agents that are at work go on until their next commit, which finds the task gone: their streams end, and what they say
    /// is dropped. Of such a task, and of one that is younger than ten minutes, a mark stays with tenant and task id and no
    /// content, for as long as commits are kept, 30 days by default.
    ///
    /// It does not reach messages in the queues until these expire, after five minutes by default; point-in-time
    /// copies of the table, for 35 days, and its backups; what webhooks were told; logs, which hold ids and no content. A
    /// given-up webhook of a task that is gone is removed with `--task`.
    Forget(ForgetFlags),
}

/// Settings of `renew-key`.
#[derive(Debug, Args)]
pub(crate) struct RenewKey {
    /// The name of the DynamoDB table.
    #[arg(long, env = "A2A_TABLE", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) table: String,
}

/// Settings of `webhooks`.
#[derive(Debug, Args)]
pub(crate) struct GivenUp {
    /// The name of the DynamoDB table.
    #[arg(long, env = "A2A_TABLE", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) table: String,
    /// Only those of this task.
    #[arg(long, env = "A2A_TASK", value_name = "ID")]
    pub(crate) task: Option<String>,
    /// Only those of this host.
    #[arg(long, env = "A2A_HOST", value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// Try each once more.
    #[arg(long, env = "A2A_RETRY", value_parser = BoolishValueParser::new())]
    pub(crate) retry: bool,
    /// Print one JSON object for each instead of a line for people.
    #[arg(long, env = "A2A_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
    /// How webhooks are called.
    #[command(flatten)]
    pub(crate) calls: WebhookFlags,
}

#[cfg(feature = "aws")]
impl GivenUp {
    /// Tells whether one is asked for.
    pub(crate) fn wants(&self, task: &str, host: &str) -> bool {
        self.task.as_deref().is_none_or(|wanted| wanted == task)
            && self.host.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(host))
    }
}

/// Settings of `provision`.
#[derive(Debug, Args)]
pub(crate) struct Provision {
    /// The name of the DynamoDB table to make.
    #[arg(long, env = "A2A_TABLE", value_name = "NAME", value_parser = table_name)]
    pub(crate) table: String,
    /// The name of the SNS topic to make.
    #[arg(long, env = "A2A_TOPIC", value_name = "NAME", value_parser = topic_name)]
    pub(crate) topic: String,
    /// The ARNs of the roles that instances have, separated by commas: a new topic then lets nobody else publish.
    #[arg(long, env = "A2A_INSTANCE_ROLES", value_name = "ARN,ARN", value_delimiter = ',', value_parser = role_arn)]
    pub(crate) instance_roles: Vec<String>,
    /// Keep a continuous backup of the table's last 35 days. Costs by the table's size.
    #[arg(long, env = "A2A_POINT_IN_TIME_RECOVERY", value_parser = BoolishValueParser::new())]
    pub(crate) point_in_time_recovery: bool,
    /// Refuse to delete the table until somebody switches this off.
    #[arg(long, env = "A2A_DELETION_PROTECTION", value_parser = BoolishValueParser::new())]
    pub(crate) deletion_protection: bool,
    /// Take a table with replicas in other regions, too: no instance of another region runs meanwhile.
    #[arg(long, env = "A2A_ALLOW_REPLICAS", value_parser = BoolishValueParser::new())]
    pub(crate) allow_replicas: bool,
    /// Only say what would be made. Prints no settings.
    #[arg(long, env = "A2A_DRY_RUN", value_parser = BoolishValueParser::new())]
    pub(crate) dry_run: bool,
}

/// What names a cluster that exists.
#[derive(Debug, Clone, Args)]
pub(crate) struct Names {
    /// The name of the DynamoDB table.
    #[arg(long, env = "A2A_TABLE", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) table: String,
    /// The topic.
    #[command(flatten)]
    pub(crate) topic: TopicFlag,
}

/// Settings of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The cluster.
    #[command(flatten)]
    pub(crate) names: Names,
    /// The queues.
    #[command(flatten)]
    pub(crate) queues: QueueFlags,
    /// Take a table with replicas in other regions, too: no instance of another region runs meanwhile.
    #[arg(long, env = "A2A_ALLOW_REPLICAS", value_parser = BoolishValueParser::new())]
    pub(crate) allow_replicas: bool,
    /// Print one JSON object for each check instead of a line for people.
    #[arg(long, env = "A2A_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
}

/// Settings of `status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// The cluster.
    #[command(flatten)]
    pub(crate) names: Names,
    /// Look twice, so many seconds apart, and show how far each beat has moved. Longer than the instances' own
    /// `--beat-interval`; else who lives may seem to stand still.
    #[arg(long, env = "A2A_OBSERVE", value_name = "SECONDS", value_parser = seconds)]
    pub(crate) observe: Option<Duration>,
    /// Print one JSON object instead of a table.
    #[arg(long, env = "A2A_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
}

/// Settings of `reap`.
#[derive(Debug, Args)]
pub(crate) struct Reap {
    /// The cluster.
    #[command(flatten)]
    pub(crate) names: Names,
    /// Remove what was found, instead of showing it.
    #[arg(long, env = "A2A_APPLY", value_parser = BoolishValueParser::new())]
    pub(crate) apply: bool,
    /// How long a member must not move to count as dead. Not shorter than the instances' own `--lease`.
    #[arg(long, env = "A2A_LEASE", value_name = "SECONDS", default_value = "15", value_parser = seconds)]
    pub(crate) lease: Duration,
    /// Of how many instances one run removes queues and subscriptions at most.
    #[arg(long, env = "A2A_AT_MOST", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) at_most: u16,
    /// Remove queues that no record knows also where no queue of the topic has a record, which else may mean a wrong
    /// `--table`. For the removal of a whole cluster.
    #[arg(long, env = "A2A_WHEN_NOBODY_IS_ALIVE", value_parser = BoolishValueParser::new())]
    pub(crate) when_nobody_is_alive: bool,
    /// Print one JSON object for each removal instead of a line for people.
    #[arg(long, env = "A2A_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
}

fn table_name(text: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if (3..=255).contains(&text.len()) && text.chars().all(is_allowed) {
        return Ok(text.to_owned());
    }
    Err("expected 3 to 255 letters, digits, dots, dashes, underscores".to_owned())
}

fn topic_name(text: &str) -> Result<String, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if (1..=256).contains(&text.len()) && text.chars().all(is_allowed) {
        return Ok(text.to_owned());
    }
    Err("expected 1 to 256 letters, digits, dashes, underscores".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_aws_takes_and_no_shell_code() {
        for name in ["a2a", "a2a-tasks_1", &"x".repeat(255)] {
            assert_eq!(table_name(name).as_deref(), Ok(name));
            assert_eq!(topic_name(name).as_deref(), Ok(name));
        }
        assert_eq!(table_name("a.b").as_deref(), Ok("a.b"));
        for name in ["", "a b", "$(id)", "a'b", "ä", &"x".repeat(257), "a.fifo;"] {
            assert!(table_name(name).is_err() && topic_name(name).is_err(), "{name}");
        }
    }
}
