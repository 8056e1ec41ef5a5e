//! This instance's end of the bus: made in the background, and made again when it breaks.
//!
//! A bus is a hint, so nobody waits for it: an instance that has no endpoint yet serves all the same. Its member
//! record and its `Watch` messages tell others how it is reached.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use a2a_core::{Endpoint, EventBus, InstanceId, Reach, Result};
use tokio::sync::Notify;

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

    pub(super) fn endpoint(&self) -> Option<Arc<dyn Endpoint>> {
        self.endpoint.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another endpoint in place of the one before.
    pub(crate) fn replace(&self, endpoint: Option<Arc<dyn Endpoint>>) {
        *self.endpoint.write().unwrap_or_else(PoisonError::into_inner) = endpoint;
        self.look();
    }

    /// The bus, if there is one.
    pub(crate) fn bus(&self) -> Option<&Arc<dyn EventBus>> {
        self.bus.as_ref()
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
