//! The agent as the SDK's `AgentExecutor`; ours takes the same.

use a2a::{
    A2AError, Artifact, Part, StreamResponse, TaskArtifactUpdateEvent, TaskState, TaskStatus,
    TaskStatusUpdateEvent,
};
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::stream::{self, BoxStream, StreamExt};

use crate::script::{self, Go, Said};

#[derive(Debug)]
pub(crate) struct Scripted(pub(crate) Go);

impl AgentExecutor for Scripted {
    fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        let text =
            ctx.message.as_ref().and_then(|message| message.parts.first()?.as_text()).unwrap_or_default();
        script::play(text, self.0.clone()).map(move |said| Ok(event(&ctx, said))).boxed()
    }

    fn cancel(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        stream::iter([Ok(status(&ctx, TaskState::Canceled))]).boxed()
    }
}

fn event(ctx: &ExecutorContext, said: Said) -> StreamResponse {
    match said {
        Said::Working => status(ctx, TaskState::Working),
        Said::Completed => status(ctx, TaskState::Completed),
        Said::Chunk { text, first, last } => StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
            task_id: ctx.task_id.clone(),
            context_id: ctx.context_id.clone(),
            artifact: Artifact {
                artifact_id: "answer".into(),
                name: None,
                description: None,
                parts: vec![Part::text(text)],
                metadata: None,
                extensions: None,
            },
            append: Some(!first),
            last_chunk: Some(last),
            metadata: None,
        }),
    }
}

fn status(ctx: &ExecutorContext, state: TaskState) -> StreamResponse {
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: ctx.task_id.clone(),
        context_id: ctx.context_id.clone(),
        status: TaskStatus { state, message: None, timestamp: None },
        metadata: None,
    })
}
