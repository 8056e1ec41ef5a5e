//! How much a store that throttles takes: what an instance lets wait for it follows from that.
//!
//! A queue at a store that throttles is served in no order: whoever waits tries again after a pause, beside all who came
//! later. So the queue must stay short, or what was admitted takes long, and its length in time, not in number, is what
//! counts. As many commits may wait as the store takes in a short while. Those that it throttled form a line: each tries again
//! about once in the time in which the store takes it and all that have waited longer, so the first tries often, the last
//! seldom, and nobody is overtaken for long.

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use a2a_core::TaskKey;
use tokio::time::Instant;

/// How long the commits that wait may take the store, at its present pace.
const WAIT: Duration = Duration::from_millis(300);
/// So many may wait at any pace: an instance must try to find out what the store takes.
const LEAST: usize = 4;
/// The shortest pause of a commit that was throttled.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// Of how many tasks commits have to be throttled in a second or two, and how many for each commit that is answered in a second,
/// before an instance heeds it.
const FEWEST: usize = 3;
const SHARE: f64 = 0.2;
/// Over how long the pace is measured.
const WINDOW: Duration = Duration::from_secs(1);

/// The pace of a store, and whether it throttles.
#[derive(Debug)]
pub(crate) struct StorePressure {
    /// Commits that were answered.
    answered: Mutex<Pace>,
    /// Tasks of which a commit was throttled.
    throttled: Mutex<Recent>,
    /// Nothing was throttled for long: on the path of every request, hence only a read.
    is_calm: AtomicBool,
    /// The commits that were throttled and are not answered yet.
    line: Mutex<Line>,
}

/// Commits in the order in which they were throttled first.
#[derive(Debug, Default)]
struct Line {
    last: u64,
    waiting: BTreeSet<u64>,
}

/// The place of a throttled commit in the line, until it is answered or given up.
#[derive(Debug)]
pub(crate) struct Place {
    number: u64,
    pressure: Arc<StorePressure>,
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.pressure.line).waiting.remove(&self.number);
    }
}

/// How often something happens.
#[derive(Debug)]
struct Pace {
    since: Instant,
    /// In the window that began then, and in the one before.
    now: u32,
    before: u32,
}

/// Which tasks something has happened to, by digests of their keys.
#[derive(Debug)]
struct Recent {
    since: Instant,
    /// In the window that began then, and in the one before.
    now: HashSet<u64>,
    before: HashSet<u64>,
}

/// Of so many tasks it is known at most.
const MOST_TASKS: usize = 4_096;

impl Recent {
    fn note(&mut self, task: u64) {
        self.turn(Instant::now());
        if self.now.len() < MOST_TASKS {
            self.now.insert(task);
        }
    }

    fn turn(&mut self, now: Instant) {
        let windows = now.saturating_duration_since(self.since).as_millis() / WINDOW.as_millis();
        if windows > 0 {
            let last = std::mem::take(&mut self.now);
            self.before = if windows == 1 { last } else { HashSet::new() };
            self.since += WINDOW * u32::try_from(windows).unwrap_or(u32::MAX);
        }
    }

    /// How many there were in this window and the one before.
    fn count(&mut self, now: Instant) -> usize {
        self.turn(now);
        self.now.union(&self.before).count()
    }
}

impl StorePressure {
    pub(crate) fn new() -> Self {
        StorePressure {
            answered: Mutex::new(Pace { since: Instant::now(), now: 0, before: 0 }),
            throttled: Mutex::new(Recent {
                since: Instant::now(),
                now: HashSet::new(),
                before: HashSet::new(),
            }),
            is_calm: AtomicBool::new(true),
            line: Mutex::default(),
        }
    }

    /// A place behind all that wait.
    pub(crate) fn queue(self: &Arc<Self>) -> Place {
        let mut line = lock(&self.line);
        line.last += 1;
        let number = line.last;
        line.waiting.insert(number);
        Place { number, pressure: Arc::clone(self) }
    }

    /// After how long the commit at this place is to be tried again, `longest` at most.
    pub(crate) fn pause(&self, place: &Place, longest: Duration) -> Duration {
        let a_second = lock(&self.answered).a_second(Instant::now()).max(1.0);
        // Further behind the pause is the longest anyhow.
        let most = (longest.as_secs_f64() * a_second).ceil() as usize;
        let ahead = lock(&self.line).waiting.range(..=place.number).take(most).count();
        Duration::from_secs_f64(ahead as f64 / a_second).clamp(SHORTEST_PAUSE.min(longest), longest)
    }

    /// Takes note that a commit to a task was throttled.
    pub(crate) fn throttled(&self, key: &TaskKey) {
        let mut digest = DefaultHasher::new();
        key.hash(&mut digest);
        lock(&self.throttled).note(digest.finish());
        self.is_calm.store(false, Ordering::Relaxed);
    }

