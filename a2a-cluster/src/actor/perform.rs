//! Doing what a core wants done, and telling it what came of it.
//!
//! Each call is polled once where it was asked for: what is over without waiting needs no task of the runtime. What
//! waits goes on in a task of its own, and whoever stepped the actor goes on with something else.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use a2a_core::{BackendError, BusMessage, CancelRequest, Claim, News, Reach, Replay, Version};
use futures::FutureExt;
use tracing::Instrument;

use super::agent_task::{self, Gone};
use super::call::Call;
use super::commit::commit;
use super::core::{
    Effect, Input, Later, ReadFailed, Report, Seen, StartAgent, TakeOverOutcome, Ticket, Written,
    lacks_events,
};
use super::handle::{Handle, State};
use super::registry::Actors;
use crate::ground::telemetry::{self, Counted, TakeOver, sending, trace};
use crate::ground::{Chain, bounded, warn_of};

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
pub(crate) fn drive(actors: &Arc<Actors>, handle: &Arc<Handle>, input: Input) {
    let mut fx = Vec::new();
    if handle.step(actors, input, |_| {}, &mut fx).is_ok() {
        perform(actors, handle, fx, Place::Shared);
    }
}

/// Tells an actor something after `prepare`, unless it has ended; from a task that serves this actor only.
pub(super) fn drive_with(
    actors: &Arc<Actors>,
    handle: &Arc<Handle>,
    input: Input,
    prepare: impl FnOnce(&mut State),
) {
    let mut fx = handle.take_spare();
    if handle.step(actors, input, prepare, &mut fx).is_ok() {
        perform(actors, handle, fx, Place::Own);
    }
}

/// Does what a step left to do, and what follows from that. An agent comes last, and once the clock is set: nothing of the
/// actor waits for one that blocks.
pub(super) fn perform(actors: &Arc<Actors>, handle: &Arc<Handle>, fx: Vec<Effect>, place: Place) {
    // The next one is at the end; what follows from one is done before what came after it.
    let mut todo = fx;
    todo.reverse();
    let mut calls = 0;
    let mut agent = None;
    while let Some(effect) = todo.pop() {
        let input = match begin(actors, handle, effect) {
            Begun::Done(input) => input,
            Begun::Call(call) => {
                calls += 1;
                let ready = if calls <= AT_ONCE { call.at_once() } else { Err(call) };
                ready.unwrap_or_else(|call| {
                    spawn(actors, handle, call);
                    None
                })
            }
            Begun::Agent(start) => {
                // One whose place is taken at once only learns that.
                if let Some(earlier) = agent.replace(start) {
                    start_agent(actors, handle, earlier, Place::Shared);
                }
                None
            }
        };
        if let Some(input) = input {
            let waiting = todo.len();
            // Where it has ended nothing is left to do.
            let _ = handle.step(actors, input, |_| {}, &mut todo);
            if let Some(added) = todo.get_mut(waiting..) {
                added.reverse();
            }
        }
    }
    handle.give_spare(todo);
    arm(actors, handle);
    if let Some(start) = agent {
        start_agent(actors, handle, start, place);
        arm(actors, handle);
    }
}

/// Sees to it that the clock steps the actor when it wants to be.
fn arm(actors: &Arc<Actors>, handle: &Arc<Handle>) {
    if let Some(due) = handle.arm(actors.origin()) {
        actors.timers.add(due, handle);
    }
}

/// Starts an agent: polled once where its request asked for it, so that what is over without waiting needs no task of
/// the runtime.
fn start_agent(actors: &Arc<Actors>, handle: &Arc<Handle>, start: Box<StartAgent>, place: Place) {
    let Some((control, deposit)) = handle.take_start(start.agent, start.ticket) else { return };
    let is_here = match place {
        Place::Shared => false,
        Place::Request(ticket) => start.ticket == Some(ticket),
        Place::Own => true,
    };
    let polls = is_here && deposit.as_ref().is_some_and(|deposit| !deposit.detached);
    let trace = trace::current().map(|cause| cause.child(&*actors.ground.env));
    let version = handle.look(|actor| actor.ring().head()).unwrap_or_default();
    let span = telemetry::run(&actors.ground, handle.key(), version, trace);
    let run = agent_task::run(Arc::clone(actors), Arc::clone(handle), start, Gone(control), deposit);
    let mut work: Work = Box::pin(trace::within(trace, run).instrument(span).map(|()| None));
    if !polls || work.as_mut().now_or_never().is_none() {
        spawn(actors, handle, work);
    }
}

