//! The endpoint of one instance: sends, receives, and removes what it has.

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use a2a_core::wire::Seal;
use a2a_core::{BackendError, BusMessage, Delivery, Endpoint, InstanceId, Reach, Recipient, Result};
use async_trait::async_trait;
use futures::future::join_all;
use tokio::sync::{Mutex, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::acknowledge::Acknowledger;
use crate::encoded::{EncodedMessage, Route};
use crate::inbox::Inbox;
use crate::outbox::Outbox;
use crate::receiver::Receiver;
use crate::resources::Resources;
use crate::sender::{SendOutcome, Sender};
use crate::subscriber::Subscriber;
use crate::{encoded, meter};

/// For how long an endpoint that connects waits to learn whether the topic reaches it.
const FIRST_LOOK: Duration = Duration::from_secs(1);

/// One instance's end of the bus.
///
/// Close it: dropping it only stops the receivers, and leaves queue and subscription to whoever releases the
/// instance.
pub(crate) struct QueueEndpoint {
    me: InstanceId,
    seal: Arc<Seal>,
    inbox: Arc<Inbox>,
    outbox: Arc<Outbox>,
    topic_fails: Spell,
    subscriber: Arc<Subscriber>,
    resources: Arc<Resources>,
    stop: CancellationToken,
    tasks: TaskTracker,
    drain_within: Duration,
    /// Whether nothing is left that it shall remove. Held while it is being removed.
    has_nothing: Mutex<bool>,
}

/// Calls of an endpoint that are under way, of which one may make a subscription.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    stop: CancellationToken,
    tasks: TaskTracker,
    limit: Duration,
}

impl UnderWay {
    /// Lets no more begin, and waits for the others.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        if timeout(self.limit, self.tasks.wait()).await.is_err() {
            warn!("calls that were under way did not end in time");
        }
    }

    /// Tells whether all have ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.tasks.is_closed() && self.tasks.is_empty()
    }
}

/// How long a message through the topic may go unanswered.
const TOPIC_ANSWERS: Duration = Duration::from_millis(1_500);

/// How long a topic that failed is not asked.
const TOPIC_RESTS: Duration = Duration::from_secs(5);

/// A time in which something is not to be tried.
#[derive(Debug, Default)]
struct Spell(std::sync::Mutex<Option<Instant>>);

impl Spell {
    fn begins(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + TOPIC_RESTS);
    }

    fn lasts(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }
}

impl QueueEndpoint {
    /// Starts to receive from the instance's queue. Returns once the queue is seen: for a second after it was made whoever
    /// sends to it is told that there is none.
    ///
    /// # Errors
    ///
    /// `Unavailable` where the queue is still not seen.
    pub(crate) async fn start(
        me: InstanceId,
        resources: Arc<Resources>,
        seal: &Arc<Seal>,
        subscriber: Arc<Subscriber>,
    ) -> Result<Arc<Self>> {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let Resources { clients, topic, config, .. } = &*resources;
        let (limit, queue_url) = (config.call_within, topic.queue_url(me));
        let inbox = Arc::new(Inbox::new(config.inbox));
        let sender = Sender::new(clients.clone(), topic.clone(), limit);
        let acknowledger =
            Acknowledger::start(clients.sqs.clone(), queue_url.clone(), limit, stop.clone(), &tasks);
        let receiver = Receiver {
            sqs: clients.for_polling(),
            queue_url,
            me,
            seal: Arc::clone(seal),
            subscriber: Arc::clone(&subscriber),
            inbox: Arc::clone(&inbox),
            acknowledger,
            stop: stop.clone(),
            tasks: tasks.clone(),
            most_helpers: config.receivers - 1,
            helpers: AtomicUsize::new(0),
        };
        let (ready, seen) = oneshot::channel();
        tasks.spawn(Arc::new(receiver).run(ready));
        let endpoint = Arc::new(QueueEndpoint {
            me,
            seal: Arc::clone(seal),
            inbox,
            outbox: Outbox::new(sender, tasks.clone()),
            topic_fails: Spell::default(),
            subscriber,
            drain_within: limit,
            resources,
            stop,
            tasks,
            has_nothing: Mutex::new(false),
        });
        // No answer at all is for whoever receives to hear of.
        if let Ok(Err(_)) = timeout(limit, seen).await {
            return Err(BackendError::Unavailable("the new queue is not seen yet".into()));
        }
        Ok(endpoint)
    }

