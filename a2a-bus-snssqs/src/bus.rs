//! The endpoint of one instance.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use a2a_core::{BackendError, BusMessage, Delivery, Env, EventBus, InstanceId, Result};
use async_trait::async_trait;
use futures::future::try_join_all;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use crate::acknowledge::Acknowledger;
use crate::carrier::{Carrier, Fate};
use crate::inbox::Inbox;
use crate::lifecycle::{ProvisionedQueue, QueueLifecycle};
use crate::outbox::Outbox;
use crate::receiver::Receiver;
use crate::renewal::Renewal;
use crate::{Clients, Config, meter, parcel};

/// One instance's endpoint on SNS and SQS.
///
/// Close it: dropping it only stops the receivers and leaves the queue to the next
/// [`Janitor`](crate::Janitor) pass.
pub struct SnsSqsBus {
    me: InstanceId,
    inbox: Arc<Inbox>,
    outbox: Arc<Outbox>,
    renewal: Arc<Renewal>,
    stop: CancellationToken,
    tasks: TaskTracker,
    drain_within: Duration,
    /// Whether what `open` made is removed. Held while it is being removed.
    released: Mutex<bool>,
}

impl SnsSqsBus {
    /// Makes the instance's queue and subscription and starts to receive.
    ///
    /// # Errors
    ///
    /// As [`QueueLifecycle::provision`], which also says what a cancelled call leaves behind.
    pub async fn open(clients: Clients, config: Config, env: Arc<dyn Env>) -> Result<Self> {
        let lifecycle = QueueLifecycle::new(clients.clone(), config.clone());
        let queue = lifecycle.provision().await?;
        Ok(Self::start(clients, config, env, Some(lifecycle), queue))
    }

    /// Starts to receive from a queue that somebody else made and will remove.
    ///
    /// The queue must be named as [`Deployment::queue_name`](crate::Deployment::queue_name) says: others find
    /// it by its name.
    pub fn attach(clients: Clients, config: Config, env: Arc<dyn Env>, queue: ProvisionedQueue) -> Self {
        Self::start(clients, config, env, None, queue)
    }

    fn start(
        clients: Clients,
        config: Config,
        env: Arc<dyn Env>,
        lifecycle: Option<QueueLifecycle>,
        queue: ProvisionedQueue,
    ) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let inbox = Arc::new(Inbox::new(config.inbox));
        let queue_url = queue.queue_url.clone();
        let carrier =
            Carrier::new(clients.clone(), config.deployment.clone(), queue_url.clone(), config.call_within);
        let acknowledger = Acknowledger::start(
            clients.sqs.clone(),
            queue_url.clone(),
            config.call_within,
            stop.clone(),
            &tasks,
        );
        let renewal = Arc::new(Renewal::new(lifecycle, queue, Arc::clone(&env)));
        let receiver = Receiver {
            sqs: clients.for_polling(),
            queue_url,
            me: config.instance,
            inbox: Arc::clone(&inbox),
            acknowledger,
            renewal: Arc::clone(&renewal),
            env,
            stop: stop.clone(),
            tasks: tasks.clone(),
            most_helpers: config.receivers - 1,
            helpers: AtomicUsize::new(0),
        };
        tasks.spawn(Arc::new(receiver).run());
        SnsSqsBus {
            me: config.instance,
            inbox,
            outbox: Outbox::new(carrier, tasks.clone()),
            renewal,
            stop,
            tasks,
            drain_within: config.call_within,
            released: Mutex::new(false),
        }
    }
}

#[async_trait]
impl EventBus for SnsSqsBus {
    fn me(&self) -> InstanceId {
        self.me
    }

    async fn send(&self, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        if self.inbox.is_closed() {
            return Err(BackendError::Closed);
        }
        let post = async |parcel: parcel::Parcel| {
            let kind = parcel.kind;
            let fate = self.outbox.post(parcel).await?;
            if fate == Fate::Sent {
                meter::sent(kind);
            }
            Ok::<_, BackendError>(fate)
        };
        let fates = try_join_all(parcel::pack(to, message)?.into_iter().map(post)).await?;
        let gone = fates.into_iter().filter_map(|fate| match fate {
            Fate::Gone(instance) => Some(instance),
            Fate::Sent => None,
        });
        Ok(Delivery { gone: gone.collect() })
    }

    /// Fails while polls of the queue fail, every two seconds at least; polling goes on meanwhile.
    async fn receive(&self) -> Result<Vec<BusMessage>> {
        self.inbox.take().await
    }

    /// Stops receiving, then removes the subscription and the queue, where `open` made them.
    ///
    /// When something could not be removed it says so; calling again tries again. When cancelled, likewise.
    async fn close(&self) -> Result<()> {
        self.inbox.close();
        self.stop.cancel();
        self.tasks.close();
        let mut released = self.released.lock().await;
        if *released {
            return Ok(());
        }
        if timeout(self.drain_within, self.tasks.wait()).await.is_err() {
            warn!("calls that were under way did not end in time");
        }
        if let Some((lifecycle, queue)) = self.renewal.to_tear_down() {
            let left = lifecycle.teardown(&queue).await;
            if !left.is_empty() {
                let left: Vec<_> = left.iter().map(ToString::to_string).collect();
                return Err(BackendError::Unavailable(format!("still there: {}", left.join(", ")).into()));
            }
        }
        *released = true;
        Ok(())
    }
}

impl Drop for SnsSqsBus {
    fn drop(&mut self) {
        self.inbox.close();
        self.stop.cancel();
    }
}

impl fmt::Debug for SnsSqsBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnsSqsBus").field("me", &self.me).finish_non_exhaustive()
    }
}
