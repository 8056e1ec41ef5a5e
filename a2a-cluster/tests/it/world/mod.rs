//! Several instances in one process, for the cluster's own tests.

pub(crate) mod agent;
pub(crate) mod bus;
pub(crate) mod checked;
pub(crate) mod counting;
pub(crate) mod script;
pub(crate) mod storm;

use std::sync::Arc;
use std::time::Duration;

use a2a::{
    A2AError, AgentCapabilities, AgentCard, CancelTaskRequest, GetTaskRequest, Message, Part, Role,
    SendMessageConfiguration, SendMessageRequest, SendMessageResponse, StreamResponse,
    SubscribeToTaskRequest, Task, TaskState,
};
use a2a_bus_memory::MemoryBus;
use a2a_cluster::telemetry::BusState;
use a2a_cluster::{Cluster, ClusterBuilder, ClusterHandler, Config};
use a2a_core::{EventBus, Store};
use a2a_server::{RequestHandler, ServiceParams};
use a2a_store_memory::MemoryStore;
use futures::StreamExt;
use futures::stream::BoxStream;

pub(crate) use bus::on_every_bus;
pub(crate) use bus::{Bus, about};

pub(crate) type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

pub(crate) struct World {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) nodes: Vec<Node>,
}

pub(crate) struct Node {
    pub(crate) cluster: Cluster,
    pub(crate) handler: Arc<ClusterHandler>,
}

