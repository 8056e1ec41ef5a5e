//! Comparisons with what a user would pick instead, side by side in one run.
//!
//! Ratios count, not absolute figures: machines differ and are noisy. Run with `--release`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod client;
mod compare;
mod curve;
mod figures;
mod growth;
mod hearing;
mod inside;
#[cfg(feature = "aws")]
mod ledger;
mod process;
mod report;
mod script;
mod server;
mod webhooks;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use compare::{Effort, Workload};
use report::Report;
use server::Contender;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Compares this project with the SDK's own handler, with a peer, and with a plain endpoint.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the same agent and clients against all contenders over loopback HTTP.
    Compare {
        /// Fewer and shorter rounds.
        #[arg(long)]
        quick: bool,
        /// Only these workloads; all if absent.
        #[arg(long, value_enum)]
        workload: Vec<Workload>,
        /// Only these contenders; all if absent.
        #[arg(long, value_enum)]
        contender: Vec<Contender>,
        /// How often each contender has its turn.
        #[arg(long)]
        rounds: Option<usize>,
        /// Writes every turn's figures to this file.
        #[arg(long)]
        json: Option<PathBuf>,
        /// Writes plots into this folder.
        #[arg(long)]
        plots: Option<PathBuf>,
    },
    /// What the cluster costs on AWS, in US dollars for a million events and for an idle month.
    #[cfg(feature = "aws")]
    Ledger(ledger::Options),
    /// How load grows with instances, streams, tasks and events, simulated.
    Grow(growth::Options),
    /// What webhooks cost: calls, CPU, memory and time; and what they ask of the store where nobody has one.
    Webhooks(webhooks::Options),
    /// Redraws the plots and tables of costs and growth from what is recorded.
    Plot,
    /// Resident memory of a server per idle open stream.
    IdleStreams,
    /// Repeats one request without a network, for a profiler to watch.
    #[command(hide = true)]
    Inside {
        /// Whom to ask: the SDK or us.
        contender: Contender,
        /// How to ask.
        method: String,
        /// For what.
        script: String,
        /// How often.
        count: usize,
    },
    /// Serves until its standard input closes; started by the other commands.
    #[command(hide = true)]
    Serve {
        /// Whom to serve.
        contender: Contender,
    },
}

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Error> {
    match Arguments::parse().command {
        Command::Serve { contender } => server::serve(contender).await,
        #[cfg(feature = "aws")]
        Command::Ledger(options) => Box::pin(ledger::run(options)).await,
        Command::Grow(options) => tokio::task::spawn_blocking(move || growth::run(&options)).await?,
        Command::Webhooks(options) => webhooks::run(&options).await,
        Command::Plot => report::shown::redraw(),
        Command::Inside { contender, method, script, count } => {
            inside::repeat(contender, &method, &script, count).await
        }
        Command::IdleStreams => {
            report::print(&compare::run(Workload::Idle, Effort::full(), &Contender::ALL).await?);
            Ok(())
        }
        Command::Compare { quick, workload, contender, rounds, json, plots } => {
            let mut effort = if quick { Effort::quick() } else { Effort::full() };
            effort.rounds = rounds.unwrap_or(effort.rounds);
            let workloads = if workload.is_empty() { Workload::ALL.to_vec() } else { workload };
            let contenders = if contender.is_empty() { Contender::ALL.to_vec() } else { contender };
            let mut report = Report { machine: report::machine(), effort, outcomes: Vec::new() };
            println!("{}\n", report.machine);
            for workload in workloads {
                let outcomes = compare::run(workload, effort, &contenders).await?;
                report::print(&outcomes);
                report.outcomes.extend(outcomes);
            }
            if let Some(path) = json {
                report.write_json(&path)?;
            }
            if let Some(folder) = plots {
                report::plot::all(&report, &folder)?;
            }
            Ok(())
        }
    }
}
