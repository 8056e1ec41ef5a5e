//! The ways in which an instance stops, in their order, and what those are told who meet it then.

use std::sync::OnceLock;

use a2a::A2AError;
use tokio_util::sync::CancellationToken;

use super::error;

const STOPS: &str = "this instance is shutting down";
const EVICTED: &str = "this instance lost its place in the cluster; try again";

/// Three tokens, cancelled one after another.
#[derive(Debug)]
pub(crate) struct Stop {
    /// Cancelled when no new work is taken.
    pub(crate) draining: CancellationToken,
    /// Cancelled when agents and streams must end.
    pub(crate) stopping: CancellationToken,
    /// Cancelled when the background tasks must end.
    pub(crate) closing: CancellationToken,
    reason: OnceLock<&'static str>,
}

impl Stop {
    pub(super) fn new() -> Self {
        Stop {
            draining: CancellationToken::new(),
            stopping: CancellationToken::new(),
            closing: CancellationToken::new(),
            reason: OnceLock::new(),
        }
    }

    /// What streams and callers are told when this instance stops serving.
    pub(crate) fn reason(&self) -> A2AError {
        error::refusal(self.reason.get().copied().unwrap_or(STOPS))
    }

    /// Ends agents and streams, because others have declared this instance dead.
    pub(super) fn evict(&self) {
        // A shutdown that is under way has given its own reason.
        let _ = self.reason.set(EVICTED);
        self.draining.cancel();
        self.stopping.cancel();
    }

    pub(crate) fn is_evicted(&self) -> bool {
        self.reason.get() == Some(&EVICTED)
    }

    pub(super) fn all(&self) {
        self.draining.cancel();
        self.stopping.cancel();
        self.closing.cancel();
    }
}
