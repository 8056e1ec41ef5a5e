//! The reference bus: a queue per endpoint, the oldest message dropped where it is full.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use a2a_core::{BackendError, BusMessage, Delivery, EventBus, InstanceId, Result};
use async_trait::async_trait;
use tokio::sync::Notify;

/// The most messages that wait at an endpoint.
pub(crate) const BOUND: usize = 500;

/// Where endpoints meet.
#[derive(Clone, Default)]
pub(crate) struct ReferenceHub(Arc<Mutex<BTreeMap<InstanceId, Arc<Queue>>>>);

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
pub(crate) struct ReferenceBus {
    me: InstanceId,
    hub: ReferenceHub,
    pub(crate) queue: Arc<Queue>,
}

impl ReferenceHub {
    /// Opens an endpoint.
    pub(crate) fn endpoint(&self, me: InstanceId) -> ReferenceBus {
        let queue = Arc::new(Queue::default());
        self.0.lock().unwrap().insert(me, Arc::clone(&queue));
        ReferenceBus { me, hub: self.clone(), queue }
    }

    /// Finds an open endpoint's queue.
    pub(crate) fn queue(&self, of: InstanceId) -> Option<Arc<Queue>> {
        self.0.lock().unwrap().get(&of).cloned()
    }

    /// Lists all open endpoints.
    pub(crate) fn everybody(&self) -> Vec<InstanceId> {
        self.0.lock().unwrap().keys().copied().collect()
    }
}

impl ReferenceBus {
    /// Returns the hub.
    pub(crate) fn hub(&self) -> &ReferenceHub {
        &self.hub
    }

    /// Fails where this endpoint was closed.
    pub(crate) fn check_open(&self) -> Result<()> {
        self.hub.queue(self.me).map(drop).ok_or(BackendError::Closed)
    }
}

#[async_trait]
impl EventBus for ReferenceBus {
    fn me(&self) -> InstanceId {
        self.me
    }

    async fn send(&self, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        self.check_open()?;
        let mut delivery = Delivery::default();
        for recipient in to {
            match self.hub.queue(*recipient) {
                Some(queue) => queue.push(message),
                None => delivery.gone.push(*recipient),
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
        self.hub.0.lock().unwrap().remove(&self.me);
        self.queue.changed.notify_one();
        Ok(())
    }
}

impl std::fmt::Debug for ReferenceBus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReferenceBus({})", self.me)
    }
}
