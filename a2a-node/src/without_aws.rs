//! What takes the place of the module `aws` in a build without the feature of that name: nothing can be opened, and
//! every attempt says what is missing.

use std::process::ExitCode;
use std::sync::Arc;

use a2a_core::{EventBus, Store};

use crate::cli::{Mismatch, OnAws, Operation};
use crate::report::report;

/// There is nothing to open.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct OpenError(Mismatch);

pub(crate) async fn open(_: OnAws) -> Result<(Arc<dyn Store>, Arc<dyn EventBus>), OpenError> {
    Err(OpenError(Mismatch::NoAws))
}

pub(crate) async fn operate(operation: Operation) -> ExitCode {
    tracing::debug!(?operation, "not in this build");
    report(&Mismatch::NoAws);
    // As for any command line that makes no sense here.
    ExitCode::from(2)
}
