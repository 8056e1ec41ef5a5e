//! From the command line to what it asks for.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{Action, Cli};
use crate::report::report;
use crate::{aws, demo, files, health, log, serve};

/// Does what the command line of this process asks for, and returns what the process should end with.
///
/// Ends the process itself where the command line cannot be read, or asks for help.
pub fn run() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            report(&error);
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(act());
    // Dropped, the runtime would wait for agents that block their threads.
    runtime.shutdown_background();
    code
}

async fn act() -> ExitCode {
    let Cli { action, log } = Cli::read();
    log::to_stderr(&log);
    files::allow_all();
    match action {
        None => help(),
        Some(Action::Demo(flags)) => demo::run(flags).await,
        Some(Action::Serve(flags)) => match Box::pin(serve::run(*flags)).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                report(&error);
                ExitCode::FAILURE
            }
        },
        Some(Action::Health(flags)) => match health::run(flags).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                report(&error);
                ExitCode::FAILURE
            }
        },
        Some(Action::Operate(operation)) => aws::operate(operation).await,
    }
}

fn help() -> ExitCode {
    match Cli::command().print_help() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