    /// Takes note of a commit that the store answered.
    pub(crate) fn answered(&self) {
        lock(&self.answered).count();
    }

    /// How many commits may wait, `most` at most. A few tasks that are throttled are no reason for fewer: whoever says too much at
    /// once has its own partition throttled, and harms nobody else.
    pub(crate) fn may_wait(&self, most: usize) -> usize {
        if self.is_calm.load(Ordering::Relaxed) {
            return most;
        }
        let now = Instant::now();
        let (throttled, answered) = (lock(&self.throttled).count(now), lock(&self.answered).a_second(now));
        if throttled == 0 {
            self.is_calm.store(true, Ordering::Relaxed);
        }
        if throttled < FEWEST || (throttled as f64) < answered * SHARE {
            return most;
        }
        let in_time = (answered * WAIT.as_secs_f64()) as usize;
        in_time.max(LEAST).min(most)
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pace {
    fn count(&mut self) {
        self.turn(Instant::now());
        self.now = self.now.saturating_add(1);
    }

    /// Begins the next window where this one is over.
    fn turn(&mut self, now: Instant) {
        let windows = now.saturating_duration_since(self.since).as_millis() / WINDOW.as_millis();
        if windows > 0 {
            self.before = if windows == 1 { self.now } else { 0 };
            self.now = 0;
            self.since += WINDOW * u32::try_from(windows).unwrap_or(u32::MAX);
        }
    }

    /// How often in the last window's length: this one's, and of the one before what reaches into it.
    fn a_second(&mut self, now: Instant) -> f64 {
        self.turn(now);
        let passed = now.saturating_duration_since(self.since).as_secs_f64() / WINDOW.as_secs_f64();
        f64::from(self.now) + f64::from(self.before) * (1.0 - passed).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const MOST: usize = 5_000;

    async fn answered(pressure: &StorePressure, a_second: u32, seconds: u32) {
        for _ in 0..a_second * seconds {
            advance(Duration::from_secs(1) / a_second).await;
            pressure.answered();
        }
    }

    fn key(n: u32) -> TaskKey {
        TaskKey::new(a2a_core::Tenant::default(), n.to_string())
    }

    /// Has commits to so many tasks throttled, each often.
    fn throttled(pressure: &StorePressure, tasks: u32) {
        (0..tasks * 10).for_each(|n| pressure.throttled(&key(n % tasks)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_throttle_may_be_waited_for_by_all() {
        let pressure = StorePressure::new();
        answered(&pressure, 100, 2).await;
        assert_eq!(pressure.may_wait(MOST), MOST);
        throttled(&pressure, 10);
        assert_eq!(pressure.may_wait(MOST), MOST, "a few of many: one task's partition");
        throttled(&pressure, 40);
        assert!(pressure.may_wait(MOST) < MOST);
        advance(WINDOW * 2).await;
        assert_eq!(pressure.may_wait(MOST), MOST, "it did so long ago");
    }

    #[tokio::test(start_paused = true)]
    async fn as_many_may_wait_as_a_store_that_throttles_takes_soon() {
        for a_second in [20, 100, 400] {
            let pressure = StorePressure::new();
            answered(&pressure, a_second, 3).await;
            throttled(&pressure, a_second);
            let soon = f64::from(a_second) * WAIT.as_secs_f64();
            let may_wait = pressure.may_wait(MOST) as f64;
            assert!((soon * 0.8..=soon * 1.1).contains(&may_wait), "{may_wait} at {a_second} a second");
            assert_eq!(pressure.may_wait(5), 5);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_waited_longer_tries_more_often() {
        let longest = Duration::from_secs(2);
        let pressure = Arc::new(StorePressure::new());
        answered(&pressure, 100, 3).await;
        let mut line: Vec<_> = (0..5_000).map(|_| pressure.queue()).collect();
        let millis = |place: &Place| pressure.pause(place, longest).as_millis();
        for (at, expected) in [(0, 100), (49, 500), (99, 1_000), (4_999, 2_000)] {
            let pause = millis(&line[at]);
            assert!((expected * 9 / 10..=expected * 11 / 10).contains(&pause), "{pause} ms at {at}");
        }
        line.drain(1..4_999);
        let pause = millis(&line[1]);
        assert!(pause <= 110, "all but one before it are gone: {pause} ms");
        assert_eq!(pressure.pause(&line[0], Duration::from_millis(10)), Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_may_wait_where_nothing_is_answered() {
        let pressure = StorePressure::new();
        answered(&pressure, 100, 1).await;
        advance(WINDOW * 3).await;
        throttled(&pressure, 2);
        assert_eq!(pressure.may_wait(MOST), MOST, "however often");
        throttled(&pressure, 3);
        assert_eq!(pressure.may_wait(MOST), LEAST);
    }
}
