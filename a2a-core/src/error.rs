//! What went wrong in a backend, told as what the caller may do next.

use thiserror::Error;

/// The cause of a [`BackendError`], kept for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A result of a backend.
pub type Result<T, E = BackendError> = std::result::Result<T, E>;

/// A backend's failure. A lost race is not one: it is an `Ok` value.
///
/// No message carries task content, credentials or webhook tokens.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackendError {
    /// Nothing was applied. Retry after a pause, with backoff.
    #[error("the backend is unavailable and nothing was applied")]
    Unavailable(#[source] Cause),

    /// The write may or may not have been applied. Read again and compare the
    /// [`CommitId`](crate::CommitId) before anything else. Unknown failures of a write are this.
    #[error("the backend did not say whether the write was applied")]
    Indeterminate(#[source] Cause),

    /// The backend refuses this call and always will: a bad argument, a missing permission. Never retry.
    #[error("the backend rejected the call: {reason}")]
    Rejected {
        /// What to change, in words for an operator.
        reason: String,
        /// The backend's own error, where there is one.
        #[source]
        cause: Option<Cause>,
    },

    /// A value is larger than the backend keeps. Nothing was written. Make it smaller.
    #[error("{what} is too large: {actual} bytes, at most {limit} are possible")]
    TooLarge {
        /// The thing that is too large.
        what: &'static str,
        /// Its size in bytes.
        actual: usize,
        /// The limit in bytes.
        limit: usize,
    },

    /// What is stored cannot be understood. Retrying does not help; an operator must look.
    #[error("stored data cannot be understood: {what}")]
    Corrupt {
        /// What was being read, without its content.
        what: String,
        /// The decoder's error, where there is one.
        #[source]
        cause: Option<Cause>,
    },

    /// The handle was closed. Open a new one.
    #[error("the backend handle is closed")]
    Closed,
}

impl BackendError {
    /// Makes a [`BackendError::Rejected`] without a cause.
    pub fn rejected(reason: impl Into<String>) -> Self {
        BackendError::Rejected { reason: reason.into(), cause: None }
    }

    /// Makes a [`BackendError::Corrupt`] without a cause.
    pub fn corrupt(what: impl Into<String>) -> Self {
        BackendError::Corrupt { what: what.into(), cause: None }
    }

    /// Tells whether the same call may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, BackendError::Unavailable(_) | BackendError::Indeterminate(_))
    }
}
