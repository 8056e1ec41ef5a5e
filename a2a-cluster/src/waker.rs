//! A thread that wakes the runtime now and then, so that an agent which blocks its thread does not stop every timer.
//!
//! Of the workers of a runtime one waits for timers and sockets. If that is the one whose thread an agent blocks, no
//! other knows: they sleep until something wakes them. A task that is spawned from outside does, and whoever runs it
//! waits for timers from then on.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

/// How often the runtime is woken. Other tasks go on within about so long where an agent blocks.
const INTERVAL: Duration = Duration::from_millis(500);

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Waker {
    _stop: Sender<()>,
}

impl Waker {
    /// Starts a thread for the current runtime. None where that has one worker, which nothing can stand in for.
    pub(crate) fn start() -> Option<Self> {
        let runtime = Handle::try_current().ok()?;
        if runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
            return None;
        }
        let (stop, stopped) = channel();
        let waking = move || {
            while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                #[allow(
                    clippy::disallowed_methods,
                    reason = "it is over at once, and there is nothing to wait for"
                )]
                drop(runtime.spawn(async {}));
            }
        };
        thread::Builder::new().name("a2a-waker".into()).spawn(waking).ok()?;
        Some(Waker { _stop: stop })
    }
}
