//! The pace of large writes: what DynamoDB takes for one partition, and what of a blob is there already.
//!
//! A partition takes 1,000 write units a second, whatever the table has. A commit of some megabytes that is written
//! faster is refused for most of its parts, and whoever begins anew each time never gets to the end.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The units a second of one partition, but for what else is written to it meanwhile.
const RATE: f64 = 950.0;
/// How many units may be written at once.
const BURST: f64 = 1_000.0;
/// What a refusal costs: so much less is there than was thought.
const REFUSED: f64 = 300.0;
/// Of how many partitions, and of how many blobs, something is known at most.
const MOST: usize = 1_000;

/// What one handle writes in parts.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    partitions: Mutex<HashMap<String, Bucket>>,
    /// The parts that are there of blobs that are not complete, by what their sort keys begin with.
    begun: Mutex<HashMap<String, HashMap<usize, u64>>>,
}

/// What a partition would take now.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    level: f64,
    at: Instant,
}

impl Bucket {
    fn full(at: Instant) -> Self {
        Bucket { level: BURST, at }
    }

    fn filled(self, now: Instant) -> Self {
        let level = self.level + RATE * now.saturating_duration_since(self.at).as_secs_f64();
        Bucket { level: level.min(BURST), at: now }
    }
}

impl Pace {
    /// Takes so many units of a partition. Returns how long to wait before they are written.
    pub(crate) fn take(&self, pk: &str, units: u64) -> Duration {
        self.charge(pk, units as f64)
    }

    /// Takes note that a partition refused a write. Returns how long to wait before it is written again.
    pub(crate) fn refused(&self, pk: &str) -> Duration {
        self.charge(pk, REFUSED).max(Duration::from_millis(100))
    }

    fn charge(&self, pk: &str, units: f64) -> Duration {
        let now = Instant::now();
        let mut partitions = lock(&self.partitions);
        if partitions.len() >= MOST {
            partitions.retain(|_, bucket| bucket.filled(now).level < BURST);
        }
        let mut bucket = partitions.get(pk).map_or_else(|| Bucket::full(now), |bucket| bucket.filled(now));
        // One write of any size passes where the bucket is not in debt.
        let wait = Duration::from_secs_f64((-bucket.level).max(0.0) / RATE);
        bucket.level -= units;
        if partitions.len() < MOST || partitions.contains_key(pk) {
            partitions.insert(pk.to_owned(), bucket);
        }
        wait
    }

    /// Tells whether this very part was written before.
    pub(crate) fn has(&self, prefix: &str, index: usize, piece: &[u8]) -> bool {
        lock(&self.begun).get(prefix).and_then(|parts| parts.get(&index)) == Some(&digest(piece))
    }

    /// Takes note of a part that is there.
    pub(crate) fn note(&self, prefix: &str, index: usize, piece: &[u8]) {
        let mut begun = lock(&self.begun);
        if begun.len() < MOST || begun.contains_key(prefix) {
            begun.entry(prefix.to_owned()).or_default().insert(index, digest(piece));
        } else {
            begun.clear();
        }
    }

    /// Takes note that all parts of a blob are there.
    pub(crate) fn complete(&self, prefix: &str) {
        lock(&self.begun).remove(prefix);
    }
}

fn digest(piece: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    piece.hash(&mut hasher);
    hasher.finish()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_partition_is_given_what_it_takes() {
        let (pace, start) = (Pace::default(), Instant::now());
        for _ in 0..27 {
            advance(pace.take("a", 300)).await;
        }
        let units = 26.0 * 300.0;
        let needed = (units - BURST) / 1_000.0;
        let took = start.elapsed().as_secs_f64();
        assert!((needed..needed * 1.2).contains(&took), "{took} s for what needs {needed} s");
        assert_eq!(pace.take("b", 300), Duration::ZERO, "another partition");
        assert!(pace.refused("b") < pace.refused("a"));
    }

    #[test]
    fn a_part_is_known_by_its_place_and_its_content() {
        let pace = Pace::default();
        pace.note("X#", 0, b"one");
        assert!(pace.has("X#", 0, b"one"));
        assert!(!pace.has("X#", 0, b"two") && !pace.has("X#", 1, b"one") && !pace.has("Y#", 0, b"one"));
        pace.complete("X#");
        assert!(!pace.has("X#", 0, b"one"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_has_bounds() {
        let pace = Pace::default();
        for n in 0..3 * MOST {
            pace.take(&n.to_string(), 1);
            pace.note(&n.to_string(), 0, b"x");
        }
        assert!(lock(&pace.partitions).len() <= MOST && lock(&pace.begun).len() <= MOST);
    }
}
