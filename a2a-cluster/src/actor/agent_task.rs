//! Polling one agent: what it says goes to its actor, and what the actor wants of it is done between two polls.
//!
//! A poll cannot be cut short. So nothing else is done here: commits, timers and commands go their own way while an
//! agent computes, or blocks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use a2a::{Message, Role, Task, TaskPushNotificationConfig};
use a2a_core::{CallerContext, CancelRequest, Principal, TaskKey, commit};
use a2a_server::{ExecutorContext, ServiceParams, User};
use futures::StreamExt;
use futures::stream::FusedStream;
use futures::task::AtomicWaker;
use serde_json::{Value, json};

use super::agent_stream::AgentStream;
use super::core::{AgentId, AgentOutput, Input, StartAgent, TurnKind};
use super::handle::Handle;
use super::perform::drive_with;
use super::registry::Actors;
use crate::admission::{Held, Permit};
use crate::ground::give_way;

/// Under this key an agent finds in its context's metadata why it was started, where that was not by a message:
/// `{"kind": "resumed" | "handedOver", "attempt": 2}`.
pub(crate) const TURN: &str = "urn:a2a-cluster:turn:v1";

/// Polls that take longer are counted and logged: an agent that computes so long keeps a thread from everybody else.
const LONG_POLL: Duration = Duration::from_millis(100);
/// How much room is made for an agent that says more than one thing at a time.
const MANY: usize = 15;
/// How many batches an agent may say in a row before others get their turn.
const BATCHES: u32 = 16;

/// What a caller's request brings for its agent.
pub(crate) struct Deposit {
    /// What the agent gets to see; the stored task is filled in when it starts.
    pub(crate) context: ExecutorContext,
    /// A config that came with a message to a parked task: it is saved once the task is claimed.
    pub(crate) config: Option<TaskPushNotificationConfig>,
    /// Its request waits for nothing that the agent says.
    pub(crate) detached: bool,
    /// The right to run it.
    pub(crate) permit: Arc<Permit>,
    /// Let go once the agent has what is here.
    pub(crate) held: Option<Held>,
}

/// What an actor wants of an agent that runs.
#[derive(Debug, Default)]
pub(super) struct AgentControl {
    stopped: AtomicBool,
    /// Nothing is left of the agent.
    gone: AtomicBool,
    cancel: Mutex<Option<Box<CancelRequest>>>,
    waker: AtomicWaker,
}

impl AgentControl {
    /// Drops the agent at its next poll.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Calls the agent's `cancel`.
    pub(super) fn cancel(&self, request: Box<CancelRequest>) {
        *self.cancel.lock().unwrap_or_else(PoisonError::into_inner) = Some(request);
        self.waker.wake();
    }

    /// There is room again.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }

    /// Tells whether nothing is left of the agent: it may block its thread while it is being dropped.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn take_cancel(&self) -> Option<Box<CancelRequest>> {
        self.cancel.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Notes that an agent is gone, however its task ends: also where that is dropped before its first poll.
pub(super) struct Gone(pub(super) Arc<AgentControl>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::Release);
    }
}

/// What a wait for an agent ended with.
enum Heard {
    Outputs(Vec<AgentOutput>),
    /// The actor wants something.
    Command,
}

/// Runs an agent until it has nothing more to say, or is stopped.
pub(super) async fn run(
    actors: Arc<Actors>,
    handle: Arc<Handle>,
    start: Box<StartAgent>,
    // Dropped last, after the agent's stream.
    gone: Gone,
    deposit: Option<Deposit>,
) {
    let control = Arc::clone(&gone.0);
    let agent = start.agent;
    // It counts as one that runs for as long as it is there, whatever becomes of its task.
    let _permit = deposit.as_ref().map(|deposit| Arc::clone(&deposit.permit));
    let mut stream = begin(&actors, &handle, *start, deposit).await;
    let mut batches = 0;
    while !control.is_stopped() {
        if let Some(request) = control.take_cancel()
            && let Some((task, principal)) =
                handle.look(|actor| Some((actor.task()?, actor.principal()))).flatten()
        {
            let context = own_context(handle.key(), &task, principal.as_ref(), *request);
            timed(&actors, &handle, || stream.cancel(&*actors.agent, context));
        }
        let listen = |cx: &mut Context<'_>| listen(&mut stream, &actors, &handle, agent, &control, cx);
        let heard = std::future::poll_fn(listen).await;
        let Heard::Outputs(outputs) = heard else { continue };
        if outputs.iter().any(|output| matches!(output, AgentOutput::Panicked)) {
            panicked(&actors, &handle);
        }
        let ended = outputs.iter().any(|output| matches!(output, AgentOutput::Ended));
        if ended {
            // The agent's work ends before anyone can start it anew.
            drop(stream);
            drive_with(&actors, &handle, Input::Said(agent, outputs), |state| state.agent_gone(agent));
            return;
        }
        drive_with(&actors, &handle, Input::Said(agent, outputs), |_| {});
        batches += 1;
        if batches % BATCHES == 0 {
            give_way().await;
        }
    }
    if timed(&actors, &handle, || stream.end()) {
        panicked(&actors, &handle);
    }
    drive_with(&actors, &handle, Input::AgentGone(agent), |state| state.agent_gone(agent));
}

/// Counts and logs a panic. What the agent said at that is the panic hook's to show.
fn panicked(actors: &Actors, handle: &Handle) {
    actors.ground.meters.panics.increment(1);
    tracing::error!(task = %handle.key(), "an agent panicked");
}

