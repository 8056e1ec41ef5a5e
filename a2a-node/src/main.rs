//! `a2a-node`: an A2A server that runs as one or many instances, and a demo that counts what arrives.

mod agent;
mod backends;
mod card;
mod cli;
mod demo;
mod fleet;
mod health;
mod listen;
mod log;
mod metrics;
mod principal;
mod seat;
mod serve;
mod signals;
mod tuning;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::CommandFactory;

use cli::{Action, Cli};

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { action, log } = Cli::read();
    log::to_stderr(&log);
    match action {
        None => help(),
        Some(Action::Demo(flags)) => demo::run(flags).await,
        Some(Action::Serve(flags)) => match serve::run(*flags).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                report(&error);
                ExitCode::FAILURE
            }
        },
    }
}

fn help() -> ExitCode {
    match Cli::command().print_help() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Tells the user about an error and all its causes.
fn report(error: &dyn Error) {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let text = causes.fold(format!("error: {error}"), |text, cause| format!("{text}: {cause}"));
    let _ = writeln!(anstream::stderr(), "{text}");
}
