//! A handler that writes down what it was asked and answers what it was told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use a2a::*;
use a2a_server::RequestHandler;
use a2a_server::middleware::ServiceParams;
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use serde::Serialize;
use serde_json::Value;

/// One call that reached the handler.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: &'static str,
    pub(crate) request: Value,
    pub(crate) params: ServiceParams,
}

#[derive(Debug, Default)]
pub(crate) struct Recorder {
    seen: Mutex<Vec<Seen>>,
    failure: Mutex<Option<A2AError>>,
    failing_stream: Mutex<Option<A2AError>>,
    endless_streams: bool,
    /// How much of streams that say more and more was asked for, in bytes.
    talk: Option<Arc<AtomicUsize>>,
    /// Held by each of them.
    open_streams: Arc<()>,
}

type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

impl Recorder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn with_endless_streams() -> Arc<Self> {
        Arc::new(Self { endless_streams: true, ..Self::default() })
    }

    /// Streams say more as long as somebody listens.
    pub(crate) fn with_talkative_streams() -> Arc<Self> {
        Arc::new(Self { talk: Some(Arc::default()), ..Self::default() })
    }

    /// How many bytes talkative streams were asked for.
    pub(crate) fn said(&self) -> usize {
        self.talk.as_ref().map_or(0, |said| said.load(Ordering::Relaxed))
    }

    /// From now on every call fails with `error`.
    pub(crate) fn fail_with(&self, error: A2AError) {
        *self.failure.lock().unwrap() = Some(error);
    }

    /// From now on every stream is one task and then `error`.
    pub(crate) fn fail_streams_with(&self, error: A2AError) {
        *self.failing_stream.lock().unwrap() = Some(error);
    }

    /// How many endless streams are open.
    pub(crate) fn open_streams(&self) -> usize {
        Arc::strong_count(&self.open_streams) - 1
    }

    /// What has been asked since the last look.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    fn record(
        &self,
        method: &'static str,
        params: &ServiceParams,
        request: &impl Serialize,
    ) -> Result<(), A2AError> {
        let request = serde_json::to_value(request).unwrap();
        self.seen.lock().unwrap().push(Seen { method, request, params: params.clone() });
        match &*self.failure.lock().unwrap() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn events(&self) -> Events {
        let mut events = vec![Ok(StreamResponse::Task(task()))];
        events.extend(self.failing_stream.lock().unwrap().clone().map(Err));
        let events = stream::iter(events);
        if let Some(said) = self.talk.clone() {
            let more = stream::repeat_with(move || {
                said.fetch_add(SENTENCE, Ordering::Relaxed);
                Ok(sentence())
            });
            return events.chain(more).boxed();
        }
        if !self.endless_streams {
            return events.boxed();
        }
        let open = Arc::clone(&self.open_streams);
        let held = move |event| {
            let _open = &open;
            event
        };
        events.chain(stream::pending()).map(held).boxed()
    }
}

/// How many bytes a talkative stream says at a time.
const SENTENCE: usize = 1024;

fn sentence() -> StreamResponse {
    let Task { id, context_id, status, .. } = task();
    let message = Message::new(Role::Agent, vec![Part::text("x".repeat(SENTENCE))]);
    let status = TaskStatus { message: Some(message), ..status };
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent { task_id: id, context_id, status, metadata: None })
}

pub(crate) fn task() -> Task {
    Task {
        id: "t1".into(),
        context_id: "c1".into(),
        status: TaskStatus { state: TaskState::Working, message: None, timestamp: None },
        artifacts: None,
        history: None,
        metadata: None,
    }
}

pub(crate) fn card() -> AgentCard {
    a2a_testkit::card("recorder")
}

fn config(task_id: &str) -> TaskPushNotificationConfig {
    TaskPushNotificationConfig {
        url: "https://example.com".into(),
        id: Some("p1".into()),
        task_id: task_id.into(),
        token: None,
        authentication: None,
        tenant: None,
    }
}

#[async_trait]
impl RequestHandler for Recorder {
    async fn send_message(
        &self,
        params: &ServiceParams,
        request: SendMessageRequest,
    ) -> Result<SendMessageResponse, A2AError> {
        self.record("send_message", params, &request)?;
        Ok(SendMessageResponse::Task(task()))
    }

    async fn send_streaming_message(
        &self,
        params: &ServiceParams,
        request: SendMessageRequest,
    ) -> Result<Events, A2AError> {
        self.record("send_streaming_message", params, &request)?;
        Ok(self.events())
    }

    async fn get_task(&self, params: &ServiceParams, request: GetTaskRequest) -> Result<Task, A2AError> {
        self.record("get_task", params, &request)?;
        Ok(task())
    }

    async fn list_tasks(
        &self,
        params: &ServiceParams,
        request: ListTasksRequest,
    ) -> Result<ListTasksResponse, A2AError> {
        self.record("list_tasks", params, &request)?;
        Ok(ListTasksResponse {
            tasks: vec![task()],
            next_page_token: String::new(),
            page_size: 50,
            total_size: 1,
        })
    }

    async fn cancel_task(
        &self,
        params: &ServiceParams,
        request: CancelTaskRequest,
    ) -> Result<Task, A2AError> {
        self.record("cancel_task", params, &request)?;
        Ok(task())
    }

    async fn subscribe_to_task(
        &self,
        params: &ServiceParams,
        request: SubscribeToTaskRequest,
    ) -> Result<Events, A2AError> {
        self.record("subscribe_to_task", params, &request)?;
        Ok(self.events())
    }

    async fn create_push_config(
        &self,
        params: &ServiceParams,
        request: TaskPushNotificationConfig,
    ) -> Result<TaskPushNotificationConfig, A2AError> {
        self.record("create_push_config", params, &request)?;
        Ok(request)
    }

    async fn get_push_config(
        &self,
        params: &ServiceParams,
        request: GetTaskPushNotificationConfigRequest,
    ) -> Result<TaskPushNotificationConfig, A2AError> {
        self.record("get_push_config", params, &request)?;
        Ok(config(&request.task_id))
    }

    async fn list_push_configs(
        &self,
        params: &ServiceParams,
        request: ListTaskPushNotificationConfigsRequest,
    ) -> Result<ListTaskPushNotificationConfigsResponse, A2AError> {
        self.record("list_push_configs", params, &request)?;
        Ok(ListTaskPushNotificationConfigsResponse {
            configs: vec![config(&request.task_id)],
            next_page_token: None,
        })
    }

    async fn delete_push_config(
        &self,
        params: &ServiceParams,
        request: DeleteTaskPushNotificationConfigRequest,
    ) -> Result<(), A2AError> {
        self.record("delete_push_config", params, &request)
    }

    async fn get_extended_agent_card(
        &self,
        params: &ServiceParams,
        request: GetExtendedAgentCardRequest,
    ) -> Result<AgentCard, A2AError> {
        self.record("get_extended_agent_card", params, &request)?;
        Ok(card())
    }
}
