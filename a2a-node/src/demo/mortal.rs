//! An instance that can be killed as a process can: all at once, and without a farewell.

use tokio::runtime::{Builder, Runtime};

use super::error::DemoError;
use crate::backends::Backends;
use crate::fleet::{Fleet, Instance, Layout};

/// One instance on a runtime of its own, on which everything that it does depends: sockets, streams, agents, beats.
///
/// Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Mortal {
    runtime: Option<Runtime>,
    fleet: Fleet,
}

impl Mortal {
    /// Starts the instance.
    ///
    /// # Errors
    ///
    /// A [`DemoError`] when the operating system gives no thread, or the instance does not start.
    pub(crate) async fn start(layout: Layout, backends: Backends) -> Result<Self, DemoError> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(DemoError::Thread)?;
        let started = runtime.spawn(Fleet::start(layout, backends)).await;
        let started = started.map_err(|_| DemoError::wrong("an instance died at its birth"));
        match started.and_then(|started| Ok(started?)) {
            Ok(fleet) => Ok(Self { runtime: Some(runtime), fleet }),
            Err(error) => {
                // Dropped in passing, it would wait for its threads.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// The instance.
    pub(crate) fn instances(&self) -> &[Instance] {
        self.fleet.instances()
    }

    /// Kills it: between two instructions, whatever it was about to do.
    pub(crate) fn kill(self) {}
}

impl Drop for Mortal {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