    /// Begins to subscribe, and returns once a first probe has shown whether the topic reaches it, or takes too long.
    ///
    /// Whoever releases the instance must know of [`under_way`](Self::under_way) before that.
    pub(crate) async fn subscribe(&self) {
        let (looked, has_looked) = oneshot::channel();
        self.tasks.spawn(Arc::clone(&self.subscriber).run(self.stop.clone(), looked));
        // Where it takes longer it is reached directly for the moment.
        let _ = timeout(FIRST_LOOK, has_looked).await;
    }

    /// What is under way for this endpoint, also after it was dropped.
    pub(crate) fn under_way(&self) -> UnderWay {
        UnderWay { stop: self.stop.clone(), tasks: self.tasks.clone(), limit: self.drain_within }
    }

    /// Stops, and leaves what it has to whoever takes its place.
    pub(crate) async fn supersede(&self) {
        let mut has_nothing = self.has_nothing.lock().await;
        self.end().await;
        *has_nothing = true;
    }

    async fn end(&self) {
        self.stop();
        self.under_way().end().await;
    }

    /// Delivers one message; what the topic does not take goes to each queue by itself, and for a while nothing else is tried.
    async fn deliver(&self, message: EncodedMessage) -> Vec<Result<SendOutcome>> {
        if message.route != Route::Topic {
            return vec![self.outbox.post(message).await];
        }
        if !self.topic_fails.lasts() {
            match timeout(TOPIC_ANSWERS, self.outbox.post(message.clone())).await {
                Ok(Ok(outcome)) => return vec![Ok(outcome)],
                Ok(Err(BackendError::Closed)) => return vec![Err(BackendError::Closed)],
                Ok(Err(error)) => {
                    let error = &error as &dyn std::error::Error;
                    debug!(error, "the topic takes nothing for the moment");
                }
                // It may arrive yet, and then twice.
                Err(_) => debug!("the topic does not answer for the moment"),
            }
            self.topic_fails.begins();
        }
        join_all(message.straight().into_iter().map(|one| self.outbox.post(one))).await
    }

    fn stop(&self) {
        self.inbox.close();
        self.stop.cancel();
    }
}

#[async_trait]
impl Endpoint for QueueEndpoint {
    fn me(&self) -> InstanceId {
        self.me
    }

    /// By the topic while probes arrive, else directly; nowhere once it is closed.
    fn reach(&self) -> Reach {
        match (self.inbox.is_closed(), self.subscriber.is_reached()) {
            (true, _) => Reach::Nowhere,
            (false, true) => Reach::Topic,
            (false, false) => Reach::Direct,
        }
    }

    /// Tries all recipients whatever becomes of one, and fails where any of them did.
    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        if self.inbox.is_closed() {
            return Err(BackendError::Closed);
        }
        let messages = encoded::encode(to, message, &self.seal)?;
        let kind = messages.first().map(|message| message.kind);
        let outcomes = join_all(messages.into_iter().map(|message| self.deliver(message))).await;
        let outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
        if outcomes.iter().any(|outcome| matches!(outcome, Ok(SendOutcome::Sent)))
            && let Some(kind) = kind
        {
            meter::sent(kind);
        }
        let mut delivery = Delivery::default();
        for outcome in outcomes {
            if let SendOutcome::Gone(instance) = outcome? {
                delivery.gone.push(instance);
            }
        }
        Ok(delivery)
    }

    /// Fails while polls of the queue fail, every two seconds at least; polling goes on meanwhile. `Closed` where the
    /// queue is gone, too: somebody released the instance, or an operator deleted it. Whoever still lives connects
    /// again.
    async fn receive(&self) -> Result<Vec<BusMessage>> {
        self.inbox.take().await
    }

    /// Stops receiving, then removes the subscription and the queue. Takes seconds, open long polls included.
    ///
    /// When something could not be removed it says so; calling again tries again. When cancelled, likewise.
    async fn close(&self) -> Result<()> {
        self.stop();
        let mut has_nothing = self.has_nothing.lock().await;
        if *has_nothing {
            return Ok(());
        }
        self.end().await;
        self.resources.remove(self.me, self.subscriber.state()).await?;
        *has_nothing = true;
        Ok(())
    }
}

impl Drop for QueueEndpoint {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for QueueEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnsSqsEndpoint").field("me", &self.me).finish_non_exhaustive()
    }
}
