//! The command line: every setting is a flag, and every flag can also come from an environment variable.

mod absent;
mod backends;
mod bounds;
mod forget;
mod health;
mod operate;
mod queues;
mod serve;
mod tuning;
mod webhooks;

use std::ops::RangeInclusive;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};

pub(crate) use backends::{Choice, Mismatch, OnAws};
pub(crate) use bounds::BoundFlags;
pub(crate) use health::{AnyPort, Health};
pub(crate) use operate::*;
#[cfg(feature = "aws")]
pub(crate) use queues::QueueFlags;
pub(crate) use serve::Serve;
pub(crate) use tuning::{LeaseTooShort, Tuning};
pub(crate) use webhooks::{DeliveryFlags, WebhookFlags, WebhookProxy};

/// A2A servers that run as many instances: any instance answers for any task.
#[derive(Debug, Parser)]
#[command(
    name = "a2a-node",
    version,
    after_help = "Try it first, nothing needs to be installed:\n\n    cargo run -- demo\n\n\
                  Then serve three instances and talk to any of them:\n\n    \
                  cargo run -- serve --instances 3"
)]
pub(crate) struct Cli {
    /// What to do; nothing shows the help.
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
    /// What goes to stderr.
    #[command(flatten)]
    pub(crate) log: Log,
}

impl Cli {
    /// Reads the command line of this process; ends it with a text for people where that cannot be done.
    pub(crate) fn read() -> Self {
        let mut command = absent::where_empty(Self::command(), &|name| std::env::var_os(name));
        let matches = command.clone().get_matches();
        let cli = Self::from_arg_matches(&matches).and_then(Self::consistent);
        cli.unwrap_or_else(|error| error.format(&mut command).exit())
    }

    /// Refuses settings that only contradict each other.
    fn consistent(self) -> Result<Self, clap::Error> {
        let refusal = match &self.action {
            Some(Action::Serve(serve)) => {
                let lease = serve.tuning.config().err().map(|error| error.to_string());
                lease.or_else(|| serve.backends.choice().err().map(|error| error.to_string()))
            }
            Some(Action::Health(health)) => health.target().err().map(|error| error.to_string()),
            _ => None,
        };
        match refusal {
            Some(why) => Err(Self::command().error(ErrorKind::ValueValidation, why)),
            None => Ok(self),
        }
    }
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Run three instances in this process, stream one task through all of them, and check what arrived.
    Demo(Demo),
    /// Serve the built-in agent over JSON-RPC, REST and gRPC until SIGTERM or Ctrl-C.
    Serve(Box<Serve>),
    /// Ask a server whether it is ready: for health checks of containers, which have no shell.
    ///
    /// Ends with 0 when it is, with 1 and the answer on stderr when it is not, with 2 where the flags make no sense.
    Health(Health),
    /// What an operator does.
    #[command(flatten)]
    Operate(Operation),
}

/// Settings of `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Print only one JSON object with the counts of every stream.
    #[arg(long, env = "A2A_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
    /// Let the others resume the task of the instance that is killed in the end, instead of failing it.
    #[arg(long, env = "A2A_RESUME", value_parser = BoolishValueParser::new())]
    pub(crate) resume: bool,
}

/// Settings of the log.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// Which lines to log: a level, or a list such as `warn,a2a_cluster=debug`.
    #[arg(long = "log", env = "A2A_LOG", value_name = "FILTER", default_value = "warn,a2a_node=info,a2a_cluster=info", value_parser = filter, global = true, display_order = 100)]
    pub(crate) filter: Targets,
    /// How to write each line.
    #[arg(long = "log-format", env = "A2A_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text, global = true, display_order = 101)]
    pub(crate) format: LogFormat,
}

/// The forms of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    seconds_within(0.0..=86_400.0, text)
}

fn seconds_within(range: RangeInclusive<f64>, text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if range.contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("expected a number of seconds from {} to {}", range.start(), range.end())),
    }
}

fn filter(text: &str) -> Result<Targets, String> {
    let parts: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Ok(Targets::new().with_default(LevelFilter::ERROR));
    }
    parts.join(",").parse().map_err(|error: ParseError| error.to_string())
}

#[cfg(test)]
mod tests;
