//! Doing what a core wants done, and telling it what came of it.
//!
//! Each call is polled once where it was asked for: what is over without waiting needs no task of the runtime. What
//! waits goes on in a task of its own, and whoever stepped the actor goes on with something else.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use a2a_core::{BackendError, BusMessage, Claim, News, Reach, Replay, Version, reduce};
use futures::FutureExt;
use tracing::Instrument;

use super::commit::commit;
use super::core::{Effect, Input, Later, ReadFailed, Report, Seen, Settled, Written};
use super::handle::{Handle, State};
use super::{agent_task, core};
use crate::error::Chain;
use crate::instance::Instance;
use crate::retry::bounded;
use crate::telemetry::{self, TakeOver, sending, trace};
use crate::webhook;

/// How many calls may be over at once in a row before others get their turn.
const AT_ONCE: u32 = 64;

type Work = Pin<Box<dyn Future<Output = Option<Input>> + Send>>;

/// Tells an actor something, unless it has ended.
pub(crate) fn drive(instance: &Arc<Instance>, handle: &Arc<Handle>, input: Input) {
    drive_with(instance, handle, input, |_| {});
}

/// Tells an actor something after `prepare`, unless it has ended.
pub(super) fn drive_with(
    instance: &Arc<Instance>,
    handle: &Arc<Handle>,
    input: Input,
    prepare: impl FnOnce(&mut State),
) {
    let mut fx = handle.take_spare();
    if handle.step(instance, input, prepare, &mut fx).is_ok() {
        perform(instance, handle, fx);
    }
}

/// Does what a step left to do, and what follows from that.
pub(super) fn perform(instance: &Arc<Instance>, handle: &Arc<Handle>, fx: Vec<Effect>) {
    // The next one is at the end; what follows from one is done before what came after it.
    let mut todo = fx;
    todo.reverse();
    let mut calls = 0;
    while let Some(effect) = todo.pop() {
        let input = match begin(instance, handle, effect) {
            Begun::Done(input) => input,
            Begun::Call(mut work) => {
                calls += 1;
                let ready = if calls <= AT_ONCE { work.as_mut().now_or_never() } else { None };
                match ready {
                    Some(input) => input,
                    None => {
                        spawn(instance, handle, work);
                        None
                    }
                }
            }
            Begun::Detached(work) => {
                spawn(instance, handle, work);
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
    if let Some(due) = handle.arm(instance.actors.origin()) {
        instance.actors.timers.add(due, handle);
    }
}

fn spawn(instance: &Arc<Instance>, handle: &Arc<Handle>, work: Work) {
    let (owner, handle) = (Arc::clone(instance), Arc::clone(handle));
    let closing = instance.closing.clone();
    instance.tracker.spawn(trace::carried(async move {
        // What still waits for an answer when the instance closes is cut short.
        if let Some(Some(input)) = closing.run_until_cancelled(work).await {
            drive(&owner, &handle, input);
        }
    }));
}

enum Begun {
    Done(Option<Input>),
    /// Polled once where it was asked for.
    Call(Work),
    /// Never polled where it was asked for.
    Detached(Work),
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
        Effect::Start(start) => {
            let Some((control, deposit)) = handle.take_start(start.agent, start.ticket) else {
                return Begun::Done(None);
            };
            let detached = deposit.as_ref().is_none_or(|deposit| deposit.detached)
                && start.kind != core::TurnKind::CancelOnly;
            let trace = trace::current().map(|cause| cause.child(&*instance.env));
            let version = handle.look(|actor| actor.ring().head()).unwrap_or_default();
            let span = telemetry::run(instance, key, version, trace);
            let run = agent_task::run(Arc::clone(instance), Arc::clone(handle), start, control, deposit);
            let run = trace::within(trace, run).instrument(span).map(|()| None);
            let work: Work = Box::pin(run);
            return if detached { Begun::Detached(work) } else { Begun::Call(work) };
        }
        Effect::Commit(call) => {
            let (instance, handle) = (Arc::clone(instance), Arc::clone(handle));
            return Begun::Call(Box::pin(async move { Some(commit(&instance, handle.key(), call).await) }));
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

/// The way in which this instance is reached is known here only.
fn reached_as(instance: &Instance, news: News) -> News {
    match news {
        News::Watch { after, .. } => News::Watch { after, reach: instance.connection.reach() },
        news => news,
    }
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
    match instance.send(to, &message).instrument(sending(instance, &message)).await {
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
        Report::Overdue => tracing::warn!(%task, "an agent took too long, and is asked to stop"),
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
