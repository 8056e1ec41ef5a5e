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

use super::Members;
use super::index;
use super::shuffle::shuffle;
use crate::alarm;
use crate::ground::telemetry::trace;
use crate::ground::{Chain, Retry, bounded};

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
pub(crate) async fn leave(members: &Members, not_stopped: &[TaskKey], last: Instant) -> Vec<TaskKey> {
    if members.ground.stop.is_evicted() {
        // Survivors look after everything that carries this id.
        if let Err(error) = close(members, last).await {
            tracing::debug!(error = %Chain(&error), "an evicted endpoint could not be closed");
        }
        return Vec::new();
    }
    let mut tasks: BTreeSet<TaskKey> = not_stopped.iter().cloned().collect();
    tasks.extend(members.ground.unattended.take());
    tasks.extend(members.dispatchers.keys());
    match alarm::until(last, hand_over_and_close(members, &mut tasks, last)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            tracing::warn!(error = %Chain(&error), "this instance could not leave in good order")
        }
        None => tracing::warn!("this instance had no time left to leave in good order"),
    }
    tasks.into_iter().collect()
}

async fn hand_over_and_close(members: &Members, tasks: &mut BTreeSet<TaskKey>, last: Instant) -> Result<()> {
    if tasks.is_empty() {
        // Only to be sure: what is known in memory is complete. Where this instance leaves a record, survivors read the
        // index themselves.
        tasks.extend(still_claimed(members).await);
    }
    if !tasks.is_empty() {
        // First of all, whatever there is time for after it: by its record survivors find the tasks.
        mark_left(members).await?;
        let _ = timeout(half_until(last), hand_over(members, tasks)).await;
        return close(members, last).await;
    }
    match close(members, last).await {
        Ok(()) => patiently(members).run(|| members.ground.members.remove(&members.ground.id)).await,
        // The record stays, so that somebody releases what is left on the bus.
        Err(error) => mark_left(members).await.and(Err(error)),
    }
}

/// What an instance whose tokens are all cancelled waits for.
static NEVER: LazyLock<CancellationToken> = LazyLock::new(CancellationToken::new);

/// A retry for such an instance.
pub(super) fn patiently(members: &Members) -> Retry<'_> {
    Retry::new(&members.ground, &NEVER, Some(members.ground.config.request_patience))
}

/// Closes the bus, which is idempotent, in half of the time that is left: what comes after that needs some, too.
async fn close(members: &Members, last: Instant) -> Result<()> {
    bounded(half_until(last), patiently(members).run(|| members.ground.connection.close(&members.ground.id)))
        .await
}

fn half_until(last: Instant) -> Duration {
    last.saturating_duration_since(Instant::now()) / 2
}

/// Reads which tasks are recorded as this instance's. The list of them may lag behind; the tasks do not.
async fn still_claimed(members: &Members) -> Vec<TaskKey> {
    let listed = match index::executing_until(members, &members.ground.id, &NEVER).await {
        Ok(listed) => listed,
        Err(error) => {
            tracing::debug!(error = %Chain(&error), "this instance's recorded tasks cannot be read");
            return Vec::new();
        }
    };
    let claimed = async |key: TaskKey| {
        let head = patiently(members).run(|| members.ground.tasks.head(&key)).await.ok().flatten();
        head.and_then(|head| head.claim).filter(|claim| claim.instance == members.ground.id).map(|_| key)
    };
    stream::iter(listed).map(claimed).buffer_unordered(AT_ONCE).filter_map(future::ready).collect().await
}

/// Writes that this instance left.
async fn mark_left(members: &Members) -> Result<()> {
    let write = async |me: &Member| patiently(members).run(|| members.ground.members.beat(me)).await;
    let joining = Member::joining(members.ground.id, members.ground.label.clone());
    let beat = members.ground.liveness.next_beat();
    let left = Member { beat, state: MemberState::Left, ..joining.clone() };
    if write(&left).await? == Beat::Alive {
        return Ok(());
    }
    if patiently(members).run(|| members.ground.members.member(&members.ground.id)).await?.is_some() {
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
async fn hand_over(members: &Members, tasks: &BTreeSet<TaskKey>) {
    if !members.ground.connection.is_connected() {
        return;
    }
    let mut heirs = match heirs(members).await {
        Ok(heirs) => heirs,
        Err(error) => {
            tracing::debug!(error = %Chain(&error), "nobody is told of the tasks that this instance leaves");
            return;
        }
    };
    shuffle(members, &mut heirs);
    let each_to_one = tasks.iter().zip(heirs.iter().cycle());
    stream::iter(each_to_one)
        .for_each_concurrent(AT_ONCE, async |(key, heir)| {
            let trace = trace::header(&*members.ground.env);
            let message =
                BusMessage { from: members.ground.id, task: key.clone(), news: News::HandOver, trace };
            if let Err(error) = members.ground.send(&[*heir], &message).await {
                tracing::debug!(task = %key, error = %Chain(&error), "a task is not handed over by the bus");
            }
        })
        .await;
}

/// Reads who takes new work and can be told so, of those members that follow this one.
async fn heirs(members: &Members) -> Result<Vec<Recipient>> {
    let mut following = members.ground.members.roster(Some(&members.ground.id), HEIRS).await?;
    if following.len() < HEIRS {
        let around = members.ground.members.roster(None, HEIRS).await?;
        following.extend(around.into_iter().filter(|member| member.id < members.ground.id));
    }
    let is_heir = |member: &Member| member.state == MemberState::Serving && member.reach != Reach::Nowhere;
    let heirs = following.iter().filter(|member| is_heir(member));
    Ok(heirs.map(|member| Recipient { instance: member.id, reach: member.reach }).collect())
}
