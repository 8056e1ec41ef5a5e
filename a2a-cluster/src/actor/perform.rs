//! Doing what a core wants done, and telling it what came of it.
//!
//! Each call is polled once where it was asked for: what is over without waiting needs no task of the runtime. What
//! waits goes on in a task of its own, and whoever stepped the actor goes on with something else.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use a2a_core::{BackendError, BusMessage, CancelRequest, Claim, News, Reach, Replay, Version, reduce};
use futures::FutureExt;
use tracing::Instrument;

use super::agent_task;
use super::commit::commit;
use super::core::{Effect, Input, Later, ReadFailed, Report, Seen, Settled, StartAgent, Ticket, Written};
use super::handle::{Handle, State};
use crate::error::Chain;
use crate::instance::Instance;
use crate::retry::bounded;
use crate::telemetry::{self, TakeOver, sending, trace};
use crate::webhook;

/// How many calls may be over at once in a row before others get their turn.
const AT_ONCE: u32 = 64;

type Work = Pin<Box<dyn Future<Output = Option<Input>> + Send>>;

/// Whose thread it is that does what an actor wants. An agent may block the thread that polls it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// It serves others, too: the clock, the bus. No agent is polled here.
    Shared,
    /// It serves this request, whose agent may be polled here.
    Request(Ticket),
    /// It is a task of the runtime that serves this actor only.
    Own,
}

/// Tells an actor something, unless it has ended.
pub(crate) fn drive(instance: &Arc<Instance>, handle: &Arc<Handle>, input: Input) {
    let mut fx = Vec::new();
    if handle.step(instance, input, |_| {}, &mut fx).is_ok() {
        perform(instance, handle, fx, Place::Shared);
    }
}

/// Tells an actor something after `prepare`, unless it has ended; from a task that serves this actor only.
pub(super) fn drive_with(
    instance: &Arc<Instance>,
    handle: &Arc<Handle>,
    input: Input,
    prepare: impl FnOnce(&mut State),
) {
    let mut fx = handle.take_spare();
    if handle.step(instance, input, prepare, &mut fx).is_ok() {
        perform(instance, handle, fx, Place::Own);
    }
}

/// Does what a step left to do, and what follows from that. An agent comes last, and once the clock is set: nothing of the
/// actor waits for one that blocks.
pub(super) fn perform(instance: &Arc<Instance>, handle: &Arc<Handle>, fx: Vec<Effect>, place: Place) {
    // The next one is at the end; what follows from one is done before what came after it.
    let mut todo = fx;
    todo.reverse();
    let mut calls = 0;
    let mut agent = None;
    while let Some(effect) = todo.pop() {
        let input = match begin(instance, handle, effect) {
            Begun::Done(input) => input,
            Begun::Call(mut work) => {
                calls += 1;
                let ready = if calls <= AT_ONCE { work.as_mut().now_or_never() } else { None };
                ready.unwrap_or_else(|| {
                    spawn(instance, handle, work);
                    None
                })
            }
            Begun::Agent(start) => {
                // One whose place is taken at once only learns that.
                if let Some(earlier) = agent.replace(start) {
                    start_agent(instance, handle, earlier, Place::Shared);
                }
                None
            }
        };
        if let Some(input) = input {
            let waiting = todo.len();
            // Where it has ended nothing is left to do.
            let _ = handle.step(instance, input, |_| {}, &mut todo);
            if let Some(added) = todo.get_mut(waiting..) {
                added.reverse();
            }
        }
    }
    handle.give_spare(todo);
    arm(instance, handle);
    if let Some(start) = agent {
        start_agent(instance, handle, start, place);
        arm(instance, handle);
    }
}

/// Sees to it that the clock steps the actor when it wants to be.
fn arm(instance: &Arc<Instance>, handle: &Arc<Handle>) {
    if let Some(due) = handle.arm(instance.actors.origin()) {
        instance.actors.timers.add(due, handle);
    }
}

/// Starts an agent: polled once where its request asked for it, so that what is over without waiting needs no task of
/// the runtime.
fn start_agent(instance: &Arc<Instance>, handle: &Arc<Handle>, start: Box<StartAgent>, place: Place) {
    let Some((control, deposit)) = handle.take_start(start.agent, start.ticket) else { return };
    let is_here = match place {
        Place::Shared => false,
        Place::Request(ticket) => start.ticket == Some(ticket),
        Place::Own => true,
    };
    let polls = is_here && deposit.as_ref().is_some_and(|deposit| !deposit.detached);
    let trace = trace::current().map(|cause| cause.child(&*instance.env));
    let version = handle.look(|actor| actor.ring().head()).unwrap_or_default();
    let span = telemetry::run(instance, handle.key(), version, trace);
    let run = agent_task::run(Arc::clone(instance), Arc::clone(handle), start, control, deposit);
    let mut work: Work = Box::pin(trace::within(trace, run).instrument(span).map(|()| None));
    if !polls || work.as_mut().now_or_never().is_none() {
        spawn(instance, handle, work);
    }
}

