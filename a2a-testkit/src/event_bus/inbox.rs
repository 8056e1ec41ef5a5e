//! One endpoint under test: sends numbered messages, and knows which have arrived.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{BusMessage, Delivery, EventBus, InstanceId, News, TaskKey, Tenant, Version};
use tokio::time::timeout;

use crate::BusFixture;
use crate::expect::{persist, within};

/// An endpoint and all that it has received so far.
pub(super) struct Inbox {
    pub(super) bus: Arc<dyn EventBus>,
    pub(super) seen: Vec<BusMessage>,
    patience: Duration,
    silence: Duration,
}

impl Inbox {
    pub(super) async fn open(fixture: &dyn BusFixture) -> Self {
        let bus = fixture.endpoint().await;
        Inbox { bus, seen: Vec::new(), patience: fixture.patience(), silence: fixture.silence() }
    }

    pub(super) fn id(&self) -> InstanceId {
        self.bus.me()
    }

    /// Makes the message with this number. The numbers keep messages apart.
    pub(super) fn message(&self, number: u64) -> BusMessage {
        let task = TaskKey::new(Tenant::default(), number.to_string());
        BusMessage { from: self.id(), task, news: News::Watch(Version::new(number)), trace: None }
    }

    /// Sends to live instances.
    pub(super) async fn send(&self, to: &[InstanceId], message: &BusMessage) {
        assert_eq!(self.deliver(to, message).await, Delivery::default(), "of a send to live instances");
    }

    /// Sends to whomever.
    pub(super) async fn deliver(&self, to: &[InstanceId], message: &BusMessage) -> Delivery {
        let sending = persist(|| self.bus.send(to, message));
        let delivery = within(self.patience, "a send", sending).await;
        assert!(delivery.gone.iter().all(|gone| to.contains(gone)), "gone, but not among the recipients");
        delivery
    }

    /// Receives until this message has arrived.
    pub(super) async fn await_message(&mut self, message: &BusMessage) {
        if !self.seen.contains(message) {
            let what = format!("{} of {:?}", message.news.kind(), message.task);
            let patience = self.patience;
            within(patience, &what, self.receive_until(|seen| seen.contains(message))).await;
        }
    }

    /// Receives until `enough` says so.
    pub(super) async fn receive_until(&mut self, enough: impl Fn(&[BusMessage]) -> bool) {
        while !enough(&self.seen) {
            let messages = persist(|| self.bus.receive()).await;
            assert!(!messages.is_empty(), "receive returned without a message");
            self.seen.extend(messages);
        }
    }

    /// Receives until it has been quiet for a while.
    pub(super) async fn drain(&mut self) {
        while let Ok(messages) = timeout(self.silence, persist(|| self.bus.receive())).await {
            assert!(!messages.is_empty(), "receive returned without a message");
            self.seen.extend(messages);
        }
    }

    /// Asserts that nothing but these messages has come, or comes within a while.
    pub(super) async fn expect_only(&mut self, allowed: &[BusMessage]) {
        self.drain().await;
        for message in &self.seen {
            assert!(allowed.contains(message), "a message meant for another: {:?}", message.news.kind());
        }
    }
}
