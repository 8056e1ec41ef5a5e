//! The reference bus: a queue per endpoint, the oldest message dropped where it is full.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use a2a_core::wire::Seal;
use a2a_core::{
    BackendError, BusMessage, Delivery, Endpoint, EventBus, InstanceId, Reach, Recipient, Result,
};
use async_trait::async_trait;
use tokio::sync::Notify;

/// The most messages that wait at an endpoint.
pub(crate) const BOUND: usize = 500;

/// Where endpoints meet. Clones are the same bus.
#[derive(Clone, Default)]
pub(crate) struct ReferenceBus(Arc<Mutex<BTreeMap<InstanceId, Arc<Queue>>>>);

/// The messages that wait at one endpoint.
#[derive(Default)]
pub(crate) struct Queue {
    pub(crate) messages: Mutex<VecDeque<BusMessage>>,
    pub(crate) changed: Notify,
}

impl Queue {
    /// Adds a message. Drops the oldest above the bound.
    pub(crate) fn push(&self, message: &BusMessage) {
        let mut messages = self.messages.lock().unwrap();
        messages.push_back(message.clone());
        if messages.len() > BOUND {
            messages.pop_front();
        }
        self.changed.notify_one();
    }
}

/// An endpoint.
pub(crate) struct ReferenceEndpoint {
    me: InstanceId,
    bus: ReferenceBus,
    pub(crate) queue: Arc<Queue>,
}

impl ReferenceBus {
    /// Opens an endpoint; whoever has one reads from the same queue.
    pub(crate) fn endpoint(&self, me: InstanceId) -> ReferenceEndpoint {
        let queue = Arc::clone(self.0.lock().unwrap().entry(me).or_default());
        ReferenceEndpoint { me, bus: self.clone(), queue }
    }

    /// Closes an endpoint, whoever it belongs to.
    pub(crate) fn remove(&self, who: InstanceId) {
        if let Some(queue) = self.0.lock().unwrap().remove(&who) {
            queue.changed.notify_one();
        }
    }

    /// Returns the queue of an open endpoint.
    pub(crate) fn queue(&self, of: InstanceId) -> Option<Arc<Queue>> {
        self.0.lock().unwrap().get(&of).cloned()
    }

    /// Returns everybody.
    pub(crate) fn everybody(&self) -> Vec<InstanceId> {
        self.0.lock().unwrap().keys().copied().collect()
    }
}

impl ReferenceEndpoint {
    /// Returns the bus.
    pub(crate) fn bus(&self) -> &ReferenceBus {
        &self.bus
    }

    /// Fails where this endpoint was closed.
    pub(crate) fn check_open(&self) -> Result<()> {
        self.bus.queue(self.me).map(drop).ok_or(BackendError::Closed)
    }
}

#[async_trait]
impl EventBus for ReferenceBus {
    async fn connect(&self, me: &InstanceId, _: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        Ok(Arc::new(self.endpoint(*me)))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.remove(*gone);
        Ok(())
    }
}

#[async_trait]
impl Endpoint for ReferenceEndpoint {
    fn me(&self) -> InstanceId {
        self.me
    }

    fn reach(&self) -> Reach {
        Reach::Topic
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        self.check_open()?;
        let mut delivery = Delivery::default();
        for recipient in to.iter().filter(|to| to.reach != Reach::Nowhere) {
            match self.bus.queue(recipient.instance) {
                Some(queue) => queue.push(message),
                None => delivery.gone.push(recipient.instance),
            }
        }
        Ok(delivery)
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        loop {
            let changed = self.queue.changed.notified();
            self.check_open()?;
            let messages: Vec<_> = self.queue.messages.lock().unwrap().drain(..).collect();
            if !messages.is_empty() {
                return Ok(messages);
            }
            changed.await;
        }
    }

    async fn close(&self) -> Result<()> {
        self.bus.remove(self.me);
        Ok(())
    }
}

impl fmt::Debug for ReferenceBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReferenceBus")
    }
}

impl fmt::Debug for ReferenceEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReferenceEndpoint({})", self.me)
    }
}
