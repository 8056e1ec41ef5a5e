//! Instances in one process and in virtual time, all of whose calls are counted.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_memory::{MemoryBus, MemoryBusConfig};
use a2a_cluster::BusState;
use a2a_cluster::{Cluster, ClusterHandler, Config};
use a2a_core::Membership;
use a2a_serve::HttpWebhooks;
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use a2a_testkit::{ScriptedAgent, SeededEnv};
use futures::future::{join_all, try_join_all};
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::bus::CountedBus;
use super::counted::Counted;
use super::counters::{Counters, Counts};
use crate::Error;
use crate::hearing::{Stream, begin, join, read};
use crate::script::GO;
use crate::server::ours;

/// As many messages as one call to SQS brings.
const RECEIVED_AT_ONCE: usize = 10;
/// Nothing here is to be forgotten, nor any message dropped: what is counted is what was caused.
const PLENTY: usize = 1 << 40;

pub(super) struct Fleet {
    instances: Vec<Instance>,
    counters: Counters,
    agent: ScriptedAgent,
    store: Arc<MemoryStore>,
    bus: MemoryBus,
    env: SeededEnv,
    config: Config,
    /// Whether push notifications are declared, and there is what calls webhooks.
    is_hooked: bool,
}

struct Instance {
    cluster: Cluster,
    handler: Arc<ClusterHandler>,
    dead: CancellationToken,
}

/// Instances that only do what they are asked to.
fn silent() -> Config {
    let never = Duration::from_secs(365 * 24 * 3600);
    Config::default().beat_interval(never).lease(never * 4)
}

impl Fleet {
    /// Instances that beat and observe each other as they do by default.
    pub(super) async fn alive(instances: usize) -> Result<Self, Error> {
        Fleet::start(instances, Config::default(), false).await
    }

    /// Instances that only do what they are asked to.
    pub(super) async fn quiet(instances: usize) -> Result<Self, Error> {
        Fleet::start(instances, silent(), false).await
    }

    /// Instances that only do what they are asked to, and would call webhooks.
    pub(super) async fn hooked(instances: usize) -> Result<Self, Error> {
        Fleet::start(instances, silent(), true).await
    }

    async fn start(instances: usize, config: Config, is_hooked: bool) -> Result<Self, Error> {
        let keep_all =
            MemoryStoreConfig::default().finished_tasks(PLENTY).log_commits(PLENTY).log_bytes(PLENTY);
        let mut fleet = Fleet {
            instances: Vec::new(),
            counters: Counters::default(),
            agent: ScriptedAgent::default(),
            store: Arc::new(MemoryStore::with_config(keep_all)),
            bus: MemoryBus::with_config(
                MemoryBusConfig::default().queue_messages(PLENTY).batch_messages(RECEIVED_AT_ONCE),
            ),
            env: SeededEnv::new(1),
            config,
            is_hooked,
        };
        fleet.instances = try_join_all((0..instances).map(|_| fleet.instance())).await?;
        let is_connected = |one: &Instance| one.cluster.readiness().bus() == BusState::Connected;
        while !fleet.instances.iter().all(is_connected) {
            yield_now().await;
        }
        Ok(fleet)
    }

    async fn instance(&self) -> Result<Instance, Error> {
        let env = Arc::new(self.env.fork());
        let (counters, dead) = (self.counters.clone(), CancellationToken::new());
        let bus = CountedBus { bus: self.bus.clone(), counters: counters.clone(), dead: dead.clone() };
        let store = Counted { store: Arc::clone(&self.store), counters, dead: dead.clone() };
        let agent = Arc::new(self.agent.clone());
        let builder = if self.is_hooked {
            Cluster::builder(agent, ours::hooked_card()).webhooks(Arc::new(HttpWebhooks::new()))
        } else {
            Cluster::builder(agent, ours::card())
        };
        let cluster = builder
            .store(Arc::new(store))
            .bus(Arc::new(bus))
            .env(env)
            .config(self.config.clone())
            .start()
            .await?;
        Ok(Instance { handler: cluster.handler(), cluster, dead })
    }

    pub(super) fn counts(&self) -> Counts {
        self.counters.counts()
    }

    /// Whether so many members live, and nothing is left to take over from any other; looked up without being
    /// counted.
    pub(super) async fn has_recovered(&self, living: usize) -> Result<bool, Error> {
        let (gone, live): (Vec<_>, Vec<_>) = self
            .store
            .roster(None, usize::MAX)
            .await?
            .into_iter()
            .partition(|member| member.state.is_final());
        for member in &gone {
            if !self.store.executing(&member.id, None).await?.tasks.is_empty() {
                return Ok(false);
            }
        }
        Ok(live.len() == living)
    }

    /// Tasks that streams read on an instance, and agents that run there.
    pub(super) fn held(&self, number: usize) -> Result<usize, Error> {
        let instance = self.instances.get(number).ok_or("there are fewer instances")?;
        Ok(instance.cluster.streaming() + instance.cluster.running())
    }

    /// Lets agents go on that wait for it.
    pub(super) fn go(&self) {
        self.agent.latches().open(GO);
    }

    /// Has an agent play a script, and returns the task's id and its stream.
    pub(super) async fn send(&self, number: usize, script: &str) -> Result<(String, Stream), Error> {
        begin(self.handler(number)?, script).await
    }

    /// Opens a stream of a task.
    pub(super) async fn subscribe(&self, number: usize, task: &str) -> Result<Stream, Error> {
        join(self.handler(number)?, task).await
    }

    fn handler(&self, number: usize) -> Result<&Arc<ClusterHandler>, Error> {
        Ok(&self.instances.get(number).ok_or("there are fewer instances")?.handler)
    }

    /// Kills the first instances between two instructions.
    pub(super) fn kill(&self, count: usize) {
        self.instances.iter().take(count).for_each(|instance| instance.dead.cancel());
    }

    /// Lets the first instances leave, all at once.
    pub(super) async fn leave(&self, count: usize) {
        let leaving = self.instances.iter().take(count);
        join_all(leaving.map(|instance| instance.cluster.shutdown(Duration::ZERO))).await;
    }
}

/// Reads streams to their ends, and returns how many events came.
pub(super) async fn read_all(streams: impl IntoIterator<Item = Stream>) -> Result<Vec<usize>, Error> {
    try_join_all(streams.into_iter().map(read)).await
}
