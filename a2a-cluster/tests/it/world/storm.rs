//! Instances in weather that a test makes: they vanish, wake as zombies, and lose the store.

use std::sync::Arc;

use a2a_bus_memory::MemoryBus;
use a2a_cluster::{CallerResolver, ClusterBuilder, Config, SinglePrincipal};
use a2a_core::{InstanceId, StoredTask, TaskHead, TaskKey, TaskStore, Tenant};
use a2a_store_memory::MemoryStore;
use a2a_testkit::{FaultyBus, FaultyStore, Forecast, Weather};

use super::{Bus, Node, node};

pub(crate) struct Storm {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) weather: Weather,
    pub(crate) nodes: Vec<Node>,
    pub(crate) config: Config,
    bus: Bus,
    memory: Arc<MemoryBus>,
    callers: Arc<dyn CallerResolver>,
}

impl Storm {
    pub(crate) async fn with(instances: usize, bus: Bus, config: Config) -> Storm {
        Storm::calling(instances, bus, config, Arc::new(SinglePrincipal)).await
    }

    /// Starts instances that tell callers apart.
    pub(crate) async fn calling(
        instances: usize,
        bus: Bus,
        config: Config,
        callers: Arc<dyn CallerResolver>,
    ) -> Storm {
        let (store, memory) = (Arc::new(MemoryStore::new()), Arc::new(MemoryBus::new()));
        let mut storm =
            Storm { store, weather: Weather::calm(), nodes: Vec::new(), config, bus, memory, callers };
        for _ in 0..instances {
            let node = storm.join().await;
            storm.nodes.push(node);
        }
        storm
    }

    /// Starts one more instance.
    pub(crate) async fn join(&self) -> Node {
        let store = FaultyStore::new(self.store.clone(), self.weather.clone(), 1);
        let bus = self.bus.spoil(self.memory.clone(), 3);
        let bus = FaultyBus::new(bus, self.weather.clone(), 2);
        let prepare =
            |builder: ClusterBuilder| builder.config(self.config.clone()).callers(self.callers.clone());
        node(Arc::new(store), Arc::new(bus), prepare).await
    }

    /// Makes an instance vanish: none of its calls ends any more.
    pub(crate) fn crash(&self, id: InstanceId) {
        self.weather.freeze(id);
    }

    /// Takes the store away from everybody.
    pub(crate) fn store_goes(&self) {
        self.weather.set(Forecast { write_refused: 1.0, read_failed: 1.0, ..Forecast::calm() });
    }

    pub(crate) fn store_returns(&self) {
        self.weather.set(Forecast::calm());
    }

    /// Reads a task as the store has it, whatever the weather.
    pub(crate) async fn load(&self, id: &str) -> StoredTask {
        let key = TaskKey::new(Tenant::default(), id);
        self.store.load(&key).await.unwrap().unwrap()
    }

    pub(crate) async fn head(&self, id: &str) -> TaskHead {
        self.load(id).await.head
    }
}
