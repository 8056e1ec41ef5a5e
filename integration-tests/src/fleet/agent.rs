//! An agent that does what its message says, step by step, and waits where a test wants it to.

use std::time::Duration;

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
/// `message TEXT`; `count FROM TO [MS]` says those numbers as chunks, with a pause before each, and leaves
/// out those that an attempt before has said; `big N KIB` says N chunks of so many KiB. A text without any of
/// them is echoed.
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
        let stored = ctx.stored_task.as_ref().and_then(|task| task.artifacts.as_ref()?.first());
        let stored = stored.map_or(0, |artifact| artifact.parts.len());
        let mut steps: Vec<Step> =
            text.split(';').flat_map(|step| Step::parse(step.trim(), stored)).collect();
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
                        Step::Pause(pause) => {
                            tokio::time::sleep(pause).await;
                            continue;
                        }
                        Step::Status(state) => says.status(state),
                        Step::Chunk(text) => says.chunk(text),
                        Step::Number(number) => says.number(number),
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
    Pause(Duration),
    Status(TaskState),
    Chunk(String),
    Number(usize),
    Message(String),
}

impl Step {
    /// The steps of one command; `stored` chunks are in the task already.
    fn parse(text: &str, stored: usize) -> Vec<Self> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut numbers = rest.split(' ').map_while(|word| word.parse::<usize>().ok());
        let mut number = || numbers.next().unwrap_or_default();
        let step = match word {
            "gate" => Self::Gate(rest.to_owned()),
            "chunk" => Self::Chunk(rest.to_owned()),
            "message" => Self::Message(rest.to_owned()),
            "work" => Self::Status(TaskState::Working),
            "ask" => Self::Status(TaskState::InputRequired),
            "auth" => Self::Status(TaskState::AuthRequired),
            "done" => Self::Status(TaskState::Completed),
            "fail" => Self::Status(TaskState::Failed),
            "reject" => Self::Status(TaskState::Rejected),
            "count" => {
                let (from, to) = (number(), number());
                return Self::count(from.max(stored)..to, Duration::from_millis(number() as u64));
            }
            "big" => return Self::big(number(), number() * 1024),
            _ => return Vec::new(),
        };
        vec![step]
    }

    fn count(numbers: std::ops::Range<usize>, pause: Duration) -> Vec<Self> {
        if pause.is_zero() {
            return numbers.map(Self::Number).collect();
        }
        numbers.flat_map(|number| [Self::Pause(pause), Self::Number(number)]).collect()
    }

    /// Chunks that do not repeat themselves: nothing is won by compressing them.
    fn big(chunks: usize, bytes: usize) -> Vec<Self> {
        let mut random = fastrand::Rng::with_seed(1);
        let mut text = || std::iter::repeat_with(|| random.alphanumeric()).take(bytes).collect();
        (0..chunks).map(|_| Self::Chunk(text())).collect()
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

    fn number(&mut self, number: usize) -> StreamResponse {
        self.chunks = number;
        self.chunk(number.to_string())
    }

    fn message(&self, text: String) -> StreamResponse {
        let context_id = Some(self.context.clone());
        StreamResponse::Message(Message { context_id, ..Message::new(Role::Agent, vec![Part::text(text)]) })
    }
}
