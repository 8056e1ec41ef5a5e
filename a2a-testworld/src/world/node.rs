//! One instance, called without a network, as a client would call it.

use std::fmt;
use std::sync::Arc;

use a2a::{A2AError, AgentCard, SendMessageRequest, SendMessageResponse, Task};
use a2a_cluster::{BusState, Cluster, ClusterBuilder, ClusterHandler, WebhookTransport};
use a2a_core::{EventBus, InstanceId, Store};
use a2a_serve::HttpWebhooks;
use a2a_server::{AgentExecutor, RequestHandler};
use a2a_testkit::{ScriptedAgent, Weather};

use super::reading::{Events, eventually, expect_task};
use super::request::{at_once, cancel, get, params, request, subscribe};

/// A running instance, on the caller's runtime.
pub struct Node {
    /// The instance.
    pub cluster: Cluster,
    /// What serves its requests.
    pub handler: Arc<ClusterHandler>,
    /// The weather of its backends only, besides that of all.
    pub weather: Weather,
    /// The id that it started with: it has another one once it was evicted.
    pub first_id: InstanceId,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.cluster.id()).finish_non_exhaustive()
    }
}

/// The card of every instance.
pub fn card() -> AgentCard {
    a2a_testkit::card("scripted")
}

/// Posts push notifications to public addresses.
pub fn webhooks() -> Arc<dyn WebhookTransport> {
    Arc::new(HttpWebhooks::new())
}

/// Posts push notifications to this machine, too.
pub fn local_webhooks() -> Arc<dyn WebhookTransport> {
    Arc::new(HttpWebhooks::allowing_local())
}

/// Starts an instance of the scripted agent, and waits until it is connected to the bus.
///
/// # Panics
///
/// When it does not start.
pub async fn node(
    store: Arc<dyn Store>,
    bus: Arc<dyn EventBus>,
    prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
) -> Node {
    node_of(Arc::new(ScriptedAgent::default()), store, bus, prepare).await
}

/// Starts an instance of an agent, and waits until it is connected to the bus.
///
/// # Panics
///
/// When it does not start.
pub async fn node_of(
    agent: Arc<dyn AgentExecutor>,
    store: Arc<dyn Store>,
    bus: Arc<dyn EventBus>,
    prepare: impl Fn(ClusterBuilder) -> ClusterBuilder,
) -> Node {
    let builder = Cluster::builder(agent, card()).webhooks(webhooks()).store(store).bus(bus);
    let cluster = prepare(builder).start().await.unwrap();
    eventually("the bus is connected", || async { cluster.readiness().bus() == BusState::Connected }).await;
    Node::of(cluster)
}

impl Node {
    /// Calls an instance that was started elsewhere.
    pub fn of(cluster: Cluster) -> Self {
        Node { handler: cluster.handler(), weather: Weather::calm(), first_id: cluster.id(), cluster }
    }

    /// Sends a message and waits for the turn to end.
    ///
    /// # Panics
    ///
    /// When it is refused or is answered with a bare message.
    pub async fn send(&self, text: &str) -> Task {
        expect_task(self.handler.send_message(&params(), request(text)).await.unwrap())
    }

    /// Sends a request, and returns what it is answered.
    ///
    /// # Errors
    ///
    /// As it is answered.
    pub async fn ask(&self, request: SendMessageRequest) -> Result<SendMessageResponse, A2AError> {
        self.handler.send_message(&params(), request).await
    }

    /// Sends a message and returns once the task exists.
    ///
    /// # Panics
    ///
    /// As [`Node::send`].
    pub async fn start(&self, text: &str) -> Task {
        let mut request = request(text);
        request.configuration = at_once();
        expect_task(self.handler.send_message(&params(), request).await.unwrap())
    }

    /// Sends a message and streams its turn.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub async fn stream(&self, text: &str) -> Events {
        self.handler.send_streaming_message(&params(), request(text)).await.unwrap()
    }

    /// Subscribes to a task.
    ///
    /// # Errors
    ///
    /// As it is answered.
    pub async fn subscribe(&self, id: &str) -> Result<Events, A2AError> {
        self.handler.subscribe_to_task(&params(), subscribe(id)).await
    }

    /// Reads a task.
    ///
    /// # Errors
    ///
    /// As it is answered.
    pub async fn get(&self, id: &str) -> Result<Task, A2AError> {
        self.handler.get_task(&params(), get(id)).await
    }

    /// Cancels a task.
    ///
    /// # Errors
    ///
    /// As it is answered.
    pub async fn cancel(&self, id: &str) -> Result<Task, A2AError> {
        self.handler.cancel_task(&params(), cancel(id)).await
    }
}
