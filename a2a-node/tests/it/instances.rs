//! Three instances in one process, by every binding: any of them answers for any task.

use a2a::{
    CancelTaskRequest, GetTaskRequest, Message, Part, Role, SendMessageRequest, SendMessageResponse,
    StreamResponse, SubscribeToTaskRequest, TaskState,
};
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::node::{Client, Node, soon};

type Events = BoxStream<'static, Result<StreamResponse, a2a::A2AError>>;

const BINDINGS: [&str; 3] = ["JSONRPC", "HTTP+JSON", "GRPC"];

async fn three() -> Node {
    Node::serve(&["--instances", "3", "--grpc-listen", "127.0.0.1:0"]).await
}

fn saying(text: &str) -> SendMessageRequest {
    let message = Message::new(Role::User, vec![Part::text(text)]);
    SendMessageRequest { message, configuration: None, metadata: None, tenant: None }
}

async fn begin(client: &Client, text: &str) -> (String, Events) {
    let mut events = soon(client.send_streaming_message(&saying(text))).await.unwrap();
    let first = soon(events.next()).await.unwrap().unwrap();
    let StreamResponse::Task(task) = first else { panic!("begins with {first:?}") };
    (task.id, events)
}

async fn subscribe(client: &Client, id: &str) -> Events {
    let request = SubscribeToTaskRequest { id: id.into(), tenant: None };
    soon(client.subscribe_to_task(&request)).await.unwrap()
}

async fn all(events: Events) -> Vec<StreamResponse> {
    soon(events.map(Result::unwrap).collect()).await
}

fn chunks(events: &[StreamResponse]) -> Vec<String> {
    let parts = events.iter().flat_map(|event| match event {
        StreamResponse::Task(task) => task.artifacts.iter().flatten().flat_map(|a| a.parts.clone()).collect(),
        StreamResponse::ArtifactUpdate(update) => update.artifact.parts.clone(),
        _ => Vec::new(),
    });
    parts.map(|part| part.as_text().unwrap()[..6].to_owned()).collect()
}

fn state(event: &StreamResponse) -> Option<TaskState> {
    match event {
        StreamResponse::StatusUpdate(update) => Some(update.status.state.clone()),
        _ => None,
    }
}

#[tokio::test]
async fn a_task_of_one_instance_streams_from_another_by_every_binding() {
    let node = &three().await;
    let pairs = [(0, 1), (1, 2), (2, 0)].map(async |(sending, watching)| {
        let (sender, watcher) =
            (node.client(0, BINDINGS[sending]).await, node.client(1, BINDINGS[watching]).await);
        let (id, origin) = begin(&sender, "stream 20 150").await;
        let remote = subscribe(&watcher, &id).await;
        let (origin, remote) = tokio::join!(all(origin), all(remote));

        let expected: Vec<_> = (1..=20).map(|number| format!("{number:06}")).collect();
        assert_eq!(chunks(&origin), expected, "from {}", BINDINGS[sending]);
        assert!(matches!(remote[0], StreamResponse::Task(_)), "{:?}", remote[0]);
        assert_eq!(chunks(&remote), expected, "from {}", BINDINGS[watching]);
        assert_eq!(state(remote.last().unwrap()), Some(TaskState::Completed));

        let request = GetTaskRequest { id, history_length: None, tenant: None };
        let task = soon(node.client(2, BINDINGS[sending]).await.get_task(&request)).await.unwrap();
        assert_eq!(chunks(&[StreamResponse::Task(task)]), expected);
    });
    futures::future::join_all(pairs).await;
}

#[tokio::test]
async fn a_cancel_on_another_instance_ends_the_task_and_its_streams_by_every_binding() {
    let node = three().await;
    for binding in BINDINGS {
        let (id, origin) = begin(&node.client(0, "JSONRPC").await, "wait 3600").await;
        let request = CancelTaskRequest { id, metadata: None, tenant: None };
        let task = soon(node.client(2, binding).await.cancel_task(&request)).await.unwrap();
        assert_eq!(task.status.state, TaskState::Canceled, "{binding}");
        assert_eq!(state(all(origin).await.last().unwrap()), Some(TaskState::Canceled), "{binding}");
    }
}

#[tokio::test]
async fn bad_arguments_reject_the_task_with_a_text_that_helps() {
    let node = three().await;
    let answer = soon(node.client(0, "JSONRPC").await.send_message(&saying("stream lots 5"))).await.unwrap();
    let SendMessageResponse::Task(task) = answer else { panic!("{answer:?}") };
    assert_eq!(task.status.state, TaskState::Rejected);
    let said = task.status.message.unwrap();
    assert!(said.text().unwrap().contains("Usage: stream N MS"), "{said:?}");
}

#[tokio::test]
async fn message_leaves_no_task_and_big_makes_a_big_artifact() {
    let node = three().await;
    let client = node.client(1, "HTTP+JSON").await;
    let answer = soon(client.send_message(&saying("message hello"))).await.unwrap();
    let SendMessageResponse::Message(message) = answer else { panic!("{answer:?}") };
    assert_eq!(message.text(), Some("hello"));

    let answer = soon(client.send_message(&saying("big 300"))).await.unwrap();
    let SendMessageResponse::Task(task) = answer else { panic!("{answer:?}") };
    let artifact = &task.artifacts.unwrap()[0];
    assert_eq!(artifact.parts[0].as_text().unwrap().len(), 300 * 1024);
}