fn spawn(instance: &Arc<Instance>, handle: &Arc<Handle>, work: Work) {
    let (owner, handle) = (Arc::clone(instance), Arc::clone(handle));
    let closing = instance.closing.clone();
    instance.tracker.spawn(trace::carried(async move {
        // What still waits for an answer when the instance closes is cut short.
        if let Some(Some(input)) = closing.run_until_cancelled(work).await {
            drive_with(&owner, &handle, input, |_| {});
        }
    }));
}

enum Begun {
    Done(Option<Input>),
    /// Polled once where it was asked for.
    Call(Work),
    /// An agent that is to start.
    Agent(Box<StartAgent>),
}

fn begin(instance: &Arc<Instance>, handle: &Arc<Handle>, effect: Effect) -> Begun {
    let key = handle.key();
    Begun::Done(match effect {
        Effect::WakeReaders => {
            handle.wake_readers();
            None
        }
        Effect::Hint(to, news) => {
            instance.tell(to, key, reached_as(instance, news));
            None
        }
        Effect::Attend => {
            webhook::attend(instance, key);
            None
        }
        Effect::HandOver(_) => {
            instance.leave_unattended(key);
            None
        }
        Effect::Report(report) => {
            tell(instance, handle, report);
            None
        }
        Effect::StopAgent(agent) => Some(Input::AgentGone(agent)),
        Effect::Start(start) => return Begun::Agent(start),
        Effect::Commit(call) => {
            let (instance, handle) = (Arc::clone(instance), Arc::clone(handle));
            return Begun::Call(Box::pin(async move {
                let _waiting = instance.admission.commit(handle.load());
                Some(commit(&instance, handle.key(), call).await)
            }));
        }
        effect => return Begun::Call(Box::pin(call(Arc::clone(instance), Arc::clone(handle), effect))),
    })
}

/// Makes a call of the store or the bus.
async fn call(instance: Arc<Instance>, handle: Arc<Handle>, effect: Effect) -> Option<Input> {
    let key = handle.key();
    let limit = instance.config.lease;
    Some(match effect {
        Effect::Release(claim) => release(&instance, &handle, claim).await,
        Effect::Load => Input::Loaded(load(&instance, &handle).await),
        Effect::Watch => {
            let watched = bounded(limit, instance.tasks.watch(key, &instance.id)).await;
            Input::Watched(
                watched.map(|stored| stored.as_ref().map(Seen::of)).map_err(|error| failed(&handle, &error)),
            )
        }
        Effect::Unwatch => {
            if let Err(error) = bounded(limit, instance.tasks.unwatch(key, &instance.id)).await {
                tracing::debug!(task = %key, error = %Chain(&error), "a watcher that left stays recorded");
            }
            return None;
        }
        Effect::Read(after) => {
            Input::Read(match bounded(limit, instance.tasks.commits_after(key, after)).await {
                Ok(Replay::Commits(commits)) => Ok(Later::Commits(commits)),
                Ok(Replay::Snapshot(stored)) => Ok(Later::Snapshot(Seen::of(&stored))),
                Err(error) => Err(failed(&handle, &error)),
            })
        }
        Effect::ReadHead => Input::Head(
            bounded(limit, instance.tasks.head(key)).await.map_err(|error| failed(&handle, &error)),
        ),
        Effect::ReadWatchers(after) => {
            let watchers = instance.retry_for_request().run(|| instance.tasks.watchers(key)).await;
            let watchers = watchers.unwrap_or_else(|error| {
                // They find the task's news by themselves, later.
                tracing::warn!(task = %key, error = %Chain(&error), "watchers of a claimed task are unknown");
                Default::default()
            });
            Input::Watchers(watchers.into_iter().map(|who| (who, Reach::Direct)).collect(), after)
        }
        Effect::ForgetWatcher(gone) => {
            if let Err(error) = bounded(limit, instance.tasks.unwatch(key, &gone)).await {
                tracing::debug!(error = %Chain(&error), "a watcher that is gone stays recorded");
            }
            return None;
        }
        Effect::FindMember(who) => {
            let found = bounded(limit, instance.members.member(&who)).await;
            Input::Member(who, found.map(|member| member.map(|member| member.state)).map_err(|_| ReadFailed))
        }
        Effect::Send { to, news, first } => send(&instance, &handle, &to, news, first).await,
        _ => return None,
    })
}

/// What is known here only: the way in which this instance is reached, and how large a hint may be.
fn reached_as(instance: &Instance, news: News) -> News {
    match news {
        News::Watch { after, .. } => News::Watch { after, reach: instance.connection.reach() },
        // The agent of another instance hears of a cancel in any case, of its metadata where that is small.
        News::Cancel(Some(mut request)) if is_large(&request) => {
            request.metadata = None;
            News::Cancel(Some(request))
        }
        news => news,
    }
}

