//! From a backend's failure to what a client may know of it: the one place where that happens.

use std::error::Error;
use std::time::Duration;

use a2a::A2AError;
use a2a_core::{BackendError, TaskKey, Trouble};

use super::refusals::unavailable;

/// What a client is told to wait. One that met a stopping instance has another a connection away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A refusal that changed nothing, with a time to retry after.
pub(super) fn refusal(reason: &str) -> A2AError {
    A2AError { message: reason.to_owned(), ..unavailable(RETRY_AFTER) }
}

pub(super) fn cut_off() -> A2AError {
    refusal("this instance cannot reach its store; try again")
}

pub(super) fn too_busy() -> A2AError {
    refusal("this instance has as much to do as it takes on; try again")
}

pub(super) fn unknown_end(key: &TaskKey) -> A2AError {
    A2AError::internal(format!(
        "it is not known what became of the message; read the task {} instead of sending it again",
        key.task_id
    ))
}

/// Logs the whole chain of causes, and returns an error without them.
pub(crate) fn to_client(failure: BackendError) -> A2AError {
    let chain = Chain(&failure);
    match &failure {
        // Told once, when it began, and not by each call that meets it.
        _ if failure.trouble() == Some(Trouble::Denied) => {
            tracing::debug!(error = %chain, "a backend denies access");
            unavailable(RETRY_AFTER)
        }
        BackendError::Unavailable(_) | BackendError::Indeterminate(_) | BackendError::Closed => {
            tracing::warn!(error = %chain, "a backend is unavailable");
            unavailable(RETRY_AFTER)
        }
        BackendError::TooLarge { what, limit, .. } => {
            tracing::info!(error = %chain, "a value is larger than the store keeps");
            A2AError::invalid_params(format!("{what} is larger than {limit} bytes"))
        }
        _ => {
            tracing::error!(error = %chain, "a backend failed");
            A2AError::internal("internal error")
        }
    }
}

/// An error with all its causes, for the log.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Warns of what a store's failure leaves undone. Not where access is denied: that is told once, and what waits for it is
/// told at debug level.
macro_rules! warn_of {
    ($error:expr, $($told:tt)*) => {
        if $error.trouble() == Some(a2a_core::Trouble::Denied) {
            tracing::debug!($($told)*)
        } else {
            tracing::warn!($($told)*)
        }
    };
}

pub(crate) use warn_of;
