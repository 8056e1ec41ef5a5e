//! What a search covered, where it can be read.

use std::fmt;
use std::io::Write;

/// Writes a line to standard output, past the harness, which keeps what a passing test prints with `println!`.
pub(crate) fn report(line: fmt::Arguments<'_>) {
    let line = format!("{line}\n");
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).expect("standard output is open");
}
