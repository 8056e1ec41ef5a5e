//! Instances in one process, on one thread, called without a network.

use std::sync::Arc;

use a2a::{
    A2AError, AgentCapabilities, AgentCard, Message, Part, Role, SendMessageRequest, StreamResponse,
    SubscribeToTaskRequest,
};
use a2a_bus_memory::MemoryBus;
use a2a_cluster::BusState;
use a2a_cluster::{Cluster, ClusterHandler};
use a2a_core::EventBus;
use a2a_server::{RequestHandler, ServiceParams};
use a2a_store_memory::MemoryStore;
use futures::stream::{BoxStream, StreamExt};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use super::agent::Chatty;

pub(crate) type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

pub(crate) struct World {
    pub(crate) handlers: Vec<Arc<ClusterHandler>>,
    /// What agents wait for that are told to.
    pub(crate) go: Arc<Semaphore>,
    _clusters: Vec<Cluster>,
}

/// A runtime whose clock moves only when everybody waits for it.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime needs nothing")
}

impl World {
    pub(crate) async fn new(instances: usize, wrap: impl Fn(MemoryBus) -> Arc<dyn EventBus>) -> Self {
        let (store, memory, go) =
            (Arc::new(MemoryStore::new()), MemoryBus::new(), Arc::new(Semaphore::new(0)));
        let mut clusters = Vec::new();
        for _ in 0..instances {
            let agent = Arc::new(Chatty(Arc::clone(&go)));
            let builder = Cluster::builder(agent, card()).store(store.clone()).bus(wrap(memory.clone()));
            clusters.push(builder.start().await.expect("memory is there"));
        }
        while !clusters.iter().all(|one| one.readiness().bus() == BusState::Connected) {
            tokio::task::yield_now().await;
        }
        World { handlers: clusters.iter().map(Cluster::handler).collect(), go, _clusters: clusters }
    }

    /// Begins a task of so many chunks that waits for its readers; returns its stream and its id.
    pub(crate) async fn begin(&self, chunks: usize) -> (Events, String) {
        let request = ask(&format!("{chunks} waiting"));
        let mut events =
            self.handlers[0].send_streaming_message(&params(), request).await.expect("it streams");
        match events.next().await {
            Some(Ok(StreamResponse::Task(task))) => (events, task.id),
            other => panic!("a stream begins with a task: {other:?}"),
        }
    }

    pub(crate) async fn subscribe(&self, instance: usize, task: &str) -> Events {
        let request = SubscribeToTaskRequest { id: task.to_owned(), tenant: None };
        let mut events =
            self.handlers[instance].subscribe_to_task(&params(), request).await.expect("it goes on");
        events.next().await;
        events
    }
}

pub(crate) async fn drain(events: Events) -> usize {
    events.filter(|event| std::future::ready(event.is_ok())).count().await
}

pub(crate) fn request(chunks: usize) -> SendMessageRequest {
    ask(&chunks.to_string())
}

fn ask(text: &str) -> SendMessageRequest {
    let message = Message::new(Role::User, vec![Part::text(text)]);
    SendMessageRequest { message, configuration: None, metadata: None, tenant: None }
}

pub(crate) fn params() -> ServiceParams {
    ServiceParams::from([("a2a-version".to_owned(), vec!["1.0".to_owned()])])
}

fn card() -> AgentCard {
    AgentCard {
        name: "chatty".into(),
        description: "says chunks".into(),
        version: "1".into(),
        supported_interfaces: vec![],
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: None,
            extended_agent_card: None,
            extensions: None,
        },
        default_input_modes: vec!["text/plain".into()],
        default_output_modes: vec!["text/plain".into()],
        skills: vec![],
        provider: None,
        documentation_url: None,
        icon_url: None,
        security_schemes: None,
        security_requirements: None,
        signatures: None,
    }
}
