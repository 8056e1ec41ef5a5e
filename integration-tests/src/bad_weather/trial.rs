//! One kind of weather after another, and what the cluster makes of it.

use std::collections::BTreeSet;
use std::time::Duration;

use a2a::TaskState;
use a2a_server::RequestHandler as _;
use a2a_testworld::world::{identified, params, texts};
use futures::StreamExt;
use futures::stream;
use tokio::time::{Instant, sleep, timeout};

use super::callers::{CHUNKS, Callers, Fate};
use super::figures::Figures;
use super::kinds::{Kind, fair};
use super::place::{Place, TABLE};
use super::watch::Watch;

/// How long a client tries to read a task once the weather is fair.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a task costs: write units of the table, without its indexes.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// In fair weather.
    pub usual: f64,
    /// Where the table is asked for more than it takes: events gather meanwhile, so that a task needs fewer writes.
    pub least: f64,
}

/// A place and how much it takes.
#[derive(Debug)]
pub struct Trial {
    place: Place,
    /// Write units a second that the table takes.
    capacity: f64,
}

impl Trial {
    /// Begins with instances that have started.
    pub async fn begin(place: Place, capacity: f64) -> Self {
        place.proxy.set(fair(capacity));
        place.ready().await;
        Trial { place, capacity }
    }

    /// Finds out what a task costs, in fair weather and at three times of what the table takes by that, for so long each.
    ///
    /// # Panics
    ///
    /// Where one does not end as it should.
    pub async fn cost(&self, lasts: Duration) -> Cost {
        let usual = self.cost_at(1.0 / 30.0, lasts).await;
        Cost { usual, least: self.cost_at(3.0 / usual, lasts).await }
    }

    /// What a task costs where so many are offered for each unit of the capacity.
    async fn cost_at(&self, tasks: f64, lasts: Duration) -> f64 {
        let before = self.units();
        let mut callers = Callers::default();
        callers.offer(&self.place.nodes, tasks * self.capacity, lasts).await;
        let fates = callers.fates().await;
        let done = fates.iter().filter(|fate| matches!(fate, Fate::Done { .. })).count();
        assert!(done > 0, "nothing gets done");
        (self.units() - before) / done as f64
    }

    /// Plays one kind of weather for so long, and sees to its end.
    ///
    /// # Panics
    ///
    /// Where the place itself fails.
    pub async fn play(&self, kind: &Kind, cost: Cost, lasts: Duration) -> Figures {
        let Place { proxy, nodes, .. } = &self.place;
        let mut callers = Callers::default();
        let watch = Watch::begin(nodes, &self.place.around, callers.waiting());
        proxy.clear_counts();
        let (before, began) = (self.units(), Instant::now());
        proxy.set(kind.weather.clone());
        let cost = if kind.is_overload { cost.least } else { cost.usual };
        callers.offer(nodes, kind.load * self.capacity / cost, lasts).await;
        let (took, units) = (began.elapsed(), self.units() - before);
        let counts = proxy.counts();
        // Readiness is judged for the weather, and for some time after it.
        proxy.set(fair(self.capacity));
        let ended = Instant::now();
        let served = self.served().await;
        let fates = callers.fates().await;
        let last = fates.iter().filter_map(|fate| match fate {
            Fate::Done { at, .. } => Some(*at),
            _ => None,
        });
        let recovered = last.max().map_or(served, |last| served.max(last.saturating_duration_since(ended)));
        self.place.ready().await;
        let seen = watch.end().await;
        let mut figures = Figures::of(kind, took, recovered, &fates, seen);
        figures.told(&counts);
        let capacity = self.capacity * took.as_secs_f64();
        let in_time =
            fates.iter().filter(|fate| matches!(fate, Fate::Done { at, .. } if *at <= ended)).count();
        figures.goodput = in_time as f64 * cost / capacity;
        figures.consumed = units / capacity;
        self.look_at(&fates, &mut figures).await;
        figures.evicted = self.place.evicted().await;
        figures
    }

    /// Ends.
    pub async fn end(self) {
        self.place.stop().await;
    }

    /// Until every instance takes a message again.
    async fn served(&self) -> Duration {
        let began = Instant::now();
        for node in &self.place.nodes {
            while node.handler.send_message(&params(), identified("echo hi")).await.is_err() {
                sleep(Duration::from_millis(20)).await;
                assert!(
                    began.elapsed() < PATIENCE,
                    "an instance does not recover: {}",
                    node.cluster.readiness()
                );
            }
        }
        began.elapsed()
    }

    /// Reads every task that a client was told of.
    async fn look_at(&self, fates: &[Fate], figures: &mut Figures) {
        let told = fates.iter().filter_map(|fate| match fate {
            Fate::Done { task, .. } | Fate::Broken { task, .. } => Some(task.as_str()),
            _ => None,
        });
        let told: BTreeSet<&str> = told.collect();
        let found = stream::iter(told.into_iter().enumerate()).map(|(n, task)| async move {
            let node = &self.place.nodes[n % self.place.nodes.len()];
            let read = async {
                loop {
                    match node.get(task).await {
                        Ok(task) => match task.status.state {
                            TaskState::Completed | TaskState::Failed => return Some(task),
                            _ => sleep(Duration::from_millis(100)).await,
                        },
                        Err(error) if error.code == a2a::error_code::TASK_NOT_FOUND => return None,
                        Err(_) => sleep(Duration::from_millis(100)).await,
                    }
                }
            };
            timeout(PATIENCE, read).await.ok().flatten()
        });
        let found: Vec<_> = found.buffer_unordered(8).collect().await;
        for task in found {
            match task {
                Some(task) if task.status.state == TaskState::Failed => figures.failed += 1,
                Some(task) if texts(&task).len() == CHUNKS => {}
                _ => figures.lost += 1,
            }
        }
    }

    fn units(&self) -> f64 {
        self.place.proxy.counts().table(TABLE).units.written
    }
}
