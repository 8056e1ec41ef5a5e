//! From a backend's failure to what a client may know of it: the one place where that happens.

use std::error::Error;
use std::time::Duration;

use a2a::A2AError;
use a2a_core::BackendError;

use crate::bindings::unavailable::unavailable;

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Logs the whole chain of causes, and returns an error without them.
pub(crate) fn to_client(failure: BackendError) -> A2AError {
    let chain = Chain(&failure);
    match &failure {
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
