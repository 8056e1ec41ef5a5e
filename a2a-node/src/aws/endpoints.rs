//! An endpoint on the topic for each instance.

use std::sync::Arc;

use a2a_bus_snssqs::{Clients, Config, Deployment, SnsSqsBus};
use a2a_core::{EventBus, InstanceId, Result, SystemAmbient};

/// Makes endpoints of one deployment.
#[derive(Debug)]
pub(crate) struct Endpoints {
    clients: Clients,
    deployment: Deployment,
}

impl Endpoints {
    /// Prepares endpoints. Calls nothing.
    pub(crate) fn new(clients: Clients, deployment: Deployment) -> Self {
        Self { clients, deployment }
    }

    /// Makes an instance's queue and subscription.
    ///
    /// # Errors
    ///
    /// As [`SnsSqsBus::open`].
    pub(crate) async fn open(&self, me: InstanceId) -> Result<Arc<dyn EventBus>> {
        let config = Config::new(self.deployment.clone(), me);
        let bus = Box::pin(SnsSqsBus::open(self.clients.clone(), config, Arc::new(SystemAmbient))).await?;
        Ok(Arc::new(bus))
    }
}
