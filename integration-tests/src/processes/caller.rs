//! A client of the cluster: the SDK's own, by one binding, through the load balancer.

use std::sync::{Arc, Mutex, PoisonError};

use a2a::{A2AError, AgentCard, Message, SVC_PARAM_EXTENSIONS, SendMessageRequest, StreamResponse, Task};
use a2a_client::ServiceParams;
use a2a_client::middleware::CallInterceptor;
use a2a_cluster::resume;
use async_trait::async_trait;

use a2a_testworld::client::connect;
use a2a_testworld::world::{Events, get, request, subscribe};
use a2a_testworld::{Binding, Client};

/// One client.
pub struct Caller {
    client: Client,
    cursor: Option<Cursor>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

impl Caller {
    /// A client that knows a card, the protocol, and nothing else.
    ///
    /// # Errors
    ///
    /// Those of the SDK.
    pub async fn plain(card: &AgentCard, binding: Binding) -> Result<Self, A2AError> {
        Ok(Caller { client: connect(card, binding, None).await?, cursor: None })
    }

    /// A client that asks for cursors, and subscribes again where its last stream broke off.
    ///
    /// # Errors
    ///
    /// Those of the SDK.
    pub async fn resuming(card: &AgentCard, binding: Binding) -> Result<Self, A2AError> {
        let cursor = Cursor::default();
        let client = connect(card, binding, Some(Arc::new(cursor.clone()))).await?;
        Ok(Caller { client, cursor: Some(cursor) })
    }

    /// Sends a message and returns the stream of its turn.
    ///
    /// # Errors
    ///
    /// Those of the SDK.
    pub(super) async fn send(&self, message: &Message) -> Result<Events, A2AError> {
        let request = SendMessageRequest { message: message.clone(), ..request("") };
        self.client.send_streaming_message(&request).await
    }

    /// Subscribes to a task; one that resumes, from the last event that it saw.
    ///
    /// # Errors
    ///
    /// Those of the SDK.
    pub async fn subscribe(&self, task: &str) -> Result<Events, A2AError> {
        self.client.subscribe_to_task(&subscribe(task)).await
    }

    /// Reads a task.
    ///
    /// # Errors
    ///
    /// Those of the SDK.
    pub async fn get(&self, task: &str) -> Result<Task, A2AError> {
        self.client.get_task(&get(task)).await
    }

    /// Remembers how far a stream came, where the client resumes.
    pub(super) fn saw(&self, event: &StreamResponse) {
        if let (Some(cursor), Some(text)) = (&self.cursor, cursor_of(event)) {
            cursor.set(text);
        }
    }

    /// Tells whether the client resumes.
    pub fn resumes(&self) -> bool {
        self.cursor.is_some()
    }
}

/// The last position that a client saw, which it names when it subscribes.
#[derive(Debug, Clone, Default)]
struct Cursor(Arc<Mutex<Option<String>>>);

impl Cursor {
    fn set(&self, text: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }
}

#[async_trait]
impl CallInterceptor for Cursor {
    async fn before(&self, method: &str, params: &mut ServiceParams) -> Result<(), A2AError> {
        params.insert(SVC_PARAM_EXTENSIONS.to_owned(), vec![resume::URI.to_owned()]);
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let (a2a::methods::SUBSCRIBE_TO_TASK, Some(seen)) = (method, seen) {
            params.insert(resume::CURSOR_PARAM.to_owned(), vec![seen]);
        }
        Ok(())
    }
}

fn cursor_of(event: &StreamResponse) -> Option<String> {
    let metadata = match event {
        StreamResponse::Task(task) => &task.metadata,
        StreamResponse::Message(message) => &message.metadata,
        StreamResponse::StatusUpdate(update) => &update.metadata,
        StreamResponse::ArtifactUpdate(update) => &update.metadata,
    };
    Some(metadata.as_ref()?.get(resume::URI)?.get("cursor")?.as_str()?.to_owned())
}
