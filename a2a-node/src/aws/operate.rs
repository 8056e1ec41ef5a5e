//! From an operator's command to what does it.

use std::process::ExitCode;

use super::{doctor, forget, provision, reap, renew_key, status, webhooks};
use crate::cli::Operation;
use crate::report::report;

/// Does what the operator asks for, and returns what the process should end with.
pub(crate) async fn operate(operation: Operation) -> ExitCode {
    let done: Result<ExitCode, Box<dyn std::error::Error>> = match operation {
        Operation::Provision(flags) => Box::pin(provision::run(flags)).await.map_err(Into::into),
        Operation::Doctor(flags) => Box::pin(doctor::run(flags)).await.map_err(Into::into),
        Operation::Status(flags) => Box::pin(status::run(flags)).await.map_err(Into::into),
        Operation::Reap(flags) => Box::pin(reap::run(flags)).await.map_err(Into::into),
        Operation::Webhooks(flags) => Box::pin(webhooks::run(flags)).await.map_err(Into::into),
        Operation::RenewKey(flags) => Box::pin(renew_key::run(flags)).await.map_err(Into::into),
        Operation::Forget(flags) => Box::pin(forget::run(flags)).await.map_err(Into::into),
    };
    done.unwrap_or_else(|error| {
        report(&*error);
        ExitCode::FAILURE
    })
}