fn spawn(
    actors: &Arc<Actors>,
    handle: &Arc<Handle>,
    work: impl Future<Output = Option<Input>> + Send + 'static,
) {
    let (owner, handle) = (Arc::clone(actors), Arc::clone(handle));
    let closing = actors.ground.stop.closing.clone();
    actors.ground.tracker.spawn(trace::carried(async move {
        // What still waits for an answer when the instance closes is cut short.
        if let Some(Some(input)) = closing.run_until_cancelled(work).await {
            drive_with(&owner, &handle, input, |_| {});
        }
    }));
}

enum Begun {
    Done(Option<Input>),
    /// Polled once where it was asked for.
    Call(Call),
    /// An agent that is to start.
    Agent(Box<StartAgent>),
}

fn begin(actors: &Arc<Actors>, handle: &Arc<Handle>, effect: Effect) -> Begun {
    let key = handle.key();
    Begun::Done(match effect {
        Effect::WakeReaders => {
            handle.wake_readers();
            None
        }
        Effect::Hint(to, news) => {
            actors.ground.tell(to, key, reached_as(actors, news));
            None
        }
        Effect::Attend => {
            if let Some(deliveries) = actors.deliveries() {
                deliveries.attend(key);
            }
            None
        }
        Effect::HandOver(_) => {
            actors.ground.unattended.note(key);
            None
        }
        Effect::Report(report) => {
            tell(actors, handle, report);
            None
        }
        Effect::StopAgent(agent) => Some(Input::AgentGone(agent)),
        Effect::Start(start) => return Begun::Agent(start),
        Effect::Commit(call) => {
            let (actors, handle) = (Arc::clone(actors), Arc::clone(handle));
            return Begun::Call(Call::new(async move {
                let _waiting = actors.admission.commit(handle.load());
                let _counted = Counted::by(&actors.ground.meters.waiting_commits);
                Some(commit(&actors.ground, handle.key(), call).await)
            }));
        }
        // What is committed until the bus has taken this goes into the next message.
        Effect::Send { .. } => {
            spawn(actors, handle, make_call(Arc::clone(actors), Arc::clone(handle), effect));
            None
        }
        // Who leaves unwatches what it has, and watches nothing more.
        Effect::Watch if actors.ground.stop.closing.is_cancelled() => None,
        effect => return Begun::Call(Call::new(make_call(Arc::clone(actors), Arc::clone(handle), effect))),
    })
}

/// Makes a call of the store or the bus.
async fn make_call(actors: Arc<Actors>, handle: Arc<Handle>, effect: Effect) -> Option<Input> {
    let key = handle.key();
    let limit = actors.ground.config.lease;
    Some(match effect {
        Effect::Release(claim) => release(&actors, &handle, claim).await,
        Effect::Load => Input::Loaded(load(&actors, &handle).await),
        Effect::FenceAndLoad(id) => {
            let fence = || actors.ground.tasks.fence(key, id);
            Input::Loaded(match actors.ground.retry_until_stopped().run(fence).await {
                Ok(_) => load(&actors, &handle).await,
                Err(error) => Err(failed(&handle, &error)),
            })
        }
        Effect::Watch => {
            actors.watching.begin(key);
            let watched = bounded(limit, actors.ground.tasks.watch(key, &actors.ground.id)).await;
            if let Ok(None) = watched {
                // What is not there has no watchers.
                actors.watching.forget(key);
            }
            Input::Watched(
                watched.map(|stored| stored.as_ref().map(Seen::of)).map_err(|error| failed(&handle, &error)),
            )
        }
        Effect::Unwatch => {
            let last = actors.watching.last(key);
            match bounded(limit, actors.ground.tasks.unwatch(key, &actors.ground.id)).await {
                Ok(()) => actors.watching.end(key, last),
                // It is tried again when this instance leaves.
                Err(error) => {
                    tracing::debug!(task = %key, error = %Chain(&error), "a watcher that left stays recorded");
                }
            }
            return None;
        }
        Effect::Read(after) => {
            Input::Read(match bounded(limit, actors.ground.tasks.commits_after(key, after)).await {
                Ok(Replay::Commits(commits)) => Ok(Later::Commits(commits)),
                Ok(Replay::Snapshot(stored)) => Ok(Later::Snapshot(Seen::of(&stored))),
                Err(error) => Err(failed(&handle, &error)),
            })
        }
        Effect::ReadHead => Input::Head(
            bounded(limit, actors.ground.tasks.head(key)).await.map_err(|error| failed(&handle, &error)),
        ),
        Effect::ReadWatchers(after) => {
            let watchers = actors.ground.retry_for_request().run(|| actors.ground.tasks.watchers(key)).await;
            let watchers = watchers.unwrap_or_else(|error| {
                // They find the task's news by themselves, later.
                warn_of!(error, task = %key, error = %Chain(&error), "watchers of a claimed task are unknown");
                Default::default()
            });
            Input::Watchers(watchers.into_iter().map(|who| (who, Reach::Direct)).collect(), after)
        }
        Effect::ForgetWatcher(gone) => {
            if let Err(error) = bounded(limit, actors.ground.tasks.unwatch(key, &gone)).await {
                tracing::debug!(error = %Chain(&error), "a watcher that is gone stays recorded");
            }
            return None;
        }
        Effect::FindMember(who) => {
            let found = bounded(limit, actors.ground.members.member(&who)).await;
            let state = found.map(|member| member.map(|member| member.state)).map_err(|_| ReadFailed::ForNow);
            // Where there is no room for an agent, it does not matter yet whether one is gone.
            Input::Member(who, if actors.is_full() { Err(ReadFailed::ForNow) } else { state })
        }
        Effect::Send { to, news, first } => send(&actors, &handle, &to, news, first).await,
        _ => return None,
    })
}

