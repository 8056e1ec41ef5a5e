//! What every scenario needs: a fleet, a client of it by one binding, and the requests in one line each.

use a2a::{
    A2AError, CancelTaskRequest, GetTaskRequest, ListTasksRequest, Message, Part, Role,
    SendMessageConfiguration, SendMessageRequest, SendMessageResponse, StreamResponse,
    SubscribeToTaskRequest, Task, TaskState,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use integration_tests::fleet::{Binding, Client, Fleet, PATIENCE, Plan};

pub(crate) type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

/// Where a scenario is played.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) binding: Binding,
    pub(crate) instances: usize,
}

impl Place {
    pub(crate) async fn stage(self) -> Stage {
        self.stage_of(|plan| plan).await
    }

    pub(crate) async fn stage_of(self, change: impl FnOnce(Plan) -> Plan) -> Stage {
        let fleet = change(Plan::of(self.instances)).start().await;
        let client = fleet.client(self.binding, None).await;
        Stage { fleet, client }
    }
}

/// Plays a scenario on three instances, and on one: whatever it says must hold for both.
pub(crate) async fn on_three_and_on_one<F: Future<Output = ()>>(binding: Binding, play: impl Fn(Place) -> F) {
    for instances in [3, 1] {
        play(Place { binding, instances }).await;
    }
}

/// Makes a scenario a test by every binding.
macro_rules! on_every_binding {
    ($(async fn $name:ident($place:ident) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports)]
            use super::*;
            use crate::stage::{Place, on_three_and_on_one};
            use integration_tests::fleet::Binding;

            async fn holds($place: Place) $body

            #[tokio::test]
            async fn by_json_rpc() {
                on_three_and_on_one(Binding::JsonRpc, holds).await;
            }

            #[tokio::test]
            async fn by_rest() {
                on_three_and_on_one(Binding::Rest, holds).await;
            }

            #[tokio::test]
            async fn by_grpc() {
                on_three_and_on_one(Binding::Grpc, holds).await;
            }
        })*
    };
}
pub(crate) use on_every_binding;

/// A fleet and a client of it.
pub(crate) struct Stage {
    pub(crate) fleet: Fleet,
    pub(crate) client: Client,
}

impl Stage {
    pub(crate) async fn leave(self) {
        self.fleet.shutdown().await;
    }

    /// Sends a message and waits for the end of its turn.
    pub(crate) async fn send(&self, text: &str) -> Task {
        task(soon(self.client.send_message(&saying(text))).await.unwrap())
    }

    /// Sends a message and waits for its task only.
    pub(crate) async fn begin(&self, text: &str) -> Task {
        let configuration =
            Some(SendMessageConfiguration { return_immediately: Some(true), ..configuration() });
        let request = SendMessageRequest { configuration, ..saying(text) };
        task(soon(self.client.send_message(&request)).await.unwrap())
    }

    /// Sends another message to a task.
    pub(crate) async fn reply(&self, to: &Task, text: &str) -> Result<Task, A2AError> {
        soon(self.client.send_message(&replying(to, text))).await.map(task)
    }

    pub(crate) async fn stream(&self, text: &str) -> Events {
        soon(self.client.send_streaming_message(&saying(text))).await.unwrap()
    }

    pub(crate) async fn get(&self, id: &str) -> Result<Task, A2AError> {
        self.get_with_history(id, None).await
    }

    pub(crate) async fn get_with_history(&self, id: &str, length: Option<i32>) -> Result<Task, A2AError> {
        let request = GetTaskRequest { id: id.to_owned(), history_length: length, tenant: None };
        soon(self.client.get_task(&request)).await
    }

    pub(crate) async fn cancel(&self, id: &str) -> Result<Task, A2AError> {
        let request = CancelTaskRequest { id: id.to_owned(), metadata: None, tenant: None };
        soon(self.client.cancel_task(&request)).await
    }

    /// Subscribes to a task. An error may come at once, or where the first event should be.
    pub(crate) async fn subscribe(&self, id: &str) -> Result<Events, A2AError> {
        let request = SubscribeToTaskRequest { id: id.to_owned(), tenant: None };
        soon(self.client.subscribe_to_task(&request)).await
    }

    /// The error of a subscription that is refused.
    pub(crate) async fn subscribe_error(&self, id: &str) -> A2AError {
        match self.subscribe(id).await {
            Err(error) => error,
            Ok(mut events) => soon(events.next()).await.expect("an event").expect_err("an error"),
        }
    }

    /// Waits until a task is in a state, on whichever instances the questions land.
    pub(crate) async fn until(&self, id: &str, state: TaskState) -> Task {
        let reached = async {
            loop {
                let task = self.get(id).await.unwrap();
                if task.status.state == state {
                    return task;
                }
                tokio::task::yield_now().await;
            }
        };
        soon(reached).await
    }
}

/// Bounds the wait for anything.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this hangs")
}

pub(crate) fn saying(text: &str) -> SendMessageRequest {
    let message = Message::new(Role::User, vec![Part::text(text)]);
    SendMessageRequest { message, configuration: None, metadata: None, tenant: None }
}

pub(crate) fn replying(to: &Task, text: &str) -> SendMessageRequest {
    let mut request = saying(text);
    request.message.task_id = Some(to.id.clone());
    request.message.context_id = Some(to.context_id.clone());
    request
}

pub(crate) fn configuration() -> SendMessageConfiguration {
    SendMessageConfiguration {
        accepted_output_modes: None,
        task_push_notification_config: None,
        history_length: None,
        return_immediately: None,
    }
}

pub(crate) fn everything() -> ListTasksRequest {
    ListTasksRequest {
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

pub(crate) fn task(answer: SendMessageResponse) -> Task {
    match answer {
        SendMessageResponse::Task(task) => task,
        SendMessageResponse::Message(message) => panic!("a message instead of a task: {message:?}"),
    }
}

/// The next event of a stream.
pub(crate) async fn next(events: &mut Events) -> StreamResponse {
    soon(events.next()).await.expect("the stream has ended").unwrap()
}

/// All that is left of a stream.
pub(crate) async fn rest(events: Events) -> Vec<StreamResponse> {
    soon(events.map(Result::unwrap).collect()).await
}

/// Events in short: `task WORKING [a b]`, `[c]`, `COMPLETED`.
pub(crate) fn story(events: &[StreamResponse]) -> Vec<String> {
    let tell = |event: &StreamResponse| match event {
        StreamResponse::Task(task) => format!("task {} {:?}", name(&task.status.state), texts(task)),
        StreamResponse::StatusUpdate(update) => name(&update.status.state),
        StreamResponse::ArtifactUpdate(update) => {
            format!("{:?}", update.artifact.parts.iter().filter_map(Part::as_text).collect::<Vec<_>>())
        }
        StreamResponse::Message(message) => format!("message {}", message.text().unwrap_or_default()),
    };
    events.iter().map(tell).collect()
}

fn name(state: &TaskState) -> String {
    format!("{state:?}")
}

/// The texts of a task's artifacts.
pub(crate) fn texts(task: &Task) -> Vec<&str> {
    task.artifacts.iter().flatten().flat_map(|artifact| &artifact.parts).filter_map(Part::as_text).collect()
}

/// The texts of a task's history.
pub(crate) fn history(task: &Task) -> Vec<&str> {
    task.history.iter().flatten().filter_map(Message::text).collect()
}
