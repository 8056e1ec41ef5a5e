//! What the demo prints while it runs: which instance said what, and how late.

use std::io::Write;

use a2a::StreamResponse;
use anstyle::{AnsiColor, Style};
use chrono::TimeDelta;
use tokio::time::Instant;

use super::peer::Peer;
use super::words::describe;

/// Names in the colours that the timeline gives them.
const COLOURS: [(&str, AnsiColor); 3] =
    [("A", AnsiColor::Cyan), ("B", AnsiColor::Magenta), ("C", AnsiColor::Yellow)];
const DIM: Style = Style::new().dimmed();
const TITLE: Style = Style::new().bold();

/// Whether people watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Print every line.
    Loud,
    /// Print nothing.
    Silent,
}

/// A printer of lines with the time since the demo began. A closed stdout is no error: nobody reads it.
#[derive(Debug)]
pub(crate) struct Timeline {
    verbosity: Verbosity,
    begun: Instant,
}

impl Timeline {
    /// Begins at zero.
    pub(crate) fn begin(verbosity: Verbosity) -> Self {
        Self { verbosity, begun: Instant::now() }
    }

    /// Prints the title of a chapter and a sentence about it.
    pub(crate) fn chapter(&self, title: &str, about: &str) {
        self.print(&format!("\n{TITLE}{title}{TITLE:#}\n{DIM}{about}{DIM:#}"));
    }

    /// Prints that a client called an instance, or what came of it.
    pub(crate) fn note(&self, peer: &Peer, text: &str) {
        self.line(peer, &format!("{TITLE}{text}{TITLE:#}"));
    }

    /// Prints an event that arrived `late` after it happened.
    pub(crate) fn event(&self, peer: &Peer, event: &StreamResponse, late: Option<TimeDelta>) {
        let late = late.map(|late| format!("{DIM}+{} ms{DIM:#}", milliseconds(late))).unwrap_or_default();
        self.line(peer, &format!("{:<42}{late}", describe(event)));
    }

    /// Prints a block of text as it is.
    pub(crate) fn print(&self, text: &str) {
        if self.verbosity == Verbosity::Loud {
            let _ = writeln!(anstream::stdout(), "{text}");
        }
    }

    fn line(&self, peer: &Peer, text: &str) {
        let at = self.begun.elapsed().as_secs_f64();
        let name = coloured(peer.name);
        self.print(&format!("{DIM}{at:>7.3} s{DIM:#}  {name}  {DIM}{:<9}{DIM:#}  {text}", peer.binding));
    }
}

/// Writes an instance's name in its colour.
pub(crate) fn coloured(name: &str) -> String {
    let colour = COLOURS.iter().find(|(known, _)| *known == name).map(|(_, colour)| *colour);
    let style = Style::new().fg_color(colour.map(Into::into)).bold();
    format!("{style}{name}{style:#}")
}

/// Writes a duration in milliseconds, two digits behind the point.
pub(crate) fn milliseconds(time: TimeDelta) -> String {
    // Microseconds of the years that an i64 of them spans fit a f64 well enough for a timeline.
    #[allow(clippy::cast_precision_loss, reason = "see above")]
    let micros = time.num_microseconds().unwrap_or(i64::MAX) as f64;
    format!("{:.2}", micros / 1000.0)
}
