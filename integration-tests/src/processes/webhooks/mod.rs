//! Kills those who deliver to webhooks, again and again, and holds what the webhooks took against the tasks.

mod clients;
mod notified;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use a2a_testworld::Binding;
use a2a_testworld::client::connect;
use fastrand::Rng;
use tokio::time::{Instant, sleep};

use super::cluster::{Cluster, Plan};
use super::node::Node;
use super::resources::{Leftovers, Resources};
use crate::endpoint::Aws;
use crate::hook::{Hook, Notification};
use clients::Clients;
use notified::{Notified, outline, shown};

/// How long those who are left and those who are new have until the next one is killed, at most.
const LIVES: Duration = Duration::from_secs(2);
/// How long a task may be without an executor, besides a lease.
const TAKEN_WITHIN: Duration = Duration::from_secs(20);
/// How long the last deliveries may take, besides some leases.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One process that was killed while it had deliveries.
#[derive(Debug)]
pub struct Kill {
    /// Which one, from 1.
    pub number: usize,
    /// How long after the last one, or after its successor was there, this one was chosen.
    pub moment: Duration,
    /// Its name.
    pub victim: String,
    /// How many tasks it ran, or had something of to deliver.
    pub tasks: usize,
    /// How many calls webhooks had taken by then.
    pub calls: usize,
}

/// What the trial was like.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many processes were killed that had deliveries.
    pub kills: usize,
    /// How many tasks clients began.
    pub tasks: usize,
    /// How many events they have together, as streams count them.
    pub events: u64,
    /// How many calls webhooks took.
    pub calls: usize,
    /// How many of these told more than one event.
    pub merged: usize,
    /// How many came under an id that had come before, with an equal body.
    pub repeats: usize,
    /// How many told some events of another one, and not the same.
    pub overlaps: usize,
    /// How long it took, after the last client had seen its last task, until nobody had anything to deliver.
    pub settled_within: Duration,
    /// All that must not be, in words.
    pub wrong: Vec<String>,
    /// What was left after the last shutdown.
    pub left: Leftovers,
    /// The number from which all moments and victims followed.
    pub seed: u64,
}

impl Outcome {
    /// Tells whether nothing was wrong, and so many were killed.
    pub fn is_right(&self, kills: usize) -> bool {
        self.wrong.is_empty() && self.overlaps == 0 && self.left.is_nothing() && self.kills == kills
    }

    fn add(&mut self, task: &str, notified: Notified) {
        self.calls += notified.calls;
        self.merged += notified.merged;
        self.repeats += notified.repeats;
        self.overlaps += notified.overlaps;
        self.wrong.extend(notified.wrong.into_iter().map(|why| format!("{task}: {why}")));
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcome { kills, tasks, events, calls, merged, repeats, overlaps, settled_within, .. } = self;
        writeln!(f, "{kills} kills; {tasks} tasks with {events} events, told in {calls} calls")?;
        writeln!(f, "{merged} calls told several events, {repeats} came again, {overlaps} overlaps")?;
        writeln!(f, "all was delivered {} ms after the last task's end", settled_within.as_millis())?;
        writeln!(f, "left after the last shutdown: {:?}", self.left)?;
        self.wrong.iter().try_for_each(|why| writeln!(f, "WRONG: {why}"))
    }
}

/// Kills one after the other, each while it has something to deliver, at moments that the seed decides, and tells of each.
///
/// # Panics
///
/// When a process does not start or end as it should.
pub async fn run(plan: Plan, aws: &Aws, kills: usize, seed: u64, mut tell: impl FnMut(&Kill)) -> Outcome {
    let mut rng = Rng::with_seed(seed);
    let hook = Arc::new(Hook::new().await);
    let mut cluster = Cluster::start(plan, aws).await;
    let clients = Clients::begin(cluster.card(), &hook).await;
    let mut outcome = Outcome { seed, ..Outcome::default() };
    while outcome.kills < kills {
        let (moment, any) = (LIVES.mul_f64(rng.f64()), rng.usize(..));
        sleep(moment).await;
        let Some((victim, tasks)) = who_delivers(&cluster, any).await else {
            outcome.wrong.push(format!("nobody has any of the tasks{}", cluster.words()));
            break;
        };
        cluster.kill(&victim).await;
        outcome.kills += 1;
        tell(&Kill { number: outcome.kills, moment, victim: victim.clone(), tasks, calls: hook.calls() });
        cluster.add().await;
        cluster.forget(&victim);
    }
    let done = clients.end().await;
    outcome.wrong.extend(done.wrong);
    let last = Instant::now();
    let unsettled = settle(cluster.resources(), cluster.plan().lease, &done.tasks).await;
    outcome.settled_within = last.elapsed();
    outcome.wrong.extend(unsettled.into_iter().map(|task| format!("{task} is not delivered")));
    review(&cluster, &done.tasks, hook.taken(), &mut outcome).await;
    if !outcome.wrong.is_empty() {
        outcome.wrong.push(cluster.words());
    }
    cluster.cleaned_up().await;
    outcome.left = cluster.shutdown().await;
    outcome
}

