//! Queues by their names: which are not usable yet, and which names are blocked.

use std::collections::HashMap;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::weather::call;
use crate::weather::endpoint::Head;

/// A queue of an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Queue {
    account: String,
    pub(super) name: String,
}

impl Queue {
    /// The queue that a request names, by its URL or its name.
    pub(super) fn of(head: &Head, request: &Map<String, Value>) -> Option<Self> {
        let text = |member: &str| request.get(member).and_then(Value::as_str);
        let name = text("QueueUrl").and_then(|url| url.rsplit('/').next()).or_else(|| text("QueueName"))?;
        Some(Queue { account: call::access_key(&head.headers), name: name.to_owned() })
    }

    /// Whether its messages stay in order and come once, which the weather leaves as it is.
    pub(super) fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }
}

/// What names are waiting for.
#[derive(Debug, Default)]
pub(super) struct Names {
    usable: HashMap<Queue, Instant>,
    blocked: HashMap<Queue, Instant>,
}

impl Names {
    pub(super) fn created(&mut self, queue: Queue, usable: Instant) {
        self.usable.insert(queue, usable);
    }

    pub(super) fn deleted(&mut self, queue: Queue, free: Instant) {
        self.usable.remove(&queue);
        self.blocked.insert(queue, free);
    }

    pub(super) fn is_usable(&mut self, queue: &Queue, now: Instant) -> bool {
        self.usable.retain(|_, usable| *usable > now);
        !self.usable.contains_key(queue)
    }

    pub(super) fn is_blocked(&mut self, queue: &Queue, now: Instant) -> bool {
        self.blocked.retain(|_, free| *free > now);
        self.blocked.contains_key(queue)
    }

    pub(super) fn all_are_usable(&mut self) {
        self.usable.clear();
    }

    pub(super) fn none_is_blocked(&mut self) {
        self.blocked.clear();
    }
}
