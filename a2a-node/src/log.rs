//! The log: stderr only, since stdout belongs to what programs read.

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, FilterFn, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use crate::cli;
use crate::otlp::Otlp;

/// The crates that keep what callers send out of their lines at every level: those of this project.
const OURS: [&str; 8] = [
    "a2a_bus_memory",
    "a2a_bus_snssqs",
    "a2a_cluster",
    "a2a_core",
    "a2a_node",
    "a2a_serve",
    "a2a_store_dynamodb",
    "a2a_store_memory",
];
/// The most that any other crate may tell. Below it some write requests and answers as they are, with all that callers and
/// agents say, tokens of webhooks included: the SDK of AWS does.
const OTHERS: Level = Level::INFO;
/// The crates that tell nothing: where a webhook's certificate is not for its host, this one names the host, as an error.
const SILENT: [&str; 1] = ["rustls_platform_verifier"];

/// Sends the log lines that the filter lets through to stderr, and spans where an exporter is given.
pub(crate) fn to_stderr(settings: &cli::Log, otlp: Option<&Otlp>) {
    let filter = settings.filter.clone().and(capped());
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match settings.format {
        cli::LogFormat::Text => lines.with_ansi(wants_colour()).boxed(),
        cli::LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    registry().with(lines.with_filter(filter)).with(otlp.map(Otlp::layer)).init();
}

/// Lets a crate that is not ours tell no more than [`OTHERS`], whatever anybody asks for.
fn capped() -> FilterFn {
    filter_fn(|line: &Metadata<'_>| may_tell(line.target(), *line.level()))
}

fn may_tell(target: &str, level: Level) -> bool {
    let name = target.split_once("::").map_or(target, |(name, _)| name);
    OURS.contains(&name) || (level <= OTHERS && !SILENT.contains(&name))
}

fn wants_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_what_a_crate_is_called_and_not_what_its_name_begins_with() {
        for ours in ["a2a_node", "a2a_cluster::actor::core", "a2a_store_dynamodb::calls"] {
            assert!(may_tell(ours, Level::TRACE), "{ours}");
        }
        for other in ["", "a2a", "a2a_server", "a2a_client::jsonrpc", "a2a_nodes", "aws_sdk_sqs", "log"] {
            assert!(!may_tell(other, Level::DEBUG) && may_tell(other, Level::INFO), "{other}");
        }
    }

    #[test]
    fn who_names_the_host_of_a_webhook_tells_nothing() {
        assert!(!may_tell("rustls_platform_verifier::verification::others", Level::ERROR));
    }
}
