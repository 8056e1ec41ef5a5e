//! The couriers of an instance: at most one per task, each there for as long as it has something to do.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a::TaskPushNotificationConfig;
use a2a_core::{TaskKey, Version};
use async_trait::async_trait;
use tokio::sync::{Notify, Semaphore};
use tokio::time::sleep;

use super::configs;
use super::courier::Courier;
use super::transport::WebhookTransport;
use crate::actor::{Actors, Deliveries};
use crate::ground::Ground;

/// All couriers of one instance, and what they share.
#[derive(Debug)]
pub(crate) struct Couriers {
    pub(super) ground: Arc<Ground>,
    pub(super) actors: Arc<Actors>,
    pub(super) transport: Option<Arc<dyn WebhookTransport>>,
    posts: Mutex<HashMap<TaskKey, Arc<Post>>>,
    left: Notify,
    made: AtomicU64,
    /// One permit for each call under way.
    pub(super) calls: Semaphore,
}

/// One courier, as the rest of the instance sees it.
#[derive(Debug, Default)]
pub(super) struct Post {
    /// Wakes the courier.
    pub(super) wake: Arc<Notify>,
    orders: Mutex<Orders>,
}

#[derive(Debug, Default)]
struct Orders {
    /// How often the courier was called.
    calls: u64,
    /// Webhooks that were given up are to be tried again.
    anew: bool,
}

impl Post {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often the courier was called.
    pub(super) fn calls(&self) -> u64 {
        self.orders().calls
    }

    /// How often the courier was called; and whether webhooks that were given up are to be tried again.
    pub(super) fn take_calls(&self) -> (u64, bool) {
        let mut orders = self.orders();
        (orders.calls, std::mem::take(&mut orders.anew))
    }

    fn call(&self, anew: bool) {
        let mut orders = self.orders();
        orders.calls += 1;
        orders.anew |= anew;
        drop(orders);
        self.wake.notify_one();
    }
}

impl Couriers {
    pub(crate) fn new(actors: &Arc<Actors>, transport: Option<Arc<dyn WebhookTransport>>) -> Arc<Self> {
        let ground = Arc::clone(&actors.ground);
        let at_once = ground.config.webhooks.concurrency.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Couriers {
            ground,
            actors: Arc::clone(actors),
            transport,
            posts: Mutex::new(HashMap::new()),
            left: Notify::new(),
            made: AtomicU64::new(0),
            calls: Semaphore::new(at_once),
        })
    }

    fn posts(&self) -> MutexGuard<'_, HashMap<TaskKey, Arc<Post>>> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The tasks of all couriers.
    pub(crate) fn keys(&self) -> Vec<TaskKey> {
        self.posts().keys().cloned().collect()
    }

    /// Tells whether a courier attends to a task.
    pub(crate) fn attends_to(&self, key: &TaskKey) -> bool {
        self.posts().contains_key(key)
    }

    /// Ends a courier's service, unless it was called since it counted `served` calls.
    pub(super) fn dismiss(&self, key: &TaskKey, post: &Post, served: u64) -> bool {
        let mut posts = self.posts();
        if post.calls() != served {
            return false;
        }
        posts.remove(key);
        self.left.notify_waiters();
        true
    }

    /// Waits until no courier is left. Cancel safe.
    pub(crate) async fn drained(&self) {
        loop {
            let left = self.left.notified();
            tokio::pin!(left);
            left.as_mut().enable();
            if self.posts().is_empty() {
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
impl Deliveries for Couriers {
    fn attend(self: Arc<Self>, key: &TaskKey) {
        attend(&self, key);
    }

    async fn save(self: Arc<Self>, key: &TaskKey, version: Version, config: TaskPushNotificationConfig) {
        match configs::save(&self.ground, key, config, version).await {
            Ok(_) => attend(&self, key),
            Err(error) => {
                tracing::error!(task = %key, code = error.code, "a config that came with a message could not be saved");
            }
        }
    }
}

/// Sees to it that a courier attends to a task, reads its configs again, and tries again those webhooks that
/// were given up.
pub(crate) fn attend(couriers: &Arc<Couriers>, key: &TaskKey) {
    call(couriers, key, true);
}

/// Sees to it that a courier attends to a task and reads its configs again.
pub(super) fn look_again(couriers: &Arc<Couriers>, key: &TaskKey) {
    call(couriers, key, false);
}

fn call(couriers: &Arc<Couriers>, key: &TaskKey, anew: bool) {
    let post = {
        let mut posts = couriers.posts();
        if let Some(post) = posts.get(key) {
            post.call(anew);
            return;
        }
        let post = Arc::new(Post::default());
        posts.insert(key.clone(), Arc::clone(&post));
        post
    };
    let number = couriers.made.fetch_add(1, Ordering::Relaxed) + 1;
    let courier = Courier::new(couriers, key, number, post);
    couriers.ground.tracker.spawn(courier.serve());
}
