//! Telling whoever runs the tests what takes long, or is missing.

use std::io::Write as _;

/// Writes a line that the test runner does not capture.
pub(crate) fn say(line: &str) {
    // Nothing is left to do where standard error is closed.
    let _ = writeln!(std::io::stderr(), "{line}");
}
