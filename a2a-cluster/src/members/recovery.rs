//! Recovering what a member left that was evicted, or left in good order: its tasks are taken over, what it left on
//! the bus is removed, and in the end its record.
//!
//! Several observers do this at once. Each begins with a part of the tasks that is its own, so that no survivor gets
//! all; what others did not take in time, it takes after that, in an order of its own. The record stays for long after
//! the index last showed a task: the index lags, and whoever is silent must be known to be dead for as long as somebody
//! may wait for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use a2a_core::TaskKey;
use tokio::time::{Instant, sleep};

use super::Members;
use super::failure_detector::Part;
use super::index;
use super::shuffle::shuffle;
use super::take_over::{Gone, Taken, take_all_over};
use crate::ground::{Chain, bounded, warn_of};

/// So few tasks are taken at once, by whoever is first.
const FEW: usize = 16;

/// After how many beats an observer takes what is not its part: by then the others know of the member, too.
const OTHERS_AFTER: u32 = 2;

/// The longest pause between two looks at the index of a member that has no task there, in lease times. A claim that
/// was on its way when its maker died may be applied long after that.
const LONGEST_PAUSE: u32 = 4;

/// Begins to recover what a member left, unless that is under way here.
pub(super) fn begin(members: &Arc<Members>, gone: Gone, part: Part) {
    if let Some(guard) = members.suspects.recovers(gone.id) {
        let members = Arc::clone(members);
        members.ground.tracker.clone().spawn(async move {
            let _guard = guard;
            Recovery::new(&members, gone, part).run().await;
        });
    }
}

/// What is known of a member that is being recovered.
struct Recovery<'a> {
    members: &'a Arc<Members>,
    gone: Gone,
    part: Part,
    began: Instant,
    /// When the index last showed a task of the member's.
    last_shown: Instant,
    /// Tasks that could not be taken over: when they are tried again, and how long they wait after that.
    later: BTreeMap<TaskKey, (Instant, Duration)>,
    released: bool,
}

impl<'a> Recovery<'a> {
    fn new(members: &'a Arc<Members>, gone: Gone, part: Part) -> Self {
        let now = Instant::now();
        Recovery { members, gone, part, began: now, last_shown: now, later: BTreeMap::new(), released: false }
    }

    /// Works until the record is gone, or this instance closes.
    async fn run(&mut self) {
        let config = &self.members.ground.config;
        let longest = (config.lease * LONGEST_PAUSE).max(config.beat_interval);
        let mut pause = config.beat_interval;
        loop {
            match index::executing(self.members, &self.gone.id).await {
                Ok(tasks) if tasks.is_empty() => {
                    self.release().await;
                    if self.is_over().await {
                        return;
                    }
                    pause = (pause * 2).min(longest);
                }
                Ok(tasks) => {
                    self.last_shown = Instant::now();
                    // First the tasks: a bus that does not answer holds none of them up.
                    self.take_share(tasks).await;
                    self.release().await;
                    pause = config.beat_interval;
                }
                Err(error) => {
                    warn_of!(error, dead = %self.gone.id, error = %Chain(&error), "a dead instance's tasks cannot be read");
                    pause = config.beat_interval;
                }
            }
            if self.members.ground.stop.closing.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Removes what the member left on the bus.
    async fn release(&mut self) {
        if self.released {
            return;
        }
        let release = self.members.ground.connection.release(&self.gone.id);
        match bounded(self.members.ground.config.beat_interval, release).await {
            Ok(()) => self.released = true,
            Err(error) => {
                warn_of!(error, dead = %self.gone.id, error = %Chain(&error), "what a dead instance left on the bus stays for now");
            }
        }
    }

    /// Takes tasks over, several at once: its own part, or all.
    async fn take_share(&mut self, mut tasks: Vec<TaskKey>) {
        let now = Instant::now();
        self.later.retain(|key, _| tasks.contains(key));
        let all = tasks.len() <= FEW
            || self.began.elapsed() >= self.members.ground.config.beat_interval * OTHERS_AFTER;
        tasks.retain(|key| all || part_of(key, self.part.of) == self.part.rank);
        tasks.retain(|key| self.later.get(key).is_none_or(|(at, _)| *at <= now));
        shuffle(self.members, &mut tasks);
        for (key, outcome) in take_all_over(self.members, tasks, self.gone).await {
            match outcome {
                Ok(Taken::Here | Taken::Not) => {
                    self.later.remove(&key);
                }
                // With the next look at the index there may be room.
                Ok(Taken::Full) => {}
                // It harms itself only: the others are taken over, and it is tried again later.
                Err(error) => {
                    warn_of!(error, task = %key, error = %Chain(&error), "a dead instance's task waits to be taken over");
                    let config = &self.members.ground.config;
                    let before = self.later.get(&key).map_or(config.beat_interval, |(_, pause)| *pause);
                    let pause = (before * 2).min(config.lease * 4);
                    self.later.insert(key, (Instant::now() + pause, pause));
                }
            }
        }
    }

    /// No task is shown any more. Tells whether nothing is left to do: the record is removed, now or before.
    async fn is_over(&self) -> bool {
        let Recovery { members, gone: Gone { id: dead, .. }, .. } = self;
        let config = &members.ground.config;
        if self.last_shown.elapsed() >= config.keep_evicted && self.released {
            let removed =
                members.ground.retry_for_request().run(|| members.ground.members.remove(dead)).await;
            if let Err(error) = &removed {
                tracing::debug!(%dead, error = %Chain(error), "a dead instance's record stays for now");
            }
            return removed.is_ok();
        }
        // Another observer may have removed it. The index may lag behind what the member did last.
        let record = bounded(config.lease, members.ground.members.member(dead)).await;
        record.is_ok_and(|record| record.is_none()) && self.began.elapsed() >= config.lease * 2
    }
}

/// Which of so many parts a task is in. The same on every instance, now and in later builds.
fn part_of(key: &TaskKey, parts: usize) -> usize {
    // FNV-1a, 64 bits.
    let hash = key.task_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash % parts.max(1) as u64) as usize
}

#[cfg(test)]
mod tests {
    use a2a_core::Tenant;

    use super::*;

    #[test]
    fn the_parts_of_tasks_are_about_equal_and_stay_as_they_are() {
        let task = |n| TaskKey::new(Tenant::default(), format!("task-{n}"));
        for of in 1..=3 {
            let mut parts = vec![0; of];
            (0..3_000).for_each(|n| parts[part_of(&task(n), of)] += 1);
            assert!(parts.iter().all(|part| (2_400 / of..=3_600 / of).contains(part)), "{parts:?}");
        }
        assert_eq!([1, 2, 3].map(|of| part_of(&task(0), of)), [0, 1, 0]);
    }
}
