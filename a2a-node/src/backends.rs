//! The store and the bus that the instances of this process share.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_memory::{MemoryBus, MemoryHub};
use a2a_cluster::Config as Pace;
use a2a_core::{BackendError, EventBus, InstanceId, Membership, Store};
use a2a_store_memory::{Config, MemoryStore};

use crate::aws::{self, Caretaker, Endpoints, OpenError};

/// What to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Store and bus within this process.
    Memory,
    /// What all processes of a cluster share.
    Aws(OnAws),
}

/// A table, and a topic with queues where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OnAws {
    /// The table's name.
    pub(crate) table: String,
    /// The topic's ARN. Without one, only the instances of this process tell each other what is new.
    pub(crate) topic_arn: Option<String>,
    /// What the queues' names begin with.
    pub(crate) queue_prefix: String,
    /// For how long finished tasks are kept; `None` for ever.
    pub(crate) task_retention: Option<Duration>,
    /// How far apart the commits of a running task are.
    pub(crate) commit_spacing: Duration,
}

/// Backends that are open, ready for any number of instances.
#[derive(Debug, Clone)]
pub(crate) struct Backends {
    /// Where tasks and push configs are kept.
    pub(crate) store: Arc<dyn Store>,
    /// Where members are kept.
    pub(crate) members: Arc<dyn Membership>,
    /// How they reach each other.
    pub(crate) bus: Bus,
    /// Who removes what dead instances leave outside of the store, where there is such a place.
    pub(crate) caretaker: Option<Arc<Caretaker>>,
}

/// How instances reach each other.
#[derive(Debug, Clone)]
pub(crate) enum Bus {
    /// Within this process.
    Memory(MemoryHub),
    /// Over a topic and queues.
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "a build without AWS has none"))]
    SnsSqs(Arc<Endpoints>),
}

impl Backends {
    /// Opens what was chosen.
    ///
    /// # Errors
    ///
    /// An [`OpenError`] that an operator can act on; backends in memory never fail.
    pub(crate) async fn open(choice: Choice, pace: &Pace) -> Result<Self, OpenError> {
        match choice {
            Choice::Memory => Ok(Self::in_memory()),
            Choice::Aws(place) => aws::open(place, pace).await,
        }
    }

    /// Opens backends in memory.
    pub(crate) fn in_memory() -> Self {
        Self::of_memory(MemoryStore::new())
    }

    /// Opens backends in memory that keep every commit of a few tasks, so that one can count them afterwards.
    pub(crate) fn keeping_whole_logs() -> Self {
        let config = Config::default().log_commits(100_000).log_bytes(64 * 1024 * 1024);
        Self::of_memory(MemoryStore::with_config(config))
    }

    fn of_memory(store: MemoryStore) -> Self {
        let store = Arc::new(store);
        Self { store: store.clone(), members: store, bus: Bus::Memory(MemoryBus::hub()), caretaker: None }
    }

    /// Opens an instance's end of the bus. `label` names the instance for people.
    ///
    /// # Errors
    ///
    /// As the bus says; a bus in memory never fails.
    pub(crate) async fn bus(&self, me: InstanceId, label: &str) -> Result<Arc<dyn EventBus>, BackendError> {
        match &self.bus {
            Bus::Memory(hub) => Ok(Arc::new(hub.endpoint(me))),
            Bus::SnsSqs(endpoints) => endpoints.open(me, label).await,
        }
    }

    /// Looks now and then for what dead instances left behind. Never ends; cancel safe.
    pub(crate) async fn sweep(self) {
        match self.caretaker {
            Some(caretaker) => caretaker.sweep().await,
            None => std::future::pending().await,
        }
    }

    /// Once all instances of this process have left: removes what dead instances have left behind, if nobody else is
    /// there to do so. Takes no longer than it takes to tell the dead from the living.
    pub(crate) async fn farewell(&self) {
        if let Some(caretaker) = &self.caretaker {
            caretaker.farewell().await;
        }
    }
}
