//! What went wrong in a backend, told as what the caller may do next.

use std::fmt;

use thiserror::Error;

/// The cause of a [`BackendError`], kept for the log. Its `Display` text, and that of its sources, carries no
/// content and no credentials.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A result of a backend.
pub type Result<T, E = BackendError> = std::result::Result<T, E>;

/// A backend's failure. A lost race is not one: it is an `Ok` value.
///
/// No message carries task content, credentials or webhook tokens. The `Debug` form is the `Display` text of
/// the error and its causes.
#[derive(Error)]
#[non_exhaustive]
pub enum BackendError {
    /// Nothing was applied. Retry after a pause, with backoff; [`trouble`](Self::trouble) tells how long.
    ///
    /// A permission that lapses after the backend served this handle is this, too: whoever mends it restarts nothing.
    #[error("the backend is unavailable and nothing was applied")]
    Unavailable(#[source] Cause),

    /// The write may or may not have been applied. Read again and compare the
    /// [`CommitId`](crate::CommitId) before anything else. Unknown failures of a write are this.
    #[error("the backend did not say whether the write was applied")]
    Indeterminate(#[source] Cause),

    /// The backend refuses this call and always will: a bad argument, or, before the backend served this handle once, a
    /// wrong configuration. Never retry.
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

impl fmt::Debug for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The `Debug` form of a cause may be anything, up to a response with all that is stored in it.
        fmt::Display::fmt(self, f)?;
        let mut error: &dyn std::error::Error = self;
        while let Some(cause) = error.source() {
            write!(f, ": {cause}")?;
            error = cause;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shows what it should not in its `Debug` form, as the errors of many clients do.
    #[derive(Debug, Error)]
    #[error("connection reset")]
    struct Reset {
        #[allow(dead_code, reason = "read by the derived Debug only")]
        response: &'static str,
        source: Option<Box<Reset>>,
    }

    fn reset() -> Cause {
        let reset = |source| Reset { response: "s3cret", source };
        Box::new(reset(Some(Box::new(reset(None)))))
    }

    fn errors() -> [BackendError; 6] {
        [
            BackendError::Unavailable(reset()),
            BackendError::Indeterminate(reset()),
            BackendError::Rejected { reason: "no permission".into(), cause: Some(reset()) },
            BackendError::Corrupt { what: "a snapshot".into(), cause: Some(reset()) },
            BackendError::TooLarge { what: "a snapshot", actual: 2, limit: 1 },
            BackendError::Closed,
        ]
    }

    #[test]
    fn no_form_of_an_error_shows_the_debug_form_of_its_causes() {
        assert!(format!("{:?}", reset()).contains("s3cret"));
        for error in errors() {
            assert!(!format!("{error} {error:?} {error:#?}").contains("s3cret"));
        }
    }

    #[test]
    fn the_debug_form_tells_the_whole_chain() {
        let [unavailable, _, rejected, .., closed] = errors();
        let told = "the backend is unavailable and nothing was applied: connection reset: connection reset";
        assert_eq!(format!("{unavailable:?}"), told);
        let told = "the backend rejected the call: no permission: connection reset: connection reset";
        assert_eq!(format!("{rejected:?}"), told);
        assert_eq!(format!("{closed:?}"), closed.to_string());
    }

    #[test]
    fn the_display_form_leaves_the_causes_to_source() {
        for error in errors() {
            assert!(!error.to_string().contains("connection reset"));
        }
        let caused = errors().map(|error| std::error::Error::source(&error).is_some());
        assert_eq!(caused, [true, true, true, true, false, false]);
    }

    #[test]
    fn only_what_may_succeed_later_is_transient() {
        let transient = errors().map(|error| error.is_transient());
        assert_eq!(transient, [true, true, false, false, false, false]);
    }
}