pub(crate) fn card() -> AgentCard {
    AgentCard {
        name: "test".into(),
        description: "an agent for tests".into(),
        version: "1".into(),
        supported_interfaces: vec![],
        capabilities: AgentCapabilities {
            streaming: Some(true),
            push_notifications: Some(true),
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

impl World {
    pub(crate) async fn new(instances: usize, bus: Bus) -> World {
        World::with(instances, bus, quick()).await
    }

    pub(crate) async fn with(instances: usize, bus: Bus, config: Config) -> World {
        World::build(instances, bus, |builder| builder.config(config.clone())).await
    }

    pub(crate) async fn build(
        instances: usize,
        bus: Bus,
        prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
    ) -> World {
        World::start(instances, bus, MemoryStore::new(), |bus| bus, prepare).await
    }

    /// Starts instances over a store of one's own.
    pub(crate) async fn keeping(instances: usize, bus: Bus, store: MemoryStore) -> World {
        let prepare = |builder: ClusterBuilder| builder.config(quick());
        World::start(instances, bus, store, |bus| bus, prepare).await
    }

    /// Starts instances over a store of one's own, with other durations and bounds.
    pub(crate) async fn tuned(instances: usize, bus: Bus, store: MemoryStore, config: Config) -> World {
        World::start(instances, bus, store, |bus| bus, |builder| builder.config(config.clone())).await
    }

    /// Starts instances whose buses are wrapped.
    pub(crate) async fn over(
        instances: usize,
        bus: Bus,
        config: Config,
        wrap: impl Fn(Arc<dyn EventBus>) -> Arc<dyn EventBus>,
    ) -> World {
        let prepare = |builder: ClusterBuilder| builder.config(config.clone());
        World::start(instances, bus, MemoryStore::new(), wrap, prepare).await
    }

    async fn start(
        instances: usize,
        bus: Bus,
        store: MemoryStore,
        wrap: impl Fn(Arc<dyn EventBus>) -> Arc<dyn EventBus>,
        prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
    ) -> World {
        let store = Arc::new(store);
        let memory = Arc::new(MemoryBus::new());
        let mut nodes = Vec::new();
        for n in 0..instances {
            let bus = wrap(bus.spoil(memory.clone(), n as u64));
            nodes.push(node(store.clone(), bus, &prepare).await);
        }
        World { store, nodes }
    }

    pub(crate) fn on(&self, n: usize) -> &ClusterHandler {
        &self.nodes[n].handler
    }

    pub(crate) async fn shutdown(self) {
        for node in &self.nodes {
            node.cluster.shutdown(Duration::from_millis(100)).await;
        }
    }
}

/// The default durations, shortened so that tests which wait for them do not take long.
pub(crate) fn quick() -> Config {
    let mut config = Config::default();
    config.resync_after = Duration::from_millis(10);
    config.silence_min = Duration::from_millis(30);
    config.silence_max = Duration::from_millis(100);
    config.cancel_repeat = Duration::from_millis(20);
    config.cancel_patience = Duration::from_millis(300);
    config.cancel_grace = Duration::from_millis(300);
    config
}

/// Starts an instance, and waits until it is connected to the bus.
pub(crate) async fn node(
    store: Arc<dyn Store>,
    bus: Arc<dyn EventBus>,
    prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
) -> Node {
    let builder = Cluster::builder(Arc::new(agent::Scripted), card()).store(store).bus(bus);
    let cluster = prepare(builder).start().await.unwrap();
    eventually("the bus is connected", || async { cluster.readiness().bus() == BusState::Connected }).await;
    let handler = cluster.handler();
    Node { cluster, handler }
}

pub(crate) fn params() -> ServiceParams {
    ServiceParams::from([("a2a-version".to_owned(), vec!["1.0".to_owned()])])
}

pub(crate) fn message(text: &str) -> Message {
    Message::new(Role::User, vec![Part::text(text)])
}

pub(crate) fn request(text: &str) -> SendMessageRequest {
    SendMessageRequest { message: message(text), configuration: None, metadata: None, tenant: None }
}

pub(crate) fn follow_up(task: &Task, text: &str) -> SendMessageRequest {
    let mut request = request(text);
    request.message.task_id = Some(task.id.clone());
    request.message.context_id = Some(task.context_id.clone());
    request
}

impl Node {
    /// Sends a message and waits for the turn to end.
    pub(crate) async fn send(&self, text: &str) -> Task {
        expect_task(self.handler.send_message(&params(), request(text)).await.unwrap())
    }

    /// Sends a request, and returns what it is answered.
    pub(crate) async fn ask(&self, request: SendMessageRequest) -> Result<SendMessageResponse, A2AError> {
        self.handler.send_message(&params(), request).await
    }

    /// Sends a message and returns once the task exists.
    pub(crate) async fn start(&self, text: &str) -> Task {
        let mut request = request(text);
        request.configuration = at_once();
        expect_task(self.handler.send_message(&params(), request).await.unwrap())
    }

    pub(crate) async fn stream(&self, text: &str) -> Events {
        self.handler.send_streaming_message(&params(), request(text)).await.unwrap()
    }

    pub(crate) async fn subscribe(&self, id: &str) -> Result<Events, A2AError> {
        let request = SubscribeToTaskRequest { id: id.to_owned(), tenant: None };
        self.handler.subscribe_to_task(&params(), request).await
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Task, A2AError> {
        let request = GetTaskRequest { id: id.to_owned(), history_length: None, tenant: None };
        self.handler.get_task(&params(), request).await
    }

    pub(crate) async fn cancel(&self, id: &str) -> Result<Task, A2AError> {
        let request = CancelTaskRequest { id: id.to_owned(), metadata: None, tenant: None };
        self.handler.cancel_task(&params(), request).await
    }
}

pub(crate) fn at_once() -> Option<SendMessageConfiguration> {
    Some(SendMessageConfiguration {
        accepted_output_modes: None,
        task_push_notification_config: None,
        history_length: None,
        return_immediately: Some(true),
    })
}

pub(crate) fn expect_task(response: SendMessageResponse) -> Task {
    match response {
        SendMessageResponse::Task(task) => task,
        SendMessageResponse::Message(message) => panic!("a message instead of a task: {message:?}"),
    }
}

/// Reads a stream to its end; fails if it does not come soon.
pub(crate) async fn drain(events: Events) -> Vec<StreamResponse> {
    let all = events.map(|event| event.unwrap()).collect();
    tokio::time::timeout(Duration::from_secs(30), all).await.expect("the stream should have ended")
}

/// A stream's events folded: what a client that only saw the stream believes.
pub(crate) fn fold(events: &[StreamResponse]) -> Task {
    let Some(StreamResponse::Task(first)) = events.first() else {
        panic!("a stream begins with a task: {:?}", events.first())
    };
    let mut task = first.clone();
    for event in &events[1..] {
        assert!(!matches!(event, StreamResponse::Task(_)), "a task comes first and once");
        a2a_core::reduce::apply(&mut task, event);
    }
    task
}

/// The last state that a stream showed, also where it fell behind and began with the task anew.
pub(crate) fn last_state(events: &[StreamResponse]) -> Option<TaskState> {
    events.iter().rev().find_map(a2a_core::reduce::state_of).cloned()
}

/// The texts of a task's artifacts, chunk by chunk.
pub(crate) fn texts(task: &Task) -> Vec<&str> {
    task.artifacts.iter().flatten().flat_map(|artifact| &artifact.parts).filter_map(Part::as_text).collect()
}

pub(crate) fn state(task: &Task) -> TaskState {
    task.status.state.clone()
}

/// What two views of a task must agree on. Streams do not repeat the history.
pub(crate) fn visible(task: &Task) -> (TaskState, Vec<String>) {
    (state(task), texts(task).into_iter().map(str::to_owned).collect())
}

/// Waits until something is true; fails if it does not become so soon.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !check().await {
        assert!(tokio::time::Instant::now() < deadline, "{what} should have become true");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The request for all tasks.
pub(crate) fn list() -> a2a::ListTasksRequest {
    a2a::ListTasksRequest {
        context_id: None,
        status: None,
        page_size: None,
        page_token: None,
        history_length: None,
        status_timestamp_after: None,
        include_artifacts: None,
        tenant: None,
    }
}

impl World {
    /// Reads a task as the store has it.
    pub(crate) async fn load(&self, id: &str) -> a2a_core::StoredTask {
        let key = a2a_core::TaskKey::new(a2a_core::Tenant::default(), id);
        a2a_core::TaskStore::load(&*self.store, &key).await.unwrap().unwrap()
    }

    /// How many instances watch a task.
    pub(crate) async fn watchers(&self, id: &str) -> usize {
        let key = a2a_core::TaskKey::new(a2a_core::Tenant::default(), id);
        a2a_core::TaskStore::watchers(&*self.store, &key).await.unwrap().len()
    }
}
