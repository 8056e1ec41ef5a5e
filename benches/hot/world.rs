//! Instances in one process, on one thread, called without a network.

use std::cell::Cell;
use std::sync::Arc;

use a2a::{AgentCard, SendMessageRequest, StreamResponse};
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{BusState, Cluster};
use a2a_core::EventBus;
use a2a_store_memory::MemoryStore;
use a2a_testkit::ScriptedAgent;
use a2a_testworld::world::{self, Events, Node};
use futures::stream::StreamExt;
use tokio::runtime::{Builder, Runtime};

/// What a chunk says.
const TEXT: &str = "prose:120";

pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    agent: ScriptedAgent,
    /// How many tasks were begun: each waits at a latch of its own.
    begun: Cell<usize>,
}

/// A runtime whose clock moves only when everybody waits for it.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime needs nothing")
}

impl World {
    pub(crate) async fn new(instances: usize, wrap: impl Fn(MemoryBus) -> Arc<dyn EventBus>) -> Self {
        World::hooked(instances, wrap, false).await
    }

    /// Instances that declare push notifications and would call webhooks, or do not.
    pub(crate) async fn hooked(
        instances: usize,
        wrap: impl Fn(MemoryBus) -> Arc<dyn EventBus>,
        is_hooked: bool,
    ) -> Self {
        let (store, memory) = (Arc::new(MemoryStore::new()), MemoryBus::new());
        let agent = ScriptedAgent::default();
        let mut clusters = Vec::new();
        for _ in 0..instances {
            let agent = agent.clone();
            let builder = Cluster::builder(Arc::new(agent), card(is_hooked));
            let builder = builder.store(store.clone()).bus(wrap(memory.clone()));
            let builder = if is_hooked { builder.webhooks(world::webhooks()) } else { builder };
            clusters.push(builder.start().await.expect("memory is there"));
        }
        while !clusters.iter().all(|one| one.readiness().bus() == BusState::Connected) {
            tokio::task::yield_now().await;
        }
        let nodes = clusters.into_iter().map(Node::of).collect();
        World { nodes, agent, begun: Cell::new(0) }
    }

    /// Begins a task of so many chunks that waits for its readers; returns its stream and its id.
    pub(crate) async fn begin(&self, chunks: usize) -> (Events, String) {
        self.begun.set(self.begun.get() + 1);
        let script = format!("work; latch {}; talk {chunks} 0 {TEXT}; done", self.begun.get());
        let mut events = self.nodes[0].stream(&script).await;
        match events.next().await {
            Some(Ok(StreamResponse::Task(task))) => (events, task.id),
            other => panic!("a stream begins with a task: {other:?}"),
        }
    }

    /// Lets the task go on that was begun last.
    pub(crate) fn go(&self) {
        self.agent.latches().open(&self.begun.get().to_string());
    }

    pub(crate) async fn subscribe(&self, instance: usize, task: &str) -> Events {
        let mut events = self.nodes[instance].subscribe(task).await.expect("it goes on");
        events.next().await;
        events
    }
}

pub(crate) async fn drain(events: Events) -> usize {
    events.filter(|event| std::future::ready(event.is_ok())).count().await
}

pub(crate) fn request(chunks: usize) -> SendMessageRequest {
    world::request(&format!("work; talk {chunks} 0 {TEXT}; done"))
}

fn card(is_hooked: bool) -> AgentCard {
    let mut card = a2a_testkit::card("chatty");
    card.capabilities.push_notifications = is_hooked.then_some(true);
    card
}
