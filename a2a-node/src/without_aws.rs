//! What takes the place of the module `aws` in a build without the feature of that name: nothing can be opened, and
//! every attempt says what is missing.

use std::process::ExitCode;
use std::sync::Arc;

use a2a_cluster::Config as Pace;
use a2a_core::{BackendError, EventBus, InstanceId};

use crate::backends::{Backends, OnAws};
use crate::cli::{Mismatch, Operation};
use crate::report::report;

/// There is nothing to open.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct OpenError(Mismatch);

/// Endpoints on SNS and SQS, of which this build has none.
#[derive(Debug)]
pub(crate) enum Endpoints {}

impl Endpoints {
    pub(crate) async fn open(&self, _: InstanceId, _: &str) -> Result<Arc<dyn EventBus>, BackendError> {
        match *self {}
    }
}

/// Who removes what dead instances leave on AWS, of which this build has none.
#[derive(Debug)]
pub(crate) enum Caretaker {}

impl Caretaker {
    pub(crate) async fn sweep(&self) {
        match *self {}
    }

    pub(crate) async fn farewell(&self) {
        match *self {}
    }
}

pub(crate) async fn open(_: OnAws, _: &Pace) -> Result<Backends, OpenError> {
    Err(OpenError(Mismatch::NoAws))
}

pub(crate) async fn operate(operation: Operation) -> ExitCode {
    tracing::debug!(?operation, "not in this build");
    report(&Mismatch::NoAws);
    // As for any command line that makes no sense here.
    ExitCode::from(2)
}
