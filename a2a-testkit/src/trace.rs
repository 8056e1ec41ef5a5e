//! What happened in a simulation, in order: equal for equal seeds, or something is not deterministic.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

thread_local! {
    /// The trace that was begun last on this thread, for the report of a failed simulation.
    static LATEST: RefCell<Option<Trace>> = const { RefCell::new(None) };
}

/// An ordered log of lines, each with the virtual time since the trace began. Clones share it.
#[derive(Debug, Clone)]
pub struct Trace {
    origin: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Trace {
    /// Begins a trace. When a simulation fails, the end of the one begun last is printed.
    #[expect(clippy::new_without_default, reason = "it reads the clock")]
    pub fn new() -> Self {
        let trace = Trace { origin: Instant::now(), lines: Arc::default() };
        LATEST.set(Some(trace.clone()));
        trace
    }

    /// Adds a line.
    pub fn note(&self, what: impl fmt::Display) {
        let at = self.origin.elapsed();
        self.locked().push(format!("{:>6}.{:06} {what}", at.as_secs(), at.subsec_micros()));
    }

    /// Returns all lines.
    pub fn lines(&self) -> Vec<String> {
        self.locked().clone()
    }

    /// Returns a number that stands for all lines in their order: FNV-1a, the same on every machine.
    pub fn digest(&self) -> u64 {
        let lines = self.locked();
        let bytes = lines.iter().flat_map(|line| line.bytes().chain([b'\n']));
        bytes
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }

    /// Takes the trace that was begun last on this thread.
    pub(crate) fn take_latest() -> Option<Trace> {
        LATEST.take()
    }

    fn locked(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
