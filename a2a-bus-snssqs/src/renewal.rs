//! Makes our queue anew when somebody deleted it.

use std::sync::{Arc, Mutex, PoisonError};

use a2a_core::Env;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::backoff::Backoff;
use crate::lifecycle::{ProvisionedQueue, QueueLifecycle};
use crate::meter;

/// Who makes a lost queue anew, and the queue as it is now.
#[derive(Debug)]
pub(crate) struct Renewal {
    /// `None` where an operator made the queue and is to do it again.
    lifecycle: Option<QueueLifecycle>,
    queue: Mutex<ProvisionedQueue>,
    env: Arc<dyn Env>,
}

impl Renewal {
    pub(crate) fn new(lifecycle: Option<QueueLifecycle>, queue: ProvisionedQueue, env: Arc<dyn Env>) -> Self {
        Renewal { lifecycle, queue: Mutex::new(queue), env }
    }

    /// What is to be removed in the end, and who removes it, where that is us.
    pub(crate) fn to_tear_down(&self) -> Option<(&QueueLifecycle, ProvisionedQueue)> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.lifecycle.as_ref().map(|lifecycle| (lifecycle, queue))
    }

    /// Tries until the queue is there again or `stop`. SQS blocks the name for a minute after a deletion.
    ///
    /// An attempt that has begun is always finished, so that whoever closes knows what there is to remove.
    pub(crate) async fn renew(&self, stop: &CancellationToken) {
        let Some(lifecycle) = &self.lifecycle else {
            error!("the queue is gone and was not made by this program: an operator must make it again");
            return;
        };
        warn!("the queue was deleted by somebody else and is made anew");
        let mut backoff = Backoff::default();
        while !stop.is_cancelled() {
            match lifecycle.provision().await {
                Ok(queue) => {
                    *self.queue.lock().unwrap_or_else(PoisonError::into_inner) = queue;
                    meter::reprovisioned();
                    return;
                }
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "the queue could not be made anew yet");
                    let pause = backoff.pause(&*self.env);
                    stop.run_until_cancelled(tokio::time::sleep(pause)).await;
                }
            }
        }
    }
}
