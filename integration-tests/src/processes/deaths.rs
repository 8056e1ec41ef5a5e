//! Kills processes of the README's own server at many moments of their life: while they start, while they run, while they
//! drain; and counts what is left once a survivor has done its work.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use a2a::StreamResponse;
use a2a_core::reduce;
use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::own_process::OwnServer;
use super::resources::{Leftovers, Resources};
use crate::endpoint::Aws;
use crate::hook::Hook;
use crate::own_server::{CALLER, DRAIN, LEASE};

/// For how long processes run before they are killed, at most.
const RUNS: Duration = Duration::from_secs(3);
/// What a drain may take beside its delay and its grace.
const LEAVES: Duration = Duration::from_millis(500);
/// How long a survivor may take over what was left. Webhooks that were cut off are tried again after seconds.
const CLEANS_WITHIN: Duration = Duration::from_secs(60);
const ENDS_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A part of a process's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// From its beginning to when it is ready.
    Start,
    /// While it streams tasks.
    Run,
    /// From SIGTERM on, with tasks that stream.
    Drain,
}

/// When a process is killed.
#[derive(Debug, Clone, Copy)]
pub struct Death {
    /// In which part of its life.
    pub phase: Phase,
    /// How long after that part began.
    pub after: Duration,
}

/// What a process did in its life.
#[derive(Debug)]
pub struct Life {
    /// Whether it had not ended by itself before it was killed.
    pub was_killed: bool,
    /// The tasks that clients saw begin.
    pub tasks: Vec<String>,
}

/// What the trial was like.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many processes were killed that had not ended by themselves before.
    pub kills: usize,
    /// How many tasks clients saw begin.
    pub tasks: usize,
    /// How long it took, after the last kill, until nothing but the survivor's own was left.
    pub cleaned_within: Duration,
    /// All that must not be, in words.
    pub wrong: Vec<String>,
}

/// What is there: of the living, and of those who are gone.
#[derive(Debug)]
struct Count {
    left: Leftovers,
    /// Tasks that are not over.
    unfinished: Vec<String>,
    /// Tasks that instances hold, dead ones included.
    held: Vec<String>,
    /// Tasks whose end a webhook was not told.
    untold: Vec<String>,
}

impl Count {
    async fn of(resources: &Resources, hook: &Hook, begun: &[String]) -> Self {
        let tasks = resources.tasks_of(CALLER).await;
        let unfinished = tasks.iter().filter(|task| !task.status.state.is_terminal());
        let told: BTreeSet<String> = hook.heard().iter().filter_map(ended).collect();
        Count {
            left: resources.leftovers().await,
            unfinished: unfinished.map(|task| task.id.clone()).collect(),
            held: resources.held().await.iter().map(ToString::to_string).collect(),
            untold: begun.iter().filter(|task| !told.contains(*task)).cloned().collect(),
        }
    }

    /// Tells whether no task is in anybody's hands, and one instance has all that is left.
    fn is_one_instances(&self) -> bool {
        let Leftovers { queues, subscriptions, members } = &self.left;
        let ([queue], [_], [member]) = (&queues[..], &subscriptions[..], &members[..]) else { return false };
        let tasks = [&self.unfinished, &self.held, &self.untold];
        queue.ends_with(member) && tasks.iter().all(|tasks| tasks.is_empty())
    }
}

/// The task that an event ends.
fn ended(event: &StreamResponse) -> Option<String> {
    let ends = reduce::state_of(event).is_some_and(a2a::TaskState::is_terminal);
    let task = match event {
        StreamResponse::Task(task) => &task.id,
        StreamResponse::StatusUpdate(update) => &update.task_id,
        StreamResponse::ArtifactUpdate(_) | StreamResponse::Message(_) => return None,
    };
    ends.then(|| task.clone())
}

