//! Many tasks at once, each watched on every other instance: is every stream whole, how fast, and for how much?

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use a2a_testkit::Findings;
use chrono::TimeDelta;
use tokio::time::Instant;

use super::audit::happened;
use super::bill::Bill;
use super::cluster::{Cluster, Plan};
use super::listener::Heard;
use super::resources::Leftovers;
use super::workload::{Placement, Review, Workload};
use crate::endpoint::Aws;

/// What a load was like.
#[derive(Debug)]
pub struct Figures {
    /// What clients saw.
    pub review: Review,
    /// From the first request to the end of the last stream.
    pub took: Duration,
    /// Events that were committed in that time.
    pub events: usize,
    /// Events that reached a client on an instance that does not run the task.
    pub delivered: usize,
    /// From when the agent made what each of them tells, which is before its commit, to its arrival.
    pub from_agent: Delays,
    /// From when the client at the executor had each of them, which is after its commit, to its arrival. What passes
    /// from commit to arrival lies between the two.
    pub from_executor: Delays,
    /// Requests and billed units per thousand committed events, those of idling included.
    pub bill: Bill,
    /// What was left after the shutdown.
    pub left: Leftovers,
}

impl Figures {
    /// Tells whether every stream was as it should be, and nothing was left.
    pub fn is_right(&self) -> bool {
        self.review.is_right() && self.left.is_nothing()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { review, took, events, delivered, from_agent, from_executor, bill, left } = self;
        let (tasks, streams, seconds) = (review.logs.len(), review.streams, took.as_secs_f64());
        writeln!(f, "{tasks} tasks, {streams} streams, {events} events committed in {seconds:.2} s")?;
        let rate = |events: usize| events as f64 / seconds;
        let (committed, elsewhere) = (rate(*events), rate(*delivered));
        writeln!(f, "{committed:.0} events a second committed, {elsewhere:.0} delivered on other instances")?;
        let Findings { missing, doubled, strange, .. } = review.count;
        let again = review.reconnects;
        writeln!(f, "{missing} missing, {doubled} doubled, {strange} strange, {again} times come again")?;
        writeln!(f, "to a client elsewhere from the agent, before the commit: {from_agent}")?;
        writeln!(f, "to a client elsewhere from a client here, after the commit: {from_executor}")?;
        for (what, sums) in [("requests", &bill.requests), ("billed units", &bill.units)] {
            writeln!(f, "{what} per thousand events: {:.0}", sums.values().sum::<f64>())?;
            sums.iter().try_for_each(|(name, value)| writeln!(f, "    {value:8.1}  {name}"))?;
        }
        writeln!(f, "left after the shutdown: {left:?}")
    }
}

/// Some delays, in order.
#[derive(Debug, Default)]
pub struct Delays(Vec<Duration>);

impl Delays {
    /// The delay that so many hundredths of all did not exceed.
    pub fn percentile(&self, hundredths: usize) -> Option<Duration> {
        let last = self.0.len().checked_sub(1)?;
        self.0.get(last * hundredths.min(100) / 100).copied()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Delays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |hundredths| self.percentile(hundredths).unwrap_or_default().as_millis();
        write!(f, "p50 {} ms, p99 {} ms, longest {} ms, of {}", at(50), at(99), at(100), self.count())
    }
}

impl FromIterator<TimeDelta> for Delays {
    /// What seems to have arrived before it began took no time.
    fn from_iter<I: IntoIterator<Item = TimeDelta>>(delays: I) -> Self {
        let mut delays: Vec<_> = delays.into_iter().map(|delay| delay.to_std().unwrap_or_default()).collect();
        delays.sort_unstable();
        Delays(delays)
    }
}

/// Begins so many tasks at once, as evenly over the processes as they come, with a watcher on every other one.
///
/// # Panics
///
/// When a process does not start or end as it should.
pub async fn run(plan: Plan, aws: &Aws, tasks: usize, chunks: u32, gap: Duration) -> Figures {
    let workload = Workload {
        tasks,
        chunks,
        gap,
        watchers: plan.nodes.saturating_sub(1),
        placement: Placement::Elsewhere,
        patience: Duration::from_secs(120),
    };
    let cluster = Cluster::start(plan, aws).await;
    let before = Bill::of(&cluster).await;
    let began = Instant::now();
    let review = workload.begin(&cluster).await.end(&cluster).await;
    let took = review.heard_by.map_or(began.elapsed(), |end| end - began);
    let bill = Bill::of(&cluster).await.since(&before, review.events);
    let left = cluster.shutdown().await;

    let (from_agent, from_executor) = delays(&review);
    let delivered = from_agent.count();
    Figures { took, events: review.events, delivered, from_agent, from_executor, bill, left, review }
}

fn delays(review: &Review) -> (Delays, Delays) {
    // When the client that began a task, at its executor, had each event.
    let mut at_executor = HashMap::new();
    for (task, place, heard) in placed(review, false) {
        at_executor.entry((task, place)).or_insert(heard.at);
    }
    let remote: Vec<_> = placed(review, true).collect();
    let agent = remote.iter().filter_map(|(.., heard)| Some(heard.at - happened(&heard.event)?));
    let executor =
        remote.iter().filter_map(|(task, place, heard)| Some(heard.at - *at_executor.get(&(*task, *place))?));
    (agent.collect(), executor.collect())
}

/// The events that clients heard, by their place in the log. A snapshot has none: it tells of any time before.
fn placed(review: &Review, watched: bool) -> impl Iterator<Item = (&str, usize, &Heard)> {
    let recordings = review.recordings.iter().filter(move |recording| recording.watched == watched);
    recordings.flat_map(|recording| {
        let log = review.logs.iter().find(|(task, _)| *task == recording.task);
        let heard = recording.hops.iter().flat_map(|hop| &hop.events);
        heard.filter_map(move |heard| Some((recording.task.as_str(), log?.1.place_of(&heard.event)?, heard)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_delays_in_order_and_none_is_negative() {
        let delays: Delays = [30, -5, 10, 20].into_iter().map(TimeDelta::milliseconds).collect();
        let at = |hundredths| delays.percentile(hundredths).map(|delay| delay.as_millis());
        assert_eq!((at(0), at(50), at(100), delays.count()), (Some(0), Some(10), Some(30), 4));
        assert_eq!(Delays::default().percentile(50), None);
    }
}