/// What is known here only: the way in which this instance is reached, and how large a hint may be.
fn reached_as(actors: &Actors, news: News) -> News {
    match news {
        News::Watch { after, .. } => News::Watch { after, reach: actors.ground.connection.reach() },
        // The agent of another instance hears of a cancel in any case, of its metadata where that is small.
        News::Cancel(key, Some(mut request)) if is_large(&request) => {
            request.metadata = None;
            News::Cancel(key, Some(request))
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

async fn release(actors: &Actors, handle: &Handle, claim: Claim) -> Input {
    let key = handle.key();
    let released = actors.ground.retry_for_request().run(|| actors.ground.tasks.release(key, &claim)).await;
    let outcome = match released {
        Ok(()) => Written::Applied,
        Err(error) => {
            warn_of!(error, task = %key, error = %Chain(&error), "a parked task keeps its executor for now");
            actors.ground.unattended.note(key);
            Written::Unknown
        }
    };
    Input::Written { record: None, outcome }
}

async fn load(
    actors: &Actors,
    handle: &Handle,
) -> Result<Option<(Box<a2a_core::StoredTask>, bool)>, ReadFailed> {
    let key = handle.key();
    let loaded = actors.ground.retry_until_stopped().run(|| actors.ground.tasks.load(key)).await;
    let Some(stored) = loaded.map_err(|error| failed(handle, &error))? else { return Ok(None) };
    let pending = actors.ground.declares_webhooks && {
        let configs = actors.ground.retry_for_request().run(|| actors.ground.push.list_configs(key)).await;
        match configs {
            Ok(configs) => configs.iter().any(|config| lacks_events(&stored, config)),
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
    actors: &Actors,
    handle: &Handle,
    to: &[a2a_core::Recipient],
    news: News,
    first: Version,
) -> Input {
    let trace = trace::header(&*actors.ground.env);
    let message = BusMessage { from: actors.ground.id, task: handle.key().clone(), news, trace };
    // One that hangs must not be the last: what comes after it waits for its end.
    let sent = bounded(actors.ground.config.request_patience, actors.ground.send(to, &message));
    match sent.instrument(sending(&actors.ground, &message)).await {
        Ok(delivery) => {
            if let Some(since) = handle.known_since(first) {
                actors.ground.meters.send_seconds.record(actors.now().saturating_sub(since));
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
    match error {
        // Whatever else a store refuses, it may take back: a permission that lapsed comes again.
        BackendError::Corrupt { .. } => ReadFailed::ForGood,
        _ => ReadFailed::ForNow,
    }
}

/// Counts and logs what an operator may want to know.
fn tell(actors: &Actors, handle: &Handle, report: Report) {
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
            actors.ground.meters.overdue.increment(1);
            tracing::warn!(%task, "an agent took too long, and is asked to stop");
        }
        Report::Turn(outcome) => actors.ground.meters.turn_ended(outcome),
        Report::GapRepaired => actors.ground.meters.gap_repairs.increment(1),
        Report::SilenceChecked(found) => actors.ground.meters.silence_checked(found),
        Report::TakenOver(outcome) => match outcome {
            TakeOverOutcome::Failed => {
                actors.ground.meters.taken_over(TakeOver::Failed);
                tracing::warn!(%task, "a task of a lost instance is failed");
            }
            TakeOverOutcome::Resumed => {
                actors.ground.meters.taken_over(TakeOver::Resumed);
                tracing::warn!(%task, "a task of a lost instance is resumed");
            }
            TakeOverOutcome::Ended => actors.ground.meters.taken_over(TakeOver::Released),
            TakeOverOutcome::Delivering => {
                tracing::info!(%task, "a lost instance's webhooks are served from here")
            }
            TakeOverOutcome::NotTheirs => actors.ground.meters.taken_over(TakeOver::Lost),
            TakeOverOutcome::Again => {}
        },
    }
}
