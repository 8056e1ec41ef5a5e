//! The dispatchers of an instance: at most one for each task, there for as long as it has something to do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a::TaskPushNotificationConfig;
use a2a_core::{TaskKey, Version};
use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::configs::{self, Wants};
use super::dispatcher::Dispatcher;
use super::shares::Shares;
use super::transport::WebhookTransport;
use crate::actor::{Actors, Deliveries};
use crate::ground::Ground;

/// All dispatchers of one instance, and what they share.
#[derive(Debug)]
pub(crate) struct Dispatchers {
    pub(super) ground: Arc<Ground>,
    pub(super) actors: Arc<Actors>,
    pub(super) transport: Option<Arc<dyn WebhookTransport>>,
    mailboxes: Mutex<HashMap<TaskKey, Arc<Mailbox>>>,
    left: Notify,
    made: AtomicU64,
    /// Who may call now.
    pub(super) shares: Arc<Shares>,
}

/// One dispatcher, as the rest of the instance sees it.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    /// Wakes the dispatcher.
    pub(super) wake: Arc<Notify>,
    /// How often it was called.
    calls: AtomicU64,
    /// It waits for nothing but webhooks that are away.
    is_away: AtomicBool,
}

impl Mailbox {
    /// How often the dispatcher was called.
    pub(super) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Acquire)
    }

    fn call(&self) {
        self.calls.fetch_add(1, Ordering::AcqRel);
        self.wake.notify_one();
    }
}

impl Dispatchers {
    pub(crate) fn new(actors: &Arc<Actors>, transport: Option<Arc<dyn WebhookTransport>>) -> Arc<Self> {
        let ground = Arc::clone(&actors.ground);
        Arc::new(Dispatchers {
            shares: Shares::new(&ground.config.webhooks),
            ground,
            actors: Arc::clone(actors),
            transport,
            mailboxes: Mutex::new(HashMap::new()),
            left: Notify::new(),
            made: AtomicU64::new(0),
        })
    }

    fn mailboxes(&self) -> MutexGuard<'_, HashMap<TaskKey, Arc<Mailbox>>> {
        self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tasks of all dispatchers.
    pub(crate) fn keys(&self) -> Vec<TaskKey> {
        self.mailboxes().keys().cloned().collect()
    }

    /// Tells whether a dispatcher attends to a task.
    pub(crate) fn attends_to(&self, key: &TaskKey) -> bool {
        self.mailboxes().contains_key(key)
    }

    /// Ends a dispatcher's service, unless it was called since it counted `served` calls.
    pub(super) fn dismiss(&self, key: &TaskKey, mailbox: &Mailbox, served: u64) -> bool {
        let mut mailboxes = self.mailboxes();
        if mailbox.calls() != served {
            return false;
        }
        mailboxes.remove(key);
        self.left.notify_waiters();
        true
    }

    /// Takes note of whether a dispatcher waits for nothing but webhooks that are away.
    pub(super) fn is_away(&self, mailbox: &Mailbox, is_away: bool) {
        if mailbox.is_away.swap(is_away, Ordering::AcqRel) != is_away && is_away {
            self.left.notify_waiters();
        }
    }

    /// Waits until no dispatcher is left but those that wait for webhooks which are away. Cancel safe.
    pub(crate) async fn drained(&self) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if self.mailboxes().values().all(|mailbox| mailbox.is_away.load(Ordering::Acquire)) {
                return;
            }
            left.await;
        }
    }

    /// Waits while this instance may have been declared dead, for then somebody else delivers.
    pub(super) async fn wait_for_life(&self) {
        // One that knows that it was evicted asks the store who delivers.
        let ground = &self.ground;
        while !ground.liveness.is_fresh(ground.config.lease) && !ground.stop.is_evicted() {
            sleep(ground.config.beat_interval).await;
        }
    }
}

#[async_trait]
impl Deliveries for Dispatchers {
    fn attend(self: Arc<Self>, key: &TaskKey) {
        attend(&self, key);
    }

    async fn save(self: Arc<Self>, key: &TaskKey, version: Version, config: TaskPushNotificationConfig) {
        match configs::save(&self.ground, key, config, Wants::Rest(version)).await {
            Ok(_) => attend(&self, key),
            Err(error) => {
                tracing::error!(task = %key, code = error.code, "a config that came with a message could not be saved");
            }
        }
    }
}

/// Sees to it that a dispatcher attends to a task and reads its configs again.
pub(crate) fn attend(dispatchers: &Arc<Dispatchers>, key: &TaskKey) {
    let mailbox = {
        let mut mailboxes = dispatchers.mailboxes();
        if let Some(mailbox) = mailboxes.get(key) {
            mailbox.call();
            return;
        }
        let mailbox = Arc::new(Mailbox::default());
        mailboxes.insert(key.clone(), Arc::clone(&mailbox));
        mailbox
    };
    let number = dispatchers.made.fetch_add(1, Ordering::Relaxed) + 1;
    let dispatcher = Dispatcher::new(dispatchers, key, number, mailbox);
    dispatchers.ground.tracker.spawn(dispatcher.serve());
}
