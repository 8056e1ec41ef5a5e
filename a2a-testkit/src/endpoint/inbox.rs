//! One endpoint under test: sends numbered messages, and knows which have arrived.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::wire::Seal;
use a2a_core::{
    BusMessage, Delivery, Endpoint, EventBus, InstanceId, Keys, News, Reach, Recipient, TaskKey, Tenant,
    Version,
};
use tokio::time::timeout;

use crate::BusFixture;
use crate::expect::{persist, within};
use crate::sample::instance;

/// An endpoint and all that it has received so far.
pub(crate) struct Inbox {
    pub(crate) endpoint: Arc<dyn Endpoint>,
    pub(crate) seen: Vec<BusMessage>,
    patience: Duration,
    silence: Duration,
}

/// Connects an instance, with the keys that all instances of a deployment share.
pub(crate) async fn connect(bus: &dyn EventBus, me: InstanceId) -> Arc<dyn Endpoint> {
    let seal = Arc::new(Seal::new(Keys::first([7; 32])));
    let endpoint = persist(|| bus.connect(&me, &seal)).await;
    assert_eq!(endpoint.me(), me, "whose endpoint it is");
    endpoint
}

impl Inbox {
    /// Connects a new instance on a handle of its own.
    pub(crate) async fn open(fixture: &dyn BusFixture) -> Self {
        Inbox::of(fixture, connect(&*fixture.bus().await, instance()).await)
    }

    /// Reads from an endpoint.
    pub(crate) fn of(fixture: &dyn BusFixture, endpoint: Arc<dyn Endpoint>) -> Self {
        Inbox { endpoint, seen: Vec::new(), patience: fixture.patience(), silence: fixture.silence() }
    }

    pub(crate) fn id(&self) -> InstanceId {
        self.endpoint.me()
    }

    /// Makes the message with this number. The numbers keep messages apart.
    pub(crate) fn message(&self, number: u64) -> BusMessage {
        let task = TaskKey::new(Tenant::default(), number.to_string());
        let news = News::Watch { after: Version::new(number), reach: Reach::Direct };
        BusMessage { from: self.id(), task, news, trace: None }
    }

    /// Sends to live instances, directly.
    pub(crate) async fn send(&self, to: &[InstanceId], message: &BusMessage) {
        assert_eq!(self.deliver(to, message).await, Delivery::default(), "of a send to live instances");
    }

    /// Sends to live instances.
    pub(crate) async fn send_as(&self, to: &[Recipient], message: &BusMessage) {
        assert_eq!(self.deliver_as(to, message).await, Delivery::default(), "of a send to live instances");
    }

    /// Sends to whomever, directly.
    pub(crate) async fn deliver(&self, to: &[InstanceId], message: &BusMessage) -> Delivery {
        let to: Vec<_> = to.iter().copied().map(Recipient::direct).collect();
        self.deliver_as(&to, message).await
    }

    async fn deliver_as(&self, to: &[Recipient], message: &BusMessage) -> Delivery {
        let sending = persist(|| self.endpoint.send(to, message));
        let delivery = within(self.patience, "a send", sending).await;
        let is_recipient = |gone: &InstanceId| to.iter().any(|to| to.instance == *gone);
        assert!(delivery.gone.iter().all(is_recipient), "gone, but not among the recipients");
        delivery
    }

    /// Receives until this message has arrived.
    pub(crate) async fn await_message(&mut self, message: &BusMessage) {
        if !self.seen.contains(message) {
            let what = format!("{} of {:?}", message.news.kind(), message.task);
            let patience = self.patience;
            within(patience, &what, self.receive_until(|seen| seen.contains(message))).await;
        }
    }

    /// Receives until `enough` says so.
    pub(crate) async fn receive_until(&mut self, enough: impl Fn(&[BusMessage]) -> bool) {
        while !enough(&self.seen) {
            let messages = persist(|| self.endpoint.receive()).await;
            assert!(!messages.is_empty(), "receive returned without a message");
            self.seen.extend(messages);
        }
    }

    /// Receives until it has been quiet for a while.
    pub(crate) async fn drain(&mut self) {
        while let Ok(messages) = timeout(self.silence, persist(|| self.endpoint.receive())).await {
            assert!(!messages.is_empty(), "receive returned without a message");
            self.seen.extend(messages);
        }
    }

    /// Asserts that nothing but these messages has come, or comes within a while.
    pub(crate) async fn expect_only(&mut self, allowed: &[BusMessage]) {
        self.drain().await;
        for message in &self.seen {
            assert!(allowed.contains(message), "a message meant for another: {:?}", message.news.kind());
        }
    }
}
