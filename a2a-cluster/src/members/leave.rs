//! Leaving in good order, so that nobody has to find out.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use a2a_core::{
    BackendError, Beat, BusMessage, Member, MemberState, News, Reach, Recipient, Result, TaskKey,
};
use futures::future;
use futures::stream::{self, StreamExt};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::index;
use super::shuffle::shuffle;
use crate::alarm;
use crate::error::Chain;
use crate::instance::Instance;
use crate::retry::{Retry, bounded};
use crate::telemetry::trace;

/// How many members a leaving instance chooses from when it hands its tasks over.
const HEIRS: usize = 100;

/// How many of them are told at once, and how many tasks are looked at.
const AT_ONCE: usize = 16;

/// Closes the bus and leaves the cluster, until `last` at the latest. Returns the tasks that others go on with.
///
/// Where nothing is left, the membership record goes. Otherwise it says that the instance left, by which survivors
/// find the tasks and whatever is left on the bus; and some of them are told of the tasks at once.
///
/// Nothing of this instance runs any more, except for agents that could not be stopped.
pub(crate) async fn leave(instance: &Instance, not_stopped: &[TaskKey], last: Instant) -> Vec<TaskKey> {
    if instance.is_evicted() {
        // Survivors look after everything that carries this id.
        if let Err(error) = close(instance, last).await {
            tracing::debug!(error = %Chain(&error), "an evicted endpoint could not be closed");
        }
        return Vec::new();
    }
    let mut tasks: BTreeSet<TaskKey> = not_stopped.iter().cloned().collect();
    tasks.extend(instance.take_unattended());
    tasks.extend(instance.couriers.keys());
    match alarm::until(last, hand_over_and_close(instance, &mut tasks, last)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            tracing::warn!(error = %Chain(&error), "this instance could not leave in good order")
        }
        None => tracing::warn!("this instance had no time left to leave in good order"),
    }
    tasks.into_iter().collect()
}

async fn hand_over_and_close(
    instance: &Instance,
    tasks: &mut BTreeSet<TaskKey>,
    last: Instant,
) -> Result<()> {
    if tasks.is_empty() {
        // Only to be sure: what is known in memory is complete. Where this instance leaves a record, survivors read the
        // index themselves.
        tasks.extend(still_claimed(instance).await);
    }
    if !tasks.is_empty() {
        // First of all, whatever there is time for after it: by its record survivors find the tasks.
        mark_left(instance).await?;
        let _ = timeout(half_until(last), hand_over(instance, tasks)).await;
        return close(instance, last).await;
    }
    match close(instance, last).await {
        Ok(()) => patiently(instance).run(|| instance.members.remove(&instance.id)).await,
        // The record stays, so that somebody releases what is left on the bus.
        Err(error) => mark_left(instance).await.and(Err(error)),
    }
}

/// What an instance whose tokens are all cancelled waits for.
static NEVER: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);

/// A retry for such an instance.
fn patiently(instance: &Instance) -> Retry<'_> {
    Retry::new(instance, &NEVER, Some(instance.config.request_patience))
}

/// Closes the bus, which is idempotent, in half of the time that is left: what comes after that needs some, too.
async fn close(instance: &Instance, last: Instant) -> Result<()> {
    bounded(half_until(last), patiently(instance).run(|| instance.connection.close(&instance.id))).await
}

fn half_until(last: Instant) -> Duration {
    last.saturating_duration_since(Instant::now()) / 2
}

/// Reads which tasks are recorded as this instance's. The list of them may lag behind; the tasks do not.
async fn still_claimed(instance: &Instance) -> Vec<TaskKey> {
    let listed = match index::executing_until(instance, &instance.id, &NEVER).await {
        Ok(listed) => listed,
        Err(error) => {
            tracing::debug!(error = %Chain(&error), "this instance's recorded tasks cannot be read");
            return Vec::new();
        }
    };
    let claimed = async |key: TaskKey| {
        let head = patiently(instance).run(|| instance.tasks.head(&key)).await.ok().flatten();
        head.and_then(|head| head.claim).filter(|claim| claim.instance == instance.id).map(|_| key)
    };
    stream::iter(listed).map(claimed).buffer_unordered(AT_ONCE).filter_map(future::ready).collect().await
}

/// Writes that this instance left.
async fn mark_left(instance: &Instance) -> Result<()> {
    let write = async |me: &Member| patiently(instance).run(|| instance.members.beat(me)).await;
    let joining = Member::joining(instance.id, instance.label.clone());
    let beat = instance.liveness.next_beat();
    let left = Member { beat, state: MemberState::Left, ..joining.clone() };
    if write(&left).await? == Beat::Alive {
        return Ok(());
    }
    if patiently(instance).run(|| instance.members.member(&instance.id)).await?.is_some() {
        // It was evicted meanwhile, or marked before.
        return Ok(());
    }
    // It was evicted, its tasks were looked after, and it was forgotten; what it left since then, nobody would
    // look for.
    match (write(&joining).await?, write(&left).await?) {
        (Beat::Alive, Beat::Alive) => Ok(()),
        _ => Err(BackendError::Closed),
    }
}

/// Tells other members of the tasks that they may go on with, each member of some. Whatever is lost on the way,
/// survivors find by this instance's record.
async fn hand_over(instance: &Instance, tasks: &BTreeSet<TaskKey>) {
    if !instance.connection.is_connected() {
        return;
    }
    let mut heirs = match heirs(instance).await {
        Ok(heirs) => heirs,
        Err(error) => {
            tracing::debug!(error = %Chain(&error), "nobody is told of the tasks that this instance leaves");
            return;
        }
    };
    shuffle(instance, &mut heirs);
    let each_to_one = tasks.iter().zip(heirs.iter().cycle());
    stream::iter(each_to_one)
        .for_each_concurrent(AT_ONCE, async |(key, heir)| {
            let trace = trace::header(&*instance.env);
            let message = BusMessage { from: instance.id, task: key.clone(), news: News::HandOver, trace };
            if let Err(error) = instance.send(&[*heir], &message).await {
                tracing::debug!(task = %key, error = %Chain(&error), "a task is not handed over by the bus");
            }
        })
        .await;
}

/// Reads who takes new work and can be told so, of those members that follow this one.
async fn heirs(instance: &Instance) -> Result<Vec<Recipient>> {
    let mut members = instance.members.roster(Some(&instance.id), HEIRS).await?;
    if members.len() < HEIRS {
        let around = instance.members.roster(None, HEIRS).await?;
        members.extend(around.into_iter().filter(|member| member.id < instance.id));
    }
    let is_heir = |member: &Member| member.state == MemberState::Serving && member.reach != Reach::Nowhere;
    let heirs = members.iter().filter(|member| is_heir(member));
    Ok(heirs.map(|member| Recipient { instance: member.id, reach: member.reach }).collect())
}
