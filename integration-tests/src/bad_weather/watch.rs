//! What is looked at all the time: who is ready, whose beats come, how many wait, how much memory that takes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_core::InstanceId;
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testworld::backends::roster;
use a2a_testworld::world::Node;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Members are read with every so manieth look.
const BEATS_EACH: u32 = 10;

/// What was seen.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    /// The most clients that waited at once.
    pub(super) waiting: usize,
    /// The most instances that were not ready at once.
    pub(super) unready: usize,
    /// Why, in words, the first time.
    pub(super) why_unready: Option<String>,
    /// The most memory that this process had, in MiB, the table's included.
    pub(super) memory: usize,
    /// The longest time in which the record of one member did not move.
    pub(super) stood_still: Duration,
}

/// Whoever looks.
#[derive(Debug)]
pub(super) struct Watch {
    enough: CancellationToken,
    looking: tokio::task::JoinHandle<Seen>,
}

impl Watch {
    /// Begins to look.
    pub(super) fn begin(nodes: &[Arc<Node>], around: &Arc<DynamoDbStore>, waiting: Arc<AtomicUsize>) -> Self {
        let (nodes, around, enough) = (nodes.to_vec(), Arc::clone(around), CancellationToken::new());
        let stop = enough.clone();
        let looking = TaskTracker::new().spawn(async move {
            let (mut seen, mut clock) = (Seen::default(), interval(Duration::from_millis(20)));
            let (mut beats, mut looks) = (Beats::default(), 0_u32);
            while stop.run_until_cancelled(clock.tick()).await.is_some() {
                let unready: Vec<_> = nodes.iter().map(|node| node.cluster.readiness()).collect();
                let unready: Vec<_> = unready.iter().filter(|one| !one.is_ready()).collect();
                seen.unready = seen.unready.max(unready.len());
                seen.why_unready = seen.why_unready.or_else(|| unready.first().map(ToString::to_string));
                seen.waiting = seen.waiting.max(waiting.load(Ordering::Relaxed));
                seen.memory = seen.memory.max(memory().unwrap_or_default());
                looks += 1;
                if looks.is_multiple_of(BEATS_EACH) {
                    seen.stood_still = seen.stood_still.max(beats.look(&around).await);
                }
            }
            seen
        });
        Watch { enough, looking }
    }

    /// Looks no longer.
    pub(super) async fn end(self) -> Seen {
        self.enough.cancel();
        self.looking.await.unwrap()
    }
}

/// When the counter of each member last moved.
#[derive(Debug, Default)]
struct Beats(HashMap<InstanceId, (u64, Instant)>);

impl Beats {
    /// For how long that of any has stood still by now.
    async fn look(&mut self, store: &DynamoDbStore) -> Duration {
        let now = Instant::now();
        for member in roster(store).await {
            let seen = self.0.entry(member.id).or_insert((member.beat, now));
            if seen.0 != member.beat {
                *seen = (member.beat, now);
            }
        }
        self.0.values().map(|(_, since)| now - *since).max().unwrap_or_default()
    }
}

/// What the system says of this process, where it says so.
fn memory() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let resident: usize = pages.split(' ').nth(1)?.parse().ok()?;
    Some(resident * 4 / 1024)
}
