//! An agent that does what its message says, step by step, and waits where a test wants it to.

use a2a::{
    A2AError, Artifact, Message, Part, Role, StreamResponse, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::gates::Gates;

type Said = Result<StreamResponse, A2AError>;

/// Steps are separated by `;`: `work`, `chunk TEXT`, `gate NAME`, `ask`, `auth`, `done`, `fail`, `reject`,
/// `message TEXT`. A text without any of them is echoed.
#[derive(Debug)]
pub(super) struct Scripted {
    gates: Gates,
}

impl Scripted {
    pub(super) fn new(gates: Gates) -> Self {
        Self { gates }
    }
}

impl AgentExecutor for Scripted {
    fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Said> {
        let text = ctx.message.as_ref().and_then(Message::text).unwrap_or_default();
        let mut steps: Vec<Step> = text.split(';').filter_map(|step| Step::parse(step.trim())).collect();
        if steps.is_empty() {
            steps = vec![Step::Chunk(text.to_owned()), Step::Status(TaskState::Completed)];
        }
        let says = Speaker { task: ctx.task_id, context: ctx.context_id, chunks: 0 };
        let gates = self.gates.clone();
        stream::unfold((steps.into_iter(), says), move |(mut steps, mut says)| {
            let gates = gates.clone();
            async move {
                loop {
                    let said = match steps.next()? {
                        Step::Gate(name) => {
                            gates.pass(&name).await;
                            continue;
                        }
                        Step::Status(state) => says.status(state),
                        Step::Chunk(text) => says.chunk(text),
                        Step::Message(text) => says.message(text),
                    };
                    return Some((Ok(said), (steps, says)));
                }
            }
        })
        .boxed()
    }

    fn cancel(&self, ctx: ExecutorContext) -> BoxStream<'static, Said> {
        let says = Speaker { task: ctx.task_id, context: ctx.context_id, chunks: 0 };
        stream::iter([Ok(says.status(TaskState::Canceled))]).boxed()
    }
}

#[derive(Debug)]
enum Step {
    Gate(String),
    Status(TaskState),
    Chunk(String),
    Message(String),
}

impl Step {
    fn parse(text: &str) -> Option<Self> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        Some(match word {
            "gate" => Self::Gate(rest.to_owned()),
            "chunk" => Self::Chunk(rest.to_owned()),
            "message" => Self::Message(rest.to_owned()),
            "work" => Self::Status(TaskState::Working),
            "ask" => Self::Status(TaskState::InputRequired),
            "auth" => Self::Status(TaskState::AuthRequired),
            "done" => Self::Status(TaskState::Completed),
            "fail" => Self::Status(TaskState::Failed),
            "reject" => Self::Status(TaskState::Rejected),
            _ => return None,
        })
    }
}

struct Speaker {
    task: String,
    context: String,
    chunks: usize,
}

impl Speaker {
    fn status(&self, state: TaskState) -> StreamResponse {
        StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: self.task.clone(),
            context_id: self.context.clone(),
            status: TaskStatus { state, message: None, timestamp: None },
            metadata: None,
        })
    }

    fn chunk(&mut self, text: String) -> StreamResponse {
        let append = (self.chunks > 0).then_some(true);
        self.chunks += 1;
        StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
            task_id: self.task.clone(),
            context_id: self.context.clone(),
            artifact: Artifact {
                artifact_id: "out".into(),
                name: None,
                description: None,
                parts: vec![Part::text(text)],
                metadata: None,
                extensions: None,
            },
            append,
            last_chunk: None,
            metadata: None,
        })
    }

    fn message(&self, text: String) -> StreamResponse {
        let context_id = Some(self.context.clone());
        StreamResponse::Message(Message { context_id, ..Message::new(Role::Agent, vec![Part::text(text)]) })
    }
}
