//! What clients make of answers and streams.

use std::time::Duration;

use a2a::{A2AError, Part, SendMessageResponse, StreamResponse, Task, TaskState};
use futures::StreamExt;
use futures::stream::BoxStream;

/// A stream as a handler gives it.
pub type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

/// The task of an answer.
///
/// # Panics
///
/// Where a bare message was answered.
pub fn expect_task(response: SendMessageResponse) -> Task {
    match response {
        SendMessageResponse::Task(task) => task,
        SendMessageResponse::Message(message) => panic!("a message instead of a task: {message:?}"),
    }
}

/// Reads a stream to its end.
///
/// # Panics
///
/// Where it fails, or does not end soon.
pub async fn drain(events: Events) -> Vec<StreamResponse> {
    let all = events.map(|event| event.unwrap()).collect();
    tokio::time::timeout(Duration::from_secs(120), all).await.expect("the stream should have ended")
}

/// A stream's events folded: what a client that only saw the stream believes.
///
/// # Panics
///
/// Where it does not begin with the task, or shows the task again.
pub fn fold(events: &[StreamResponse]) -> Task {
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
pub fn last_state(events: &[StreamResponse]) -> Option<TaskState> {
    events.iter().rev().find_map(a2a_core::reduce::state_of).cloned()
}

/// The texts of a task's artifacts, chunk by chunk.
pub fn texts(task: &Task) -> Vec<&str> {
    task.artifacts.iter().flatten().flat_map(|artifact| &artifact.parts).filter_map(Part::as_text).collect()
}

/// The state of a task.
pub fn state(task: &Task) -> TaskState {
    task.status.state.clone()
}

/// What two views of a task must agree on. Streams do not repeat the history.
pub fn visible(task: &Task) -> (TaskState, Vec<String>) {
    (state(task), texts(task).into_iter().map(str::to_owned).collect())
}

/// Waits until something is true.
///
/// # Panics
///
/// Where it does not become so soon.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
    while !check().await {
        assert!(tokio::time::Instant::now() < deadline, "{what} should have become true");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