/// Metadata beyond this is not sent to other instances.
const CANCEL_BYTES: usize = 4 * 1024;

fn is_large(request: &CancelRequest) -> bool {
    let metadata = request.metadata.as_ref();
    metadata.is_some_and(|data| serde_json::to_vec(data).is_ok_and(|json| json.len() > CANCEL_BYTES))
}

async fn release(instance: &Instance, handle: &Handle, claim: Claim) -> Input {
    let key = handle.key();
    let released = instance.retry_for_request().run(|| instance.tasks.release(key, &claim)).await;
    let outcome = match released {
        Ok(()) => Written::Applied,
        Err(error) => {
            tracing::warn!(task = %key, error = %Chain(&error), "a parked task keeps its executor for now");
            instance.leave_unattended(key);
            Written::Unknown
        }
    };
    Input::Written { record: None, outcome }
}

async fn load(
    instance: &Instance,
    handle: &Handle,
) -> Result<Option<(Box<a2a_core::StoredTask>, bool)>, ReadFailed> {
    let key = handle.key();
    let loaded = instance.retry_until_stopped().run(|| instance.tasks.load(key)).await;
    let Some(stored) = loaded.map_err(|error| failed(handle, &error))? else { return Ok(None) };
    let pending = instance.declares_webhooks() && {
        let configs = instance.retry_for_request().run(|| instance.push.list_configs(key)).await;
        let is_over = reduce::ends_turn(&stored.task.status.state);
        match configs {
            Ok(configs) if is_over => configs.iter().any(|config| config.acknowledged < stored.version),
            Ok(configs) => !configs.is_empty(),
            // Whoever attends to them finds out.
            Err(error) => {
                tracing::debug!(task = %key, error = %Chain(&error), "a task's webhooks cannot be read yet");
                true
            }
        }
    };
    Ok(Some((Box::new(stored), pending)))
}

async fn send(
    instance: &Instance,
    handle: &Handle,
    to: &[a2a_core::Recipient],
    news: News,
    first: Version,
) -> Input {
    let trace = trace::header(&*instance.env);
    let message = BusMessage { from: instance.id, task: handle.key().clone(), news, trace };
    // One that hangs must not be the last: what comes after it waits for its end.
    let sent = bounded(instance.config.request_patience, instance.send(to, &message));
    match sent.instrument(sending(instance, &message)).await {
        Ok(delivery) => {
            if let Some(since) = handle.known_since(first) {
                instance.meters.send_seconds.record(instance.actors.now().saturating_sub(since));
            }
            Input::Sent { gone: delivery.gone }
        }
        // A follower that misses a message asks the store.
        Err(error) => {
            tracing::warn!(error = %Chain(&error), "news of a task could not be sent");
            Input::Sent { gone: Vec::new() }
        }
    }
}

fn failed(handle: &Handle, error: &BackendError) -> ReadFailed {
    tracing::debug!(task = %handle.key(), error = %Chain(error), "a task cannot be read yet");
    ReadFailed
}

/// Counts and logs what an operator may want to know.
fn tell(instance: &Instance, handle: &Handle, report: Report) {
    let task = handle.key();
    match report {
        Report::Lost => tracing::info!(%task, "another writer has the task; its agent stops here"),
        Report::BrokeProtocol(refusal) => tracing::warn!(%task, %refusal, "an agent broke the protocol"),
        Report::TooLarge => tracing::warn!(%task, "an agent's output is too large"),
        Report::Broken => tracing::error!(%task, "a task cannot be committed"),
        Report::CancelEnforced => {
            tracing::warn!(%task, "an executor did not cancel in time; its task is cancelled without it");
        }
        Report::Overdue => {
            instance.meters.overdue.increment(1);
            tracing::warn!(%task, "an agent took too long, and is asked to stop");
        }
        Report::Turn(outcome) => instance.meters.turn_ended(outcome),
        Report::GapRepaired => instance.meters.gap_repairs.increment(1),
        Report::SilenceChecked(found) => instance.meters.silence_checked(found),
        Report::TakenOver(settled) => match settled {
            Settled::Failed => {
                instance.meters.taken_over(TakeOver::Failed);
                tracing::warn!(%task, "a task of a lost instance is failed");
            }
            Settled::Resumed => {
                instance.meters.taken_over(TakeOver::Resumed);
                tracing::warn!(%task, "a task of a lost instance is resumed");
            }
            Settled::Ended => instance.meters.taken_over(TakeOver::Released),
            Settled::Delivering => tracing::info!(%task, "a lost instance's webhooks are served from here"),
            Settled::NotTheirs => instance.meters.taken_over(TakeOver::Lost),
            Settled::Again => {}
        },
    }
}
