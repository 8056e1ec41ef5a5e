//! Three instances in one process, by every binding: any of them answers for any task.

use a2a::{SendMessageResponse, StreamResponse, TaskState};
use a2a_testworld::world::{Events, cancel, drain, expect_task, get, last_state, request, subscribe};
use a2a_testworld::{Binding, Client};
use futures::StreamExt;

use crate::node::{Node, soon};

async fn three() -> Node {
    Node::serve(&["--instances", "3", "--grpc-listen", "127.0.0.1:0"]).await
}

async fn begin(client: &Client, text: &str) -> (String, Events) {
    let mut events = soon(client.send_streaming_message(&request(text))).await.unwrap();
    let first = soon(events.next()).await.unwrap().unwrap();
    let StreamResponse::Task(task) = first else { panic!("begins with {first:?}") };
    (task.id, events)
}

fn chunks(events: &[StreamResponse]) -> Vec<String> {
    let parts = events.iter().flat_map(|event| match event {
        StreamResponse::Task(task) => task.artifacts.iter().flatten().flat_map(|a| a.parts.clone()).collect(),
        StreamResponse::ArtifactUpdate(update) => update.artifact.parts.clone(),
        _ => Vec::new(),
    });
    parts.map(|part| part.as_text().unwrap()[..6].to_owned()).collect()
}

/// The state that the last event told of, which must be a status.
fn last_event(events: &[StreamResponse]) -> Option<TaskState> {
    matches!(events.last(), Some(StreamResponse::StatusUpdate(_))).then(|| last_state(events))?
}

#[tokio::test]
async fn a_task_of_one_instance_streams_from_another_by_every_binding() {
    let node = &three().await;
    let pairs = [(0, 1), (1, 2), (2, 0)].map(async |(sending, watching)| {
        let (sender, watcher) =
            (node.client(0, Binding::ALL[sending]).await, node.client(1, Binding::ALL[watching]).await);
        let (id, origin) = begin(&sender, "stream 20 150").await;
        let remote = soon(watcher.subscribe_to_task(&subscribe(&id))).await.unwrap();
        let (origin, remote) = tokio::join!(drain(origin), drain(remote));

        let expected: Vec<_> = (1..=20).map(|number| format!("{number:06}")).collect();
        assert_eq!(chunks(&origin), expected, "from {:?}", Binding::ALL[sending]);
        assert!(matches!(remote[0], StreamResponse::Task(_)), "{:?}", remote[0]);
        assert_eq!(chunks(&remote), expected, "from {:?}", Binding::ALL[watching]);
        assert_eq!(last_event(&remote), Some(TaskState::Completed));

        let task = soon(node.client(2, Binding::ALL[sending]).await.get_task(&get(id))).await.unwrap();
        assert_eq!(chunks(&[StreamResponse::Task(task)]), expected);
    });
    futures::future::join_all(pairs).await;
}

#[tokio::test]
async fn a_cancel_on_another_instance_ends_the_task_and_its_streams_by_every_binding() {
    let node = three().await;
    for binding in Binding::ALL {
        let (id, origin) = begin(&node.client(0, Binding::JsonRpc).await, "wait 3600").await;
        let task = soon(node.client(2, binding).await.cancel_task(&cancel(id))).await.unwrap();
        assert_eq!(task.status.state, TaskState::Canceled, "{binding:?}");
        assert_eq!(last_event(&drain(origin).await), Some(TaskState::Canceled), "{binding:?}");
    }
}

#[tokio::test]
async fn bad_arguments_reject_the_task_with_a_text_that_helps() {
    let node = three().await;
    let answer =
        soon(node.client(0, Binding::JsonRpc).await.send_message(&request("stream lots 5"))).await.unwrap();
    let task = expect_task(answer);
    assert_eq!(task.status.state, TaskState::Rejected);
    let said = task.status.message.unwrap();
    assert!(said.text().unwrap().contains("Usage: stream N MS"), "{said:?}");
}

#[tokio::test]
async fn message_leaves_no_task_and_big_makes_a_big_artifact() {
    let node = three().await;
    let client = node.client(1, Binding::Rest).await;
    let answer = soon(client.send_message(&request("message hello"))).await.unwrap();
    let SendMessageResponse::Message(message) = answer else { panic!("{answer:?}") };
    assert_eq!(message.text(), Some("hello"));

    let answer = soon(client.send_message(&request("big 300"))).await.unwrap();
    let task = expect_task(answer);
    let artifact = &task.artifacts.unwrap()[0];
    assert_eq!(artifact.parts[0].as_text().unwrap().len(), 300 * 1024);
}
