//! From the command line to what it asks for.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::{Action, Cli};
use crate::otlp::{Otlp, OtlpError};
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
    let otlp = match exporter(action.as_ref()) {
        Ok(otlp) => otlp,
        Err(error) => {
            report(&error);
            return ExitCode::FAILURE;
        }
    };
    log::to_stderr(&log, otlp.as_ref());
    files::allow_all();
    let code = Box::pin(perform(action)).await;
    // Whoever is in a hurry, or could not start, waits for no collector.
    if let Some(otlp) = otlp.filter(|_| code == ExitCode::SUCCESS) {
        otlp.flush().await;
    }
    code
}

/// What exports the traces of `serve`, where it is to.
#[cfg(feature = "otlp")]
fn exporter(action: Option<&Action>) -> Result<Option<Otlp>, OtlpError> {
    match action {
        Some(Action::Serve(flags)) if flags.otlp => Otlp::from_environment().map(Some),
        _ => Ok(None),
    }
}

#[cfg(not(feature = "otlp"))]
fn exporter(_: Option<&Action>) -> Result<Option<Otlp>, OtlpError> {
    Ok(None)
}

async fn perform(action: Option<Action>) -> ExitCode {
    match action {
        None => help(),
        Some(Action::Demo(flags)) => Box::pin(demo::run(flags)).await,
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
