//! How people are told that something went wrong.

use std::error::Error;
use std::io::Write;

/// Tells the user about an error and all its causes.
pub(crate) fn report(error: &dyn Error) {
    let _ = writeln!(anstream::stderr(), "error: {}", with_causes(error));
}

/// An error and all its causes, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        // Some errors quote their cause already.
        if text.ends_with(&cause) { text } else { format!("{text}: {cause}") }
    })
}
