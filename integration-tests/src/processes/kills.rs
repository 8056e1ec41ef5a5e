//! Kills processes at random moments, round after round, and counts what that did to clients.

use std::time::Duration;

use a2a_core::{Env, SystemEnv};
use a2a_testkit::Findings;
use fastrand::Rng;

use super::bill::Bill;
use super::cluster::{Cluster, Plan};
use super::resources::Leftovers;
use super::workload::{Placement, Review, Workload};
use crate::endpoint::Aws;

/// What is to be played in each round.
const WORKLOAD: Workload = Workload {
    tasks: 3,
    chunks: 40,
    gap: Duration::from_millis(30),
    // With the one that begins it a number that three does not divide, so that a load balancer of three instances
    // puts the tasks of a round on different ones.
    watchers: 3,
    placement: Placement::Anywhere,
    patience: Duration::from_secs(60),
};
/// A round is about as long, if nothing happens.
const LASTS: Duration = Duration::from_millis(1400);

/// What a round was like.
#[derive(Debug)]
pub struct Round {
    /// Which one, from 1.
    pub number: usize,
    /// How long after clients came the kill did.
    pub moment: Duration,
    /// Who was killed, and what it did then.
    pub victims: Vec<Victim>,
    /// What clients saw.
    pub review: Review,
    /// How long it took until the last of the victims' tasks moved again, where it had any.
    pub taken_over: Option<Duration>,
}

/// A process that was killed.
#[derive(Debug)]
pub struct Victim {
    /// Its name.
    pub name: String,
    /// How many tasks it ran.
    pub tasks: usize,
}

/// What all rounds were like together.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many processes were killed.
    pub kills: usize,
    /// How many of them ran a task then.
    pub executors: usize,
    /// How many tasks clients began.
    pub tasks: usize,
    /// How many streams they listened to.
    pub streams: usize,
    /// How often they came again.
    pub reconnects: usize,
    /// What they got and lacked.
    pub count: Findings,
    /// How long take-overs took, in the order of time.
    pub taken_over: Vec<Duration>,
    /// All that must not be, in words.
    pub wrong: Vec<String>,
    /// What was left after the last shutdown.
    pub left: Leftovers,
    /// What the processes counted before they were killed or asked to end.
    pub bill: Bill,
    /// The number from which all moments and victims followed.
    pub seed: u64,
}

impl Outcome {
    /// Tells whether nothing was wrong.
    pub fn is_right(&self) -> bool {
        self.wrong.is_empty() && self.count.is_right() && self.left.is_nothing()
    }

    fn add(&mut self, round: &Round) {
        self.kills += round.victims.len();
        self.executors += round.victims.iter().filter(|victim| victim.tasks > 0).count();
        self.tasks += WORKLOAD.tasks;
        self.streams += round.review.streams;
        self.reconnects += round.review.reconnects;
        self.count += round.review.count;
        self.taken_over.extend(round.taken_over);
        self.wrong.extend(round.review.wrong.iter().map(|why| format!("round {}: {why}", round.number)));
    }
}

/// Kills until at least so many processes have died, at moments that the seed decides, and tells of each round.
///
/// # Panics
///
/// When a process does not start or end as it should.
pub async fn run(plan: Plan, aws: &Aws, kills: usize, seed: u64, tell: impl FnMut(&Round)) -> Outcome {
    play(Cluster::start(plan, aws).await, kills, seed, tell).await
}

/// The same with processes that run already; they are shut down in the end.
///
/// # Panics
///
/// When a process does not start or end as it should.
pub async fn play(mut cluster: Cluster, kills: usize, seed: u64, mut tell: impl FnMut(&Round)) -> Outcome {
    let mut rng = Rng::with_seed(seed);
    let before = cluster.resources().tasks().await;
    let mut outcome = Outcome { seed, ..Outcome::default() };
    while outcome.kills < kills {
        let round = round(&mut cluster, &mut rng, outcome.kills, kills).await;
        outcome.add(&round);
        tell(&round);
        if !round.review.is_right() {
            outcome.wrong.push(cluster.words());
        }
    }
    let tasks = cluster.resources().tasks().await - before;
    if tasks != outcome.tasks {
        outcome.wrong.push(format!("{tasks} tasks in the table, where clients began {}", outcome.tasks));
    }
    cluster.cleaned_up().await;
    outcome.bill = cluster.bill().await;
    outcome.left = cluster.shutdown().await;
    outcome
}

async fn round(cluster: &mut Cluster, rng: &mut Rng, done: usize, kills: usize) -> Round {
    let number = done + 1;
    let moment = LASTS.mul_f64(rng.f64());
    // Now and then two at once: somebody must be left to take over.
    let may_be_two = kills - done > 1 && cluster.nodes().len() > 2;
    let victims = if rng.u8(..) < 40 && may_be_two { 2 } else { 1 };
    let any = rng.usize(..);

    let running = WORKLOAD.begin(cluster).await;
    tokio::time::sleep(moment).await;
    // Perhaps none has begun yet: then a request that is about to begin one is what the kill meets.
    let tasks = running.begun_by_now();
    let mut names = Vec::new();
    if let Some(task) = tasks.get(any % tasks.len().max(1))
        && let Some(executor) = cluster.executor_of(task).await
    {
        names.push(executor.name().to_owned());
    }
    // Where nothing runs just now, or two are to die, anybody will do.
    let mut others = cluster.nodes().iter().map(|node| node.name().to_owned()).cycle().skip(any % 97);
    while names.len() < victims {
        names.extend(others.next().filter(|name| !names.contains(name)));
    }

    let killed_at = SystemEnv.now();
    let (mut victims, mut orphans) = (Vec::new(), Vec::new());
    for name in names {
        let id = cluster.node(&name).id();
        cluster.kill(&name).await;
        // What it ran stays recorded as its own for a lease.
        let executed = cluster.executed_by(&id, &running.begun_by_now()).await;
        victims.push(Victim { name, tasks: executed.len() });
        orphans.extend(executed);
    }
    for _ in &victims {
        cluster.add().await;
    }
    let review = running.end(cluster).await;
    victims.iter().for_each(|victim| cluster.forget(&victim.name));
    let moved = review.logs.iter().filter(|(task, _)| orphans.contains(task));
    let moved = moved.filter_map(|(_, log)| (log.moved_after(killed_at)? - killed_at).to_std().ok());
    let taken_over = moved.max();
    Round { number, moment, victims, review, taken_over }
}
