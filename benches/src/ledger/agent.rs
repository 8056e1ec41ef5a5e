//! The agent: it says that it works, waits for its turn, says its chunks, and is done.

use std::time::Duration;

use a2a::{
    A2AError, Artifact, Message, Part, StreamResponse, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::watch;

/// The size of a chunk's text.
const CHUNK_BYTES: usize = 120;

/// What the agent is asked to say; the text of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Speech {
    /// Whether it begins with saying that it works.
    pub(super) works: bool,
    /// It goes on once so many turns have come.
    pub(super) turn: u64,
    /// So many chunks.
    pub(super) chunks: u64,
    /// With a pause before each.
    pub(super) gap: Duration,
}

impl Speech {
    pub(super) fn text(self) -> String {
        format!("{} {} {} {}", u8::from(self.works), self.turn, self.chunks, self.gap.as_millis())
    }

    fn read(text: &str) -> Self {
        let mut numbers = text.split(' ').map(|number| number.parse().unwrap_or(0));
        let mut next = || numbers.next().unwrap_or(0);
        Speech { works: next() == 1, turn: next(), chunks: next(), gap: Duration::from_millis(next()) }
    }

    /// All events of the speech, on a task.
    pub(super) fn events(self, task: &str, context: &str) -> Vec<StreamResponse> {
        let working = self.works.then(|| status(task, context, TaskState::Working));
        let chunks = (0..self.chunks).map(|number| chunk(task, context, number, self.chunks));
        working.into_iter().chain(chunks).chain([status(task, context, TaskState::Completed)]).collect()
    }
}

#[derive(Debug)]
pub(super) struct Speaker(pub(super) watch::Receiver<u64>);

impl AgentExecutor for Speaker {
    fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        let speech = Speech::read(ctx.message.as_ref().and_then(Message::text).unwrap_or_default());
        let mut turns = self.0.clone();
        let events = speech.events(&ctx.task_id, &ctx.context_id).into_iter().enumerate();
        let (first, rest): (Vec<_>, Vec<_>) = events.partition(|(number, _)| *number == 0 && speech.works);
        let waits = stream::once(async move {
            let _ = turns.wait_for(|turn| *turn >= speech.turn).await;
            stream::empty()
        });
        let said = stream::iter(rest).then(move |(_, event)| async move {
            if !speech.gap.is_zero() {
                tokio::time::sleep(speech.gap).await;
            }
            event
        });
        stream::iter(first).map(|(_, event)| event).chain(waits.flatten()).chain(said).map(Ok).boxed()
    }

    fn cancel(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        stream::iter([Ok(status(&ctx.task_id, &ctx.context_id, TaskState::Canceled))]).boxed()
    }
}

fn chunk(task: &str, context: &str, number: u64, of: u64) -> StreamResponse {
    let text = words(number);
    StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: task.into(),
        context_id: context.into(),
        artifact: Artifact {
            artifact_id: "answer".into(),
            name: None,
            description: None,
            parts: vec![Part::text(text)],
            metadata: None,
            extensions: None,
        },
        append: Some(number > 0),
        last_chunk: Some(number + 1 == of),
        metadata: None,
    })
}

/// Text that compresses as prose does, and differs from chunk to chunk.
fn words(seed: u64) -> String {
    const WORDS: [&str; 32] = [
        "the", "of", "and", "to", "in", "stream", "that", "is", "was", "for", "agent", "with", "answer",
        "as", "on", "be", "at", "by", "instance", "this", "had", "not", "are", "but", "from", "or", "have",
        "task", "they", "which", "one", "were",
    ];
    let mut text = String::with_capacity(CHUNK_BYTES + 8);
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    while text.len() < CHUNK_BYTES {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let word = usize::try_from(state >> 59).unwrap_or_default();
        text.push_str(WORDS.get(word).copied().unwrap_or("it"));
        text.push(' ');
    }
    text.truncate(CHUNK_BYTES);
    text
}

fn status(task: &str, context: &str, state: TaskState) -> StreamResponse {
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: task.into(),
        context_id: context.into(),
        status: TaskStatus { state, message: None, timestamp: None },
        metadata: None,
    })
}
