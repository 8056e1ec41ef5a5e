//! This instance's end of the bus: made in the background, and made again when it breaks.
//!
//! A bus is a hint, so nobody waits for it: an instance that has no endpoint yet serves all the same. Its member
//! record and its `Watch` messages tell others how it is reached.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use a2a_core::{BusMessage, Delivery, Endpoint, EventBus, InstanceId, Reach, Recipient, Result};
use tokio::sync::Notify;

use crate::bus_loop;
use crate::error::Chain;
use crate::instance::Instance;
use crate::retry::{bounded, jittered};

/// The endpoint of an instance, as far as there is one.
#[derive(Debug)]
pub(crate) struct Connection {
    bus: Option<Arc<dyn EventBus>>,
    endpoint: RwLock<Option<Arc<dyn Endpoint>>>,
    reach: Mutex<Reach>,
    reach_changed: Notify,
}

impl Connection {
    /// Begins without an endpoint; stays so where there is no bus.
    pub(crate) fn new(bus: Option<Arc<dyn EventBus>>) -> Self {
        Connection { bus, endpoint: RwLock::new(None), reach: Mutex::default(), reach_changed: Notify::new() }
    }

    fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        self.endpoint.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn replace(&self, endpoint: Option<Arc<dyn Endpoint>>) {
        *self.endpoint.write().unwrap_or_else(PoisonError::into_inner) = endpoint;
        self.look();
    }

    /// Tells whether there is a bus at all.
    pub(crate) fn has_bus(&self) -> bool {
        self.bus.is_some()
    }

    /// Tells whether there is an endpoint now.
    pub(crate) fn is_connected(&self) -> bool {
        self.endpoint().is_some()
    }

    /// How others reach this instance, as it was last looked at.
    pub(crate) fn reach(&self) -> Reach {
        *self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at how others reach this instance now, and tells those who follow it where that has changed.
    pub(crate) fn look(&self) -> Reach {
        let reach = self.endpoint().map_or(Reach::Nowhere, |endpoint| endpoint.reach());
        let before =
            std::mem::replace(&mut *self.reach.lock().unwrap_or_else(PoisonError::into_inner), reach);
        if before != reach {
            self.reach_changed.notify_waiters();
        }
        reach
    }

    /// Completes when others reach this instance in another way than when this was called. Cancel safe.
    pub(crate) fn reach_changed(&self) -> impl Future<Output = ()> + Send + '_ {
        self.reach_changed.notified()
    }

    /// Removes what a dead instance left on the bus.
    pub(crate) async fn release(&self, gone: &InstanceId) -> Result<()> {
        match &self.bus {
            Some(bus) => bus.release(gone).await,
            None => Ok(()),
        }
    }

    /// Closes the endpoint; removes what connecting may have left where it was not finished. Idempotent.
    pub(crate) async fn close(&self, me: &InstanceId) -> Result<()> {
        match self.endpoint() {
            Some(endpoint) => {
                endpoint.close().await?;
                self.replace(None);
                Ok(())
            }
            None => self.release(me).await,
        }
    }
}

impl Instance {
    /// Sends a message to others. Without an endpoint it goes nowhere, as a bus may lose anything.
    pub(crate) async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        let Some(endpoint) = self.connection.endpoint() else { return Ok(Delivery::default()) };
        let sent = endpoint.send(to, message).await;
        match &sent {
            Ok(_) => self.meters.sent(&message.news),
            Err(_) => self.meters.bus_failures.increment(1),
        }
        sent
    }
}

/// Connects, and receives for as long as the endpoint lives; again and again, until the instance closes.
pub(crate) async fn keep_connected(instance: Arc<Instance>) {
    let Some(bus) = instance.connection.bus.clone() else { return };
    let connected = async {
        loop {
            let endpoint = connect(&instance, &*bus).await;
            tracing::info!(instance = %instance.id, "the bus is connected");
            instance.connection.replace(Some(Arc::clone(&endpoint)));
            instance.health.bus.succeeded();
            instance.meters.bus_connected.set(1.0);
            bus_loop::receive(&instance, &*endpoint).await;
            instance.connection.replace(None);
            instance.meters.bus_connected.set(0.0);
            // An endpoint that closes as soon as it is made must not make this loop spin.
            tokio::time::sleep(instance.config.retry_min).await;
        }
    };
    // The endpoint stays in its place, for whoever closes it.
    let _: Option<()> = instance.closing.run_until_cancelled(connected).await;
}

/// For how many lease times connecting may go unanswered: it may take long, but a call that hangs must not be the last.
const LEASES_TO_CONNECT: u32 = 8;

/// Connects, however long that takes.
async fn connect(instance: &Instance, bus: &dyn EventBus) -> Arc<dyn Endpoint> {
    let mut pause = instance.config.retry_min;
    loop {
        let limit = instance.config.lease * LEASES_TO_CONNECT;
        match bounded(limit, bus.connect(&instance.id, &instance.seal)).await {
            Ok(endpoint) => return endpoint,
            Err(error) => {
                instance.health.bus.failed(instance.config.unready_after);
                instance.meters.bus_failures.increment(1);
                tracing::warn!(
                    error = %Chain(&error),
                    "the bus cannot be connected yet; streams of tasks that run elsewhere lag"
                );
                tokio::time::sleep(jittered(&*instance.env, pause)).await;
                // Many instances that start at once must not come back at once.
                pause = (pause * 2).min(instance.config.beat_interval);
            }
        }
    }
}
