//! The log: stderr only, since stdout belongs to what programs read.

use tracing_subscriber::EnvFilter;

use crate::cli;

/// Sends the log lines that the filter lets through to stderr.
pub(crate) fn to_stderr(settings: &cli::Log) {
    let filter = EnvFilter::new(&settings.filter);
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match settings.format {
        cli::LogFormat::Text => lines.with_ansi(wants_colour()).init(),
        cli::LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

fn wants_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}
