//! What keeps a backend from doing what it is asked, as far as that decides how long to wait before the next try.

use std::error::Error;
use std::fmt;

use crate::BackendError;
use crate::error::Cause;

/// The kind of a failure that passes. It decides how long to wait before the same call is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// The backend is not reached, does not answer, or fails for a reason of its own. Whatever is not known to be one
    /// of the others is this.
    Away,
    /// Others write the same at this moment. It passes within milliseconds.
    Contended,
    /// The backend is asked for more than it gives. It passes when less is asked, so wait longer each time.
    Throttled,
    /// The backend served this instance before, and does not let it in now: a permission, the credentials, a key or the
    /// table is missing. It passes when somebody mends that, so wait for seconds.
    Denied,
}

impl Trouble {
    /// All kinds.
    pub const ALL: [Trouble; 4] = [Trouble::Away, Trouble::Contended, Trouble::Throttled, Trouble::Denied];

    /// The kind in one word, for a label.
    pub const fn word(self) -> &'static str {
        match self {
            Trouble::Away => "away",
            Trouble::Contended => "contended",
            Trouble::Throttled => "throttled",
            Trouble::Denied => "denied",
        }
    }
}

/// A cause with the kind of trouble that it is, as a link of the chain of causes that shows in no text.
#[derive(Debug)]
struct Marked {
    trouble: Trouble,
    cause: Cause,
}

impl fmt::Display for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.cause, f)
    }
}

impl Error for Marked {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

impl BackendError {
    /// Makes a [`BackendError::Unavailable`] that says what the trouble is.
    ///
    /// ```
    /// use a2a_core::{BackendError, Trouble};
    /// let error = BackendError::unavailable(Trouble::Throttled, "too many writes");
    /// assert_eq!(error.trouble(), Some(Trouble::Throttled));
    /// ```
    pub fn unavailable(trouble: Trouble, cause: impl Into<Cause>) -> Self {
        BackendError::Unavailable(Box::new(Marked { trouble, cause: cause.into() }))
    }

    /// Makes a [`BackendError::Indeterminate`] that says what the trouble is.
    pub fn indeterminate(trouble: Trouble, cause: impl Into<Cause>) -> Self {
        BackendError::Indeterminate(Box::new(Marked { trouble, cause: cause.into() }))
    }

    /// The kind of a failure that passes: [`Away`](Trouble::Away) where the backend did not say. `None` for what does
    /// not pass.
    pub fn trouble(&self) -> Option<Trouble> {
        let (BackendError::Unavailable(cause) | BackendError::Indeterminate(cause)) = self else {
            return None;
        };
        Some(cause.downcast_ref::<Marked>().map_or(Trouble::Away, |marked| marked.trouble))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_passes_says_what_the_trouble_is() {
        for trouble in Trouble::ALL {
            assert_eq!(BackendError::unavailable(trouble, "x").trouble(), Some(trouble));
            assert_eq!(BackendError::indeterminate(trouble, "x").trouble(), Some(trouble));
        }
        assert_eq!(BackendError::Unavailable("x".into()).trouble(), Some(Trouble::Away));
        for lasting in [BackendError::rejected("x"), BackendError::corrupt("x"), BackendError::Closed] {
            assert_eq!(lasting.trouble(), None);
        }
    }

    #[test]
    fn the_kind_of_trouble_shows_in_no_text() {
        let (marked, plain) =
            (BackendError::unavailable(Trouble::Denied, "no"), BackendError::Unavailable("no".into()));
        assert_eq!(format!("{marked} {marked:?}"), format!("{plain} {plain:?}"));
    }
}
