//! What a client says to an agent and hears from it, in one line each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here is a test that fails"
)]

mod heard;
mod outline;

use a2a::{A2AError, GetTaskRequest, SendMessageRequest, Task, TaskState};
use futures::StreamExt;

use a2a_testworld::world::{at_once, cancel, get, subscribe};
use a2a_testworld::{Client, PATIENCE};

pub use heard::Heard;
pub use outline::{history, next, outline, rest};

pub use a2a_testworld::world::{
    Events, configuration, expect_task as task, follow_up as replying, list as everything, request as saying,
    texts,
};

/// Talks to an agent through the SDK's client, and waits for nothing longer than [`PATIENCE`].
pub struct TestClient {
    /// For what has no line of its own here.
    pub sdk: Client,
}

impl std::fmt::Debug for TestClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestClient").finish_non_exhaustive()
    }
}

impl TestClient {
    /// Sends a message and waits for the end of its turn.
    pub async fn send(&self, text: &str) -> Task {
        task(soon(self.sdk.send_message(&saying(text))).await.unwrap())
    }

    /// Sends a message and waits for its task only.
    pub async fn begin(&self, text: &str) -> Task {
        let request = SendMessageRequest { configuration: at_once(), ..saying(text) };
        task(soon(self.sdk.send_message(&request)).await.unwrap())
    }

    /// Sends another message to a task and waits for the end of its turn.
    ///
    /// # Errors
    ///
    /// As it is answered.
    pub async fn reply(&self, to: &Task, text: &str) -> Result<Task, A2AError> {
        soon(self.sdk.send_message(&replying(to, text))).await.map(task)
    }

    /// Sends a message and streams its turn.
    pub async fn stream(&self, text: &str) -> Events {
        soon(self.sdk.send_streaming_message(&saying(text))).await.unwrap()
    }

    /// Reads a task.
    ///
    /// # Errors
    ///
    /// As it is answered.
    pub async fn get(&self, id: &str) -> Result<Task, A2AError> {
        self.get_with_history(id, None).await
    }

    /// Reads a task with so much of its history.
    ///
    /// # Errors
    ///
    /// As it is answered.
    pub async fn get_with_history(&self, id: &str, length: Option<i32>) -> Result<Task, A2AError> {
        let request = GetTaskRequest { history_length: length, ..get(id) };
        soon(self.sdk.get_task(&request)).await
    }

    /// Cancels a task.
    ///
    /// # Errors
    ///
    /// As it is answered.
    pub async fn cancel(&self, id: &str) -> Result<Task, A2AError> {
        soon(self.sdk.cancel_task(&cancel(id))).await
    }

    /// Subscribes to a task.
    ///
    /// # Errors
    ///
    /// As it is answered: at once, or where the first event should be, by binding.
    pub async fn subscribe(&self, id: &str) -> Result<Events, A2AError> {
        soon(self.sdk.subscribe_to_task(&subscribe(id))).await
    }

    /// Subscribes to a task and awaits the first event, so that an error comes at once whatever the binding.
    ///
    /// # Errors
    ///
    /// As it is answered.
    pub async fn joined(&self, id: &str) -> Result<Events, A2AError> {
        let mut events = self.subscribe(id).await?;
        let first = soon(events.next()).await.expect("a stream without any event")?;
        Ok(futures::stream::iter([Ok(first)]).chain(events).boxed())
    }

    /// The error of a subscription that is refused.
    pub async fn subscribe_error(&self, id: &str) -> A2AError {
        match self.joined(id).await {
            Err(error) => error,
            Ok(_) => panic!("not refused"),
        }
    }

    /// Waits until a task is in a state, on whichever instances the questions land.
    pub async fn until(&self, id: &str, state: TaskState) -> Task {
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
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("this hangs")
}
