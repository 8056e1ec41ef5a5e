//! One instance as its clients see it: a name, a transport, and the calls that the demo makes.

use std::sync::Arc;

use a2a::{
    A2AError, CancelTaskRequest, GetTaskRequest, ListTasksRequest, ListTasksResponse, Message, Part, Role,
    SendMessageRequest, SendMessageResponse, StreamResponse, SubscribeToTaskRequest, Task,
};
use a2a_client::agent_card::AgentCardResolver;
use a2a_client::jsonrpc::JsonRpcTransportFactory;
use a2a_client::rest::RestTransportFactory;
use a2a_client::{A2AClient, A2AClientFactory, Transport};
use a2a_core::InstanceId;
use futures::stream::BoxStream;

/// A stream as the SDK's client hands it out.
pub(crate) type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

/// One instance and a client that talks to no other.
pub(crate) struct Peer {
    /// What the timeline calls it.
    pub(crate) name: &'static str,
    /// Its identity in the cluster.
    pub(crate) id: InstanceId,
    /// The binding that its client speaks.
    pub(crate) binding: &'static str,
    client: A2AClient<Box<dyn Transport>>,
}

impl Peer {
    /// Fetches the instance's card and connects the way it says, by the given binding.
    ///
    /// # Errors
    ///
    /// What the SDK's client says when the card cannot be had or names no such binding.
    pub(crate) async fn connect(
        name: &'static str,
        id: InstanceId,
        base_url: &str,
        binding: &'static str,
    ) -> Result<Self, A2AError> {
        let http = loopback_client()?;
        let card = AgentCardResolver::new(Some(http.clone())).resolve(base_url).await?;
        let factory = A2AClientFactory::builder()
            .no_defaults()
            .register(Arc::new(JsonRpcTransportFactory::new(Some(http.clone()))))
            .register(Arc::new(RestTransportFactory::new(Some(http))))
            .preferred_bindings(vec![binding.to_owned()])
            .build();
        let client = factory.create_from_card(&card).await?;
        Ok(Self { name, id, binding, client })
    }

    /// Sends a text and returns the stream of its turn; `task` makes it a follow-up.
    pub(crate) async fn stream(&self, text: &str, task: Option<&Task>) -> Result<Events, A2AError> {
        self.client.send_streaming_message(&request(text, task)).await
    }

    /// Sends a text and waits for the end of its turn.
    pub(crate) async fn send(&self, text: &str) -> Result<Task, A2AError> {
        match self.client.send_message(&request(text, None)).await? {
            SendMessageResponse::Task(task) => Ok(task),
            SendMessageResponse::Message(_) => Err(A2AError::internal("a message where a task was due")),
        }
    }

    /// Subscribes to a task.
    pub(crate) async fn subscribe(&self, task: &str) -> Result<Events, A2AError> {
        self.client.subscribe_to_task(&SubscribeToTaskRequest { id: task.to_owned(), tenant: None }).await
    }

    /// Reads a task.
    pub(crate) async fn get(&self, task: &str) -> Result<Task, A2AError> {
        let request = GetTaskRequest { id: task.to_owned(), history_length: None, tenant: None };
        self.client.get_task(&request).await
    }

    /// Lists the tasks of a context.
    pub(crate) async fn list(&self, context: &str) -> Result<ListTasksResponse, A2AError> {
        let request = ListTasksRequest {
            context_id: Some(context.to_owned()),
            status: None,
            page_size: None,
            page_token: None,
            history_length: None,
            status_timestamp_after: None,
            include_artifacts: None,
            tenant: None,
        };
        self.client.list_tasks(&request).await
    }

    /// Cancels a task.
    pub(crate) async fn cancel(&self, task: &str) -> Result<Task, A2AError> {
        let request = CancelTaskRequest { id: task.to_owned(), metadata: None, tenant: None };
        self.client.cancel_task(&request).await
    }
}

fn request(text: &str, task: Option<&Task>) -> SendMessageRequest {
    let message = Message {
        task_id: task.map(|task| task.id.clone()),
        context_id: task.map(|task| task.context_id.clone()),
        ..Message::new(Role::User, vec![Part::text(text)])
    };
    SendMessageRequest { message, configuration: None, metadata: None, tenant: None }
}

/// Makes an HTTP client that works on a machine with a proxy set: it only meets loopback.
fn loopback_client() -> Result<reqwest::Client, A2AError> {
    reqwest::Client::builder().no_proxy().build().map_err(|error| A2AError::internal(error.to_string()))
}
