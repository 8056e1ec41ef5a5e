//! The scripts that the agent of all contenders plays; the agent's language is the testkit's.

use std::time::Duration;

use a2a_testkit::agent::{Script, Text};

/// What a chunk says: the time, for whoever hears it.
const CHUNK: Text = Text::Stamp(120);
/// Where agents wait until they may go on.
pub(crate) const GO: &str = "go";

/// Three events.
pub(crate) const SHORT: &str = "work; burst 1 stamp:120; done";
/// Two events.
pub(crate) const ECHO: &str = "burst 1 stamp:120; done";
/// Works, and says nothing more.
pub(crate) const WAIT: &str = "work; hang";

/// Chunks by the clock, once the agent may go on.
pub(crate) fn timed(chunks: usize, every: Duration) -> String {
    Script::new().work().latch(GO).tick(chunks, every, CHUNK).done().to_string()
}