/// One of those who have something to deliver, and how many tasks it has.
async fn who_delivers(cluster: &Cluster, any: usize) -> Option<(String, usize)> {
    let until = Instant::now() + cluster.plan().lease + TAKEN_WITHIN;
    while Instant::now() < until {
        let held = cluster.resources().held_by_each().await;
        let has = |node: &Node| {
            let its = held.iter().find(|(instance, _)| instance.to_string() == node.id());
            its.map_or(0, |(_, tasks)| tasks.len())
        };
        let busy: Vec<_> = cluster.nodes().iter().map(|node| (node.name(), has(node))).collect();
        let busy: Vec<_> = busy.into_iter().filter(|(_, tasks)| *tasks > 0).collect();
        if let Some((name, tasks)) = busy.get(any % busy.len().max(1)) {
            return Some(((*name).to_owned(), *tasks));
        }
        sleep(LOOK_EVERY).await;
    }
    None
}

/// Waits until all tasks are over and in nobody's hands, and returns those that are not.
async fn settle(resources: &Resources, lease: Duration, tasks: &[String]) -> Vec<String> {
    let until = Instant::now() + lease * 4 + SETTLES_WITHIN;
    loop {
        let mut open: Vec<_> = resources.held().await.iter().map(ToString::to_string).collect();
        if open.is_empty() {
            for task in tasks {
                let head = resources.head(task).await;
                open.extend(head.filter(|head| !head.state.is_terminal()).map(|_| task.clone()));
            }
        }
        if open.is_empty() || Instant::now() > until {
            return open;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Holds what webhooks took against the tasks, as clients read them.
async fn review(cluster: &Cluster, tasks: &[String], taken: Vec<Notification>, outcome: &mut Outcome) {
    let mut told: BTreeMap<String, Notified> = BTreeMap::new();
    for call in taken {
        match notified::read(&call.id) {
            Some((task, ..)) => told.entry(task.to_owned()).or_default().take(&call),
            None => outcome.wrong.push(format!("{} is no id of a webhook that takes all", call.id)),
        }
    }
    let client = connect(cluster.card(), Binding::JsonRpc, None).await.unwrap();
    for task in tasks {
        let notified = told.remove(task).unwrap_or_default();
        let last = cluster.resources().last_event(task).await.unwrap_or_default();
        if notified.last != last {
            outcome.wrong.push(format!("{task} has {last} events, and was told up to {}", notified.last));
        }
        match clients::read(&client, task).await {
            Ok(read) => {
                if !notified.task.as_ref().is_some_and(|task| task.status.state.is_terminal()) {
                    outcome.wrong.push(format!("{task} is {:?}, which was not told", read.status.state));
                }
                if notified.task.as_ref().map(shown) != Some(shown(&read)) {
                    let told = notified.task.as_ref().map(outline);
                    outcome.wrong.push(format!("{task} is {}, and was told as {told:?}", outline(&read)));
                }
            }
            Err(why) => outcome.wrong.push(why),
        }
        outcome.events += last;
        outcome.add(task, notified);
    }
    outcome.tasks = tasks.len();
    outcome.wrong.extend(told.into_keys().map(|task| format!("{task} was told, and no client began it")));
    let kept = cluster.resources().tasks().await;
    if kept != tasks.len() {
        outcome.wrong.push(format!("{kept} tasks in the table, where clients began {}", tasks.len()));
    }
}
