//! The subscription of one endpoint: tried when it connects, and in the background for as long as it has none.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use a2a_core::{InstanceId, SystemEnv};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::backoff::Backoff;
use crate::error::{Failure, Verdict};
use crate::meter::{self, Call};
use crate::resources::{Resources, Subscription, Unsubscribed};

/// The pauses between attempts. A quota lasts until an operator or another instance's end frees something.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(120);

/// Subscribes one instance, and knows how far it got.
#[derive(Debug)]
pub(crate) struct Subscriber {
    me: InstanceId,
    resources: Arc<Resources>,
    state: Mutex<Subscription>,
}

impl Subscriber {
    pub(crate) fn new(me: InstanceId, resources: Arc<Resources>) -> Self {
        Subscriber { me, resources, state: Mutex::new(Subscription::Absent) }
    }

    /// What is to be removed in the end.
    pub(crate) fn state(&self) -> Subscription {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells whether the topic reaches the queue.
    pub(crate) fn is_subscribed(&self) -> bool {
        matches!(self.state(), Subscription::Made(_))
    }

    fn is(&self, state: Subscription) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// Tries once.
    pub(crate) async fn subscribe(&self) -> Result<(), Unsubscribed> {
        let before = self.state();
        // Until there is an answer, and where there is none, nobody knows.
        self.is(Subscription::Unknown);
        match self.resources.subscribe(self.me).await {
            Ok(arn) => {
                self.is(Subscription::Made(arn));
                Ok(())
            }
            Err(unsubscribed) => {
                let (Unsubscribed::NoTopic(failure) | Unsubscribed::NotNow(failure)) = &unsubscribed;
                if failure.verdict != Verdict::Indeterminate {
                    self.is(before);
                }
                meter::failed(Call::Subscribe);
                Err(unsubscribed)
            }
        }
    }

    /// Tries until it has succeeded or `stop`.
    ///
    /// An attempt that has begun is always finished, so that whoever closes knows what there is to remove.
    pub(crate) async fn keep_trying(self: Arc<Self>, first: Failure, stop: CancellationToken) {
        warn!(instance = %self.me, error = %first, "no subscription yet: reached one by one until there is");
        let mut backoff = Backoff::new(FIRST, LONGEST);
        loop {
            let pause = backoff.pause(&SystemEnv);
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
            match self.subscribe().await {
                Ok(()) => {
                    info!(instance = %self.me, "the queue is subscribed to the topic");
                    return;
                }
                Err(Unsubscribed::NoTopic(failure) | Unsubscribed::NotNow(failure)) => {
                    tracing::debug!(instance = %self.me, error = %failure, "still no subscription");
                }
            }
        }
    }
}
