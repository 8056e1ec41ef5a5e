//! An agent that says as many chunks as the message's text asks for, each in a turn of the scheduler of its own.

use std::sync::Arc;

use a2a::{A2AError, Message, StreamResponse, TaskState};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::Semaphore;

use super::sample::{chunk, status};

/// Waits for a permit before its first chunk, where the text says `waiting` after the number.
#[derive(Debug)]
pub(crate) struct Chatty(pub(crate) Arc<Semaphore>);

impl AgentExecutor for Chatty {
    fn execute(&self, context: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        let ExecutorContext { message, task_id: task, context_id, .. } = context;
        let mut words = message.as_ref().and_then(Message::text).unwrap_or_default().split(' ');
        let count: u64 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let waits = words.next() == Some("waiting");
        let go = Arc::clone(&self.0);
        let begin = stream::iter([Ok(status(&task, &context_id, TaskState::Working))]);
        let end = stream::iter([Ok(status(&task, &context_id, TaskState::Completed))]);
        let chunks = stream::iter(0..count).then(move |n| {
            let said = chunk(&task, &context_id, n == 0);
            let go = Arc::clone(&go);
            async move {
                if waits && n == 0 {
                    let _permit = go.acquire().await;
                }
                tokio::task::yield_now().await;
                Ok(said)
            }
        });
        begin.chain(chunks).chain(end).boxed()
    }

    fn cancel(&self, context: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        stream::iter([Ok(status(&context.task_id, &context.context_id, TaskState::Canceled))]).boxed()
    }
}
