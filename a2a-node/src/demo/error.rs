//! Why a demo stops before its counts are in.

use a2a::A2AError;
use a2a_core::BackendError;

use crate::fleet::StartError;

/// What went wrong, in the words that the user reads.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// The instances did not start.
    #[error("the instances did not start")]
    Start(#[from] StartError),
    /// The operating system gives no thread for an instance of its own.
    #[error("no thread for an instance")]
    Thread(#[source] std::io::Error),
    /// An instance answered a call with an error, or not at all.
    #[error("an instance refused a call")]
    Call(#[from] A2AError),
    /// The store could not be read.
    #[error("the log of a task cannot be read")]
    Store(#[from] BackendError),
    /// The store no longer has the whole log of a task.
    #[error("the log of task {0} is incomplete")]
    LogCut(String),
    /// An answer that is not what the cluster promises.
    #[error("{0}")]
    Wrong(String),
    /// Something hangs.
    #[error("the demo did not finish in {0} seconds")]
    Hung(u64),
}

impl DemoError {
    /// An answer that is not what the cluster promises.
    pub(crate) fn wrong(what: impl Into<String>) -> Self {
        Self::Wrong(what.into())
    }
}
