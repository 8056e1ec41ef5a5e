//! Comparisons with what a user would pick instead, side by side in one run.
//!
//! Ratios count, not absolute figures: machines differ and are noisy. Run with `--release`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod agent;
mod idle;
mod server;

use clap::{Parser, Subcommand};

/// Compares this project with the SDK's own handler and with a plain endpoint.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Resident memory of a server per idle open stream.
    IdleStreams {
        /// How many streams to open on each server.
        #[arg(long, default_value_t = 10_000)]
        streams: usize,
        /// Over how many tasks they are spread.
        #[arg(long, default_value_t = 100)]
        tasks: usize,
    },
    /// Serves until its standard input closes; started by the other commands.
    #[command(hide = true)]
    Serve {
        /// What to serve.
        kind: server::Kind,
    },
}

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    match Arguments::parse().command {
        Command::IdleStreams { streams, tasks } => idle::compare(streams, tasks).await,
        Command::Serve { kind } => server::serve(kind).await,
    }
}
