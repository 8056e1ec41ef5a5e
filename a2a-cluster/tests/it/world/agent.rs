//! An agent that does what the message's text says; what takes several steps is a [script](super::script).

use std::pin::Pin;
use std::time::Duration;

use a2a::{
    A2AError, Artifact, Message, Part, Role, StreamResponse, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::stream::{self, BoxStream, StreamExt};
use tokio::time::sleep;

use super::script;

type Step = Pin<Box<dyn Future<Output = Vec<Result<StreamResponse, A2AError>>> + Send>>;

/// Commands: `echo X`, `stream N MS [WIDTH]`, `burst N`, `ask`, `message X`, `quiet MS`, `hang`, `stubborn`,
/// `refuse`, `refuse MS`, `panic`, `panic-later`, `fail`, `error X`, `unfinished`, `data N`, `slow-message MS`.
#[derive(Debug)]
pub(crate) struct Scripted;

impl AgentExecutor for Scripted {
    fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        let text = ctx.message.as_ref().and_then(Message::text).unwrap_or_default().to_owned();
        if let Some(script) = text.strip_prefix("do ") {
            return script::execute(script, &ctx);
        }
        let say = Say { task: ctx.task_id.clone(), context: ctx.context_id.clone() };
        let (command, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let number = |n: usize| -> u64 { rest.split(' ').nth(n).and_then(|n| n.parse().ok()).unwrap_or(0) };
        let working = say.status(TaskState::Working);
        let completed = say.status(TaskState::Completed);
        if ctx.stored_task.is_some() && command != "ask" && command != "quiet" {
            return now(vec![say.artifact(&text, false), completed]);
        }
        match command {
            "stream" => {
                let (count, pause) = (number(0), Duration::from_millis(number(1)));
                let width = usize::try_from(number(2)).unwrap_or_default();
                let say_chunk = say.clone();
                let chunks = stream::iter(0..count).then(move |n| {
                    let chunk = say_chunk.artifact(&format!("{n:0>width$}"), n > 0);
                    async move {
                        if pause.is_zero() {
                            tokio::task::yield_now().await
                        } else {
                            sleep(pause).await
                        }
                        chunk
                    }
                });
                now(vec![working]).chain(chunks).chain(now(vec![completed])).boxed()
            }
            "burst" => {
                let chunks = (0..number(0)).map(|n| say.artifact(&n.to_string(), n > 0)).collect();
                now(vec![working]).chain(now(chunks)).chain(now(vec![completed])).boxed()
            }
            "ask" => now(vec![say.status(TaskState::InputRequired)]),
            "message" => {
                now(vec![Ok(StreamResponse::Message(Message::new(Role::Agent, vec![Part::text(rest)])))])
            }
            "slow-message" => {
                let reply = Ok(StreamResponse::Message(Message::new(Role::Agent, vec![Part::text("late")])));
                later(Duration::from_millis(number(0)), vec![reply])
            }
            "quiet" => later(Duration::from_millis(number(0)), vec![say.artifact("done", false), completed]),
            "refuse" if !rest.is_empty() => {
                now(vec![working]).chain(later(Duration::from_millis(number(0)), vec![completed])).boxed()
            }
            "hang" | "stubborn" | "refuse" => now(vec![working]).chain(stream::pending()).boxed(),
            "panic" => stream::once(async { panic!("the agent panics, as it was told") }).boxed(),
            "panic-later" => now(vec![working])
                .chain(stream::once(async { panic!("the agent panics, as it was told") }))
                .boxed(),
            "panic-call" => panic!("the agent panics, as it was told"),
            "fail" => now(vec![say.status(TaskState::Failed)]),
            "error" => now(vec![Err(A2AError::unsupported_operation(rest))]),
            "error-later" => now(vec![working, Err(A2AError::internal(rest))]),
            "unfinished" => now(vec![working]),
            "silent" => stream::empty().boxed(),
            "wrong-task" => {
                let other = Say { task: "another".into(), context: say.context };
                now(vec![other.status(TaskState::Working)])
            }
            "deep" => {
                let deep = (0..40).fold(serde_json::json!(1), |value, _| serde_json::json!([value]));
                now(vec![say.part(Part::data(deep), false), completed])
            }
            _ => now(vec![say.artifact(text.strip_prefix("echo ").unwrap_or(&text), false), completed]),
        }
    }

    fn cancel(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        if let Some(script) = script::script(&ctx) {
            return script::cancel(&script, &ctx);
        }
        let said = ctx.stored_task.iter().flat_map(|task| task.history.iter().flatten());
        let first = said.filter_map(Message::text).next().unwrap_or_default().to_owned();
        let say = Say { task: ctx.task_id.clone(), context: ctx.context_id.clone() };
        match first.split(' ').next().unwrap_or_default() {
            "stubborn" => stream::pending().boxed(),
            "refuse" => now(vec![Err(A2AError::task_not_cancelable(&ctx.task_id))]),
            _ => now(vec![say.status(TaskState::Canceled)]),
        }
    }
}

fn now(
    events: Vec<Result<StreamResponse, A2AError>>,
) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
    stream::iter(events).boxed()
}

fn later(
    after: Duration,
    events: Vec<Result<StreamResponse, A2AError>>,
) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
    let step: Step = Box::pin(async move {
        sleep(after).await;
        events
    });
    stream::once(step).flat_map(stream::iter).boxed()
}

/// Makes events of one task.
#[derive(Clone)]
pub(crate) struct Say {
    pub(crate) task: String,
    pub(crate) context: String,
}

impl Say {
    pub(crate) fn status(&self, state: TaskState) -> Result<StreamResponse, A2AError> {
        Ok(StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
            task_id: self.task.clone(),
            context_id: self.context.clone(),
            status: TaskStatus { state, message: None, timestamp: None },
            metadata: None,
        }))
    }

    pub(crate) fn artifact(&self, text: &str, append: bool) -> Result<StreamResponse, A2AError> {
        self.part(Part::text(text), append)
    }

    fn part(&self, part: Part, append: bool) -> Result<StreamResponse, A2AError> {
        Ok(StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
            task_id: self.task.clone(),
            context_id: self.context.clone(),
            artifact: Artifact {
                artifact_id: "out".into(),
                name: None,
                description: None,
                parts: vec![part],
                metadata: None,
                extensions: None,
            },
            append: Some(append),
            last_chunk: None,
            metadata: None,
        }))
    }
}
