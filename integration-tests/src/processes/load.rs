//! Many tasks at once, each watched on every other instance: is every stream whole, how fast, and for how much?

use std::time::Duration;

use tokio::time::Instant;

use super::audit::happened;
use super::bill::Bill;
use super::crew::{Crew, Plan};
use super::show::{Placement, Review, Show};
use super::site::Leftovers;
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
    /// From when the agent made each of their chunks, which is before its commit, to its arrival; in order.
    pub delays: Vec<Duration>,
    /// Requests and billed units per thousand committed events, those of idling included.
    pub bill: Bill,
    /// What was left after the shutdown.
    pub left: Leftovers,
}

impl Figures {
    /// The delay that so many hundredths of all deliveries did not exceed.
    pub fn percentile(&self, hundredths: usize) -> Option<Duration> {
        let last = self.delays.len().checked_sub(1)?;
        self.delays.get(last * hundredths.min(100) / 100).copied()
    }
}

/// Begins so many tasks at once, as evenly over the processes as they come, with a watcher on every other one.
///
/// # Panics
///
/// When a process does not start or end as it should.
pub async fn run(plan: Plan, aws: &Aws, tasks: usize, chunks: u32, gap: Duration) -> Figures {
    let show = Show {
        tasks,
        chunks,
        gap,
        watchers: plan.nodes.saturating_sub(1),
        placement: Placement::Elsewhere,
        patience: Duration::from_secs(120),
    };
    let crew = Crew::start(plan, aws).await;
    let before = Bill::of(&crew).await;
    let began = Instant::now();
    let review = show.begin(&crew).await.end(&crew).await;
    let took = review.heard_by.map_or(began.elapsed(), |end| end - began);
    let bill = Bill::of(&crew).await.since(&before, review.events);
    let left = crew.shutdown().await;

    let remote = review.recordings.iter().filter(|recording| recording.watched);
    let heard: Vec<_> = remote.flat_map(|recording| &recording.hops).flat_map(|hop| &hop.events).collect();
    // A snapshot tells of what happened at any time before.
    let delay = |heard: &&super::listener::Heard| (heard.at - happened(&heard.event)?).to_std().ok();
    let mut delays: Vec<_> = heard.iter().filter_map(delay).collect();
    delays.sort_unstable();
    Figures { took, events: review.events, delivered: delays.len(), delays, bill, left, review }
}
