//! The built-in agent: does what the text of a message tells it, so that anyone can try every path of the protocol.

mod command;
mod events;
mod running;
mod script;

pub(crate) mod chunk;

use std::fmt;
use std::sync::Arc;

use a2a::{A2AError, Message, Part, Role, StreamResponse, Task, TaskState};
use a2a_core::Env;
use a2a_server::{AgentExecutor, ExecutorContext};
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use command::Command;
pub(crate) use command::{CATALOG, Entry};
use events::Turn;
use running::Running;
use script::Begun;

/// The stream of events that an agent answers with.
type Events = BoxStream<'static, Result<StreamResponse, A2AError>>;

/// Runs one [`Command`] per turn; the next message to a task that it parked completes that
/// task. Run again on a task whose server was lost, it goes on where it was.
pub(crate) struct BuiltIn {
    running: Arc<Running>,
    env: Arc<dyn Env>,
}

impl BuiltIn {
    /// Makes an agent that runs nothing yet. Instances must not share one: each stops only its own work.
    pub(crate) fn new(env: Arc<dyn Env>) -> Self {
        Self { running: Arc::default(), env }
    }

    fn turn(&self, ctx: &ExecutorContext) -> Turn {
        Turn::new(ctx.task_id.clone(), ctx.context_id.clone(), Arc::clone(&self.env))
    }
}

impl AgentExecutor for BuiltIn {
    fn execute(&self, ctx: ExecutorContext) -> Events {
        let permit = self.running.enter(running::key(&ctx));
        let script = plan(&ctx, self.turn(&ctx));
        // Looking at the stop signal first makes a cancel win over an agent that always has a next event.
        stream::unfold((script, permit), |(mut script, permit)| async move {
            tokio::select! {
                biased;
                () = permit.stopped() => None,
                event = script.next() => event.map(|event| (event, (script, permit))),
            }
        })
        .boxed()
    }

    fn cancel(&self, ctx: ExecutorContext) -> Events {
        self.running.stop(&running::key(&ctx));
        let canceled = self.turn(&ctx).status(TaskState::Canceled, "Cancelled on request.");
        stream::iter([Ok(canceled)]).boxed()
    }
}

impl fmt::Debug for BuiltIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BuiltIn").field("running", &self.running).finish_non_exhaustive()
    }
}

fn plan(ctx: &ExecutorContext, turn: Turn) -> Events {
    let text = ctx.message.as_ref().map(text_of).unwrap_or_default();
    let begun = ctx.stored_task.as_ref().map(Begun::on).unwrap_or_default();
    if ctx.stored_task.as_ref().is_some_and(|task| is_parked(task) || is_answered(task)) {
        return script::answered(turn, text, &begun);
    }
    match Command::parse(&text) {
        Ok(command) => script::play(command, turn, &begun),
        Err(misuse) => script::refused(turn, &misuse),
    }
}

fn is_parked(task: &Task) -> bool {
    task.status.state == TaskState::InputRequired
}

/// Tells whether the task got its answer, and lost the server that was to make something of it.
fn is_answered(task: &Task) -> bool {
    let messages = task.history.iter().flatten();
    messages.filter(|message| message.role == Role::User).count() > 1
}

fn text_of(message: &Message) -> String {
    message.parts.iter().filter_map(Part::as_text).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
pub(crate) mod tests;