/// So many moments of each part of a process's life, which takes `start` to be ready.
fn moments(each: u32, start: Duration) -> Vec<Death> {
    // Beside others a start takes longer.
    let spans = [(Phase::Start, start * 2), (Phase::Run, RUNS), (Phase::Drain, DRAIN.0 + DRAIN.1 + LEAVES)];
    let of = |(phase, span): (Phase, Duration)| {
        (0..each).map(move |number| Death { phase, after: span * number / each.max(2).saturating_sub(1) })
    };
    spans.into_iter().flat_map(of).collect()
}

/// Kills so many processes in each part of their life, `at_once` at a time, and tells of each.
///
/// # Panics
///
/// When a process does not start, or the services cannot be asked.
pub async fn run(
    program: impl Into<PathBuf>,
    aws: &Aws,
    each: u32,
    at_once: usize,
    mut tell: impl FnMut(&Death, &Life),
) -> Outcome {
    let resources = Resources::prepare(aws, None).await;
    let hook = Arc::new(Hook::new().await);
    let server = OwnServer::new(program.into(), &resources);
    let starting = Instant::now();
    let survivor = server.start("the survivor").await;
    let deaths = moments(each, starting.elapsed());

    let mut outcome = Outcome::default();
    let mut begun = Vec::new();
    let dying = deaths.into_iter().map(|death| {
        let (server, hook) = (server.clone(), Arc::clone(&hook));
        async move { (death, die(&server, &hook, death).await) }
    });
    let mut dying = stream::iter(dying).buffer_unordered(at_once);
    while let Some((death, life)) = dying.next().await {
        tell(&death, &life);
        outcome.kills += usize::from(life.was_killed);
        begun.extend(life.tasks);
    }
    drop(dying);

    let last = Instant::now();
    loop {
        let count = Count::of(&resources, &hook, &begun).await;
        if count.is_one_instances() {
            break;
        }
        if last.elapsed() > LEASE.1 * 4 + CLEANS_WITHIN {
            outcome.wrong.push(format!("what is left is not one instance's: {count:#?}"));
            outcome.wrong.push(survivor.log().tail());
            break;
        }
        sleep(LOOK_EVERY).await;
    }
    (outcome.tasks, outcome.cleaned_within) = (begun.len(), last.elapsed());
    let kept: BTreeSet<_> = resources.tasks_of(CALLER).await.into_iter().map(|task| task.id).collect();
    outcome
        .wrong
        .extend(begun.iter().filter(|task| !kept.contains(*task)).map(|task| format!("{task} is lost")));
    if let Err(why) = survivor.retire(DRAIN.0 + DRAIN.1 + ENDS_WITHIN).await {
        outcome.wrong.push(format!("the survivor {why}"));
    }
    let left = resources.leftovers().await;
    if !left.is_nothing() {
        outcome.wrong.push(format!("left after the survivor's end: {left:?}"));
    }
    outcome
}

/// Lives until then.
async fn die(server: &OwnServer, hook: &Arc<Hook>, death: Death) -> Life {
    if death.phase == Phase::Start {
        let (process, _) = server.spawn("one that starts");
        sleep(death.after).await;
        let was_killed = process.kill().await.0.signal().is_some();
        return Life { was_killed, tasks: Vec::new() };
    }
    let process = server.start("one that runs").await;
    let load = process.busy(hook).await;
    if death.phase == Phase::Drain {
        process.terminate();
    }
    sleep(death.after).await;
    let was_killed = process.kill().await;
    Life { was_killed, tasks: load.end().await }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_life_is_met_from_its_beginning_to_its_end() {
        let deaths = moments(4, Duration::from_millis(300));
        let of = |phase| {
            let deaths = deaths.iter().filter(move |death| death.phase == phase);
            deaths.map(|death| death.after.as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(of(Phase::Start), [0, 200, 400, 600]);
        assert_eq!(of(Phase::Run), [0, 1000, 2000, 3000]);
        assert_eq!(of(Phase::Drain), [0, 1166, 2333, 3500]);
    }
}