/// Calls something of the agent's. Where it keeps the thread for long, that is counted and logged.
fn timed<T>(actors: &Actors, handle: &Handle, call: impl FnOnce() -> T) -> T {
    // The thread's own time, whatever the runtime's clock says.
    let began = std::time::Instant::now();
    let result = call();
    let took = began.elapsed();
    if took >= LONG_POLL {
        actors.ground.meters.long_polls.increment(1);
        tracing::warn!(task = %handle.key(), millis = took.as_millis(), "an agent kept a thread of the runtime busy");
    }
    result
}

/// Calls the agent.
async fn begin(
    actors: &Arc<Actors>,
    handle: &Handle,
    start: StartAgent,
    deposit: Option<Deposit>,
) -> AgentStream {
    let StartAgent { kind, attempt, task, base, principal, caller, cancel, .. } = start;
    let mut context = match deposit {
        Some(deposit) => {
            let Deposit { mut context, config, held, .. } = deposit;
            if let Some(config) = config {
                let before = handle.look(|actor| actor.version_before_turn()).flatten().unwrap_or_default();
                if let Some(deliveries) = actors.deliveries() {
                    deliveries.save(handle.key(), before, config).await;
                }
            }
            context.stored_task = base.map(|base| Task::clone(&base));
            context.user = context.user.or_else(|| user(principal.as_ref()));
            know(&mut context, caller.unwrap_or_default());
            drop(held);
            context
        }
        None => {
            let cancel = cancel.map(|cancel| *cancel);
            let request = cancel
                .unwrap_or_else(|| CancelRequest { metadata: None, caller: caller.unwrap_or_default() });
            own_context(handle.key(), &task, principal.as_ref(), request)
        }
    };
    match kind {
        TurnKind::First | TurnKind::FollowUp => context.metadata = without_turn(context.metadata),
        TurnKind::Resumed { handed_over } => resume(&mut context, &task, handed_over, attempt),
        TurnKind::CancelOnly => {
            return timed(actors, handle, || AgentStream::cancel_only(&*actors.agent, context));
        }
    }
    timed(actors, handle, || AgentStream::execute(&*actors.agent, context))
}

/// Takes what the agent says without waiting, as much as there is room for.
fn listen(
    stream: &mut AgentStream,
    actors: &Actors,
    handle: &Handle,
    agent: AgentId,
    control: &AgentControl,
    cx: &mut Context<'_>,
) -> Poll<Heard> {
    control.waker.register(cx.waker());
    if control.is_stopped() || control.cancel.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
        return Poll::Ready(Heard::Command);
    }
    if stream.is_terminated() || !handle.has_room(agent) {
        return Poll::Pending;
    }
    let outputs = timed(actors, handle, || {
        let mut outputs = Vec::new();
        let mut bytes = 0;
        while outputs.len() < commit::MAX_EVENTS && bytes < commit::TARGET_BYTES {
            match stream.poll_next_unpin(cx) {
                Poll::Ready(Some(output)) => {
                    bytes += output.bytes();
                    // Most agents say one thing at a time; one that says more says many.
                    match outputs.len() {
                        0 => outputs.reserve_exact(1),
                        1 => outputs.reserve_exact(MANY),
                        _ => {}
                    }
                    outputs.push(output);
                }
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        outputs
    });
    if outputs.is_empty() { Poll::Pending } else { Poll::Ready(Heard::Outputs(outputs)) }
}

/// What a resumed agent sees beside the task: its caller's last message, and why it was started.
fn resume(context: &mut ExecutorContext, task: &Task, handed_over: bool, attempt: u32) {
    let messages = task.history.iter().flatten();
    let message: Option<Message> = messages.rev().find(|message| message.role == Role::User).cloned();
    context.message = message;
    let kind = if handed_over { "handedOver" } else { "resumed" };
    let turn = json!({ "kind": kind, "attempt": attempt });
    context.metadata.get_or_insert_default().insert(TURN.to_owned(), turn);
}

/// Metadata of a request, without what only this server says.
fn without_turn(mut metadata: Option<HashMap<String, Value>>) -> Option<HashMap<String, Value>> {
    if let Some(metadata) = &mut metadata {
        metadata.remove(TURN);
    }
    metadata
}

/// What an agent sees that no message started.
fn own_context(
    key: &TaskKey,
    task: &Task,
    principal: Option<&Principal>,
    request: CancelRequest,
) -> ExecutorContext {
    let mut context = ExecutorContext {
        message: None,
        task_id: task.id.clone(),
        stored_task: Some(task.clone()),
        context_id: task.context_id.clone(),
        metadata: without_turn(request.metadata),
        user: user(principal),
        service_params: ServiceParams::new(),
        tenant: (!key.tenant.as_str().is_empty()).then(|| key.tenant.as_str().to_owned()),
    };
    know(&mut context, request.caller);
    context
}

/// Lets an agent know what is known of its caller.
fn know(context: &mut ExecutorContext, caller: CallerContext) {
    context.service_params.extend(caller.headers);
    if !caller.claims.is_empty() {
        // Claims without a name are a caller's whom nobody tells from others.
        let user = context.user.get_or_insert_with(|| User {
            name: String::new(),
            authenticated: false,
            attributes: HashMap::new(),
        });
        user.attributes.extend(caller.claims);
    }
}

/// The authenticated caller as the SDK has it.
fn user(principal: Option<&Principal>) -> Option<User> {
    principal.map(|principal| User::authenticated(principal.as_str()))
}
