//! The scripts that the agent of all contenders plays; the agent's language is the testkit's.

use std::time::Duration;

use a2a_testkit::agent::{Script, Step, Text};

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

/// So many chunks, each of which is an event of its own.
pub(crate) fn chunks(number: usize) -> String {
    Script::new().work().talk(number, Duration::ZERO, CHUNK).done().to_string()
}

/// One chunk of so many bytes, once the agent may go on, and an end that is not committed with it.
pub(crate) fn large(bytes: usize) -> String {
    let chunk = Script::new().latch(GO).burst(1, Text::Stamp(bytes));
    chunk.then(Step::Sleep(Duration::from_millis(100))).done().to_string()
}

/// Chunks by the clock.
pub(crate) fn ticking(number: usize, every: Duration) -> String {
    Script::new().work().tick(number, every, CHUNK).done().to_string()
}

/// So many states, none of which is told together with another, once the agent may go on.
pub(crate) fn states(number: usize) -> String {
    (0..number).fold(Script::new().latch(GO), |script, _| script.work()).done().to_string()
}

/// Chunks by the clock, once the agent may go on.
pub(crate) fn timed(chunks: usize, every: Duration) -> String {
    Script::new().work().latch(GO).tick(chunks, every, CHUNK).done().to_string()
}
