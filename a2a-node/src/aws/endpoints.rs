//! An endpoint on the topic for each instance.

use std::sync::Arc;

use a2a_bus_snssqs::{Clients, Config, Deployment, SnsSqsBus};
use a2a_core::{BackendError, Beat, EventBus, InstanceId, Member, MemberState, Result, SystemEnv};

use super::caretaker::Caretaker;

/// Makes endpoints of one deployment.
#[derive(Debug)]
pub(crate) struct Endpoints {
    clients: Clients,
    deployment: Deployment,
    caretaker: Arc<Caretaker>,
}

impl Endpoints {
    /// Prepares endpoints. Calls nothing.
    pub(super) fn new(clients: Clients, deployment: Deployment, caretaker: Arc<Caretaker>) -> Self {
        Self { clients, deployment, caretaker }
    }

    /// Makes an instance's queue and subscription.
    ///
    /// The instance joins first, so that there is no moment in which a process that dies leaves a queue that no
    /// record leads to.
    ///
    /// # Errors
    ///
    /// As [`SnsSqsBus::open`] and [`Membership::beat`](a2a_core::Membership::beat).
    pub(crate) async fn open(&self, me: InstanceId, label: &str) -> Result<Arc<dyn EventBus>> {
        let joining = Member { id: me, beat: 0, state: MemberState::Serving, label: Some(label.to_owned()) };
        let members = &self.caretaker.members;
        if members.beat(&joining).await? == Beat::Evicted {
            return Err(BackendError::rejected("a member of this id was there before"));
        }
        let config = Config::new(self.deployment.clone(), me);
        match Box::pin(SnsSqsBus::open(self.clients.clone(), config, Arc::new(SystemEnv))).await {
            Ok(bus) => {
                let bus: Arc<dyn EventBus> = Arc::new(bus);
                self.caretaker.is_ours(me, &bus);
                Ok(bus)
            }
            Err(error) => {
                if let Err(left) = members.remove(&me).await {
                    tracing::warn!(error = %left, "an instance that has no queue leaves its membership record");
                }
                Err(error)
            }
        }
    }
}
