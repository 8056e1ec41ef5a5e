//! Recovering what a member left that was evicted, or left in good order: its tasks are taken over, what it left on
//! the bus is removed, and in the end its record.
//!
//! Several observers do this at once. Each begins with other tasks, and takes a share of them at each beat, so that
//! no survivor gets all. The record stays for long after the index last showed a task: the index lags, and whoever is
//! silent must be known to be dead for as long as somebody may wait for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_core::{InstanceId, MemberState, Result, TaskKey};
use futures::stream::{self, StreamExt};
use tokio::time::{Instant, sleep};

use super::index;
use super::shuffle::shuffle;
use super::suspicion::AT_ONCE;
use super::take_over::{Gone, Taken, take_over};
use crate::error::Chain;
use crate::instance::Instance;

/// The part of a member's tasks that one survivor takes at a beat: as many observe it.
const SHARE: usize = 3;

/// So few tasks are taken at once, by whoever is first.
const FEW: usize = 16;

/// How many looks at the index of a member without tasks its record is kept for, about: the pauses between them grow.
const LOOKS: u32 = 8;

/// Begins to recover what a member left, unless that is under way here.
pub(crate) fn begin(instance: &Arc<Instance>, dead: InstanceId, state: MemberState) {
    if let Some(guard) = instance.suspects.recovers(dead) {
        let instance = Arc::clone(instance);
        instance.tracker.clone().spawn(async move {
            let _guard = guard;
            Recovery::new(&instance, Gone { id: dead, state }).run().await;
        });
    }
}

/// What is known of a member that is being recovered.
struct Recovery<'a> {
    instance: &'a Arc<Instance>,
    gone: Gone,
    began: Instant,
    /// When the index last showed a task of the member's.
    last_shown: Instant,
    /// The most tasks that it showed at once.
    most: usize,
    /// Tasks that could not be taken over: when they are tried again, and how long they wait after that.
    later: BTreeMap<TaskKey, (Instant, Duration)>,
    released: bool,
}

impl<'a> Recovery<'a> {
    fn new(instance: &'a Arc<Instance>, gone: Gone) -> Self {
        let now = Instant::now();
        Recovery {
            instance,
            gone,
            began: now,
            last_shown: now,
            most: 0,
            later: BTreeMap::new(),
            released: false,
        }
    }

    /// Works until the record is gone, or this instance closes.
    async fn run(&mut self) {
        let config = &self.instance.config;
        let longest = (config.keep_evicted / LOOKS).max(config.beat_interval);
        let mut pause = config.beat_interval;
        loop {
            self.release().await;
            match index::executing(self.instance, &self.gone.id).await {
                Ok(tasks) if tasks.is_empty() => {
                    if self.is_over().await {
                        return;
                    }
                    pause = (pause * 2).min(longest);
                }
                Ok(tasks) => {
                    self.last_shown = Instant::now();
                    self.take_share(tasks).await;
                    pause = config.beat_interval;
                }
                Err(error) => {
                    tracing::warn!(dead = %self.gone.id, error = %Chain(&error), "a dead instance's tasks cannot be read");
                    pause = config.beat_interval;
                }
            }
            if self.instance.closing.run_until_cancelled(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Removes what the member left on the bus.
    async fn release(&mut self) {
        if self.released {
            return;
        }
        match self.instance.connection.release(&self.gone.id).await {
            Ok(()) => self.released = true,
            Err(error) => {
                tracing::warn!(dead = %self.gone.id, error = %Chain(&error), "what a dead instance left on the bus stays for now");
            }
        }
    }

    /// Takes over a part of the tasks, several at once.
    async fn take_share(&mut self, mut tasks: Vec<TaskKey>) {
        self.most = self.most.max(tasks.len());
        let share = self.most.div_ceil(SHARE).max(FEW);
        let now = Instant::now();
        tasks.retain(|key| self.later.get(key).is_none_or(|(at, _)| *at <= now));
        shuffle(self.instance, &mut tasks);
        let taken = AtomicUsize::new(0);
        let tried: Vec<_> = stream::iter(tasks)
            .map(|key| self.take_one(key, &taken, share))
            .buffer_unordered(AT_ONCE)
            .filter_map(async |tried| tried)
            .collect()
            .await;
        for (key, outcome) in tried {
            match outcome {
                Ok(_) => {
                    self.later.remove(&key);
                }
                // It harms itself only: the others are taken over, and it is tried again later.
                Err(error) => {
                    tracing::warn!(task = %key, error = %Chain(&error), "a dead instance's task waits to be taken over");
                    let config = &self.instance.config;
                    let before = self.later.get(&key).map_or(config.beat_interval, |(_, pause)| *pause);
                    let pause = (before * 2).min(config.lease * 4);
                    self.later.insert(key, (Instant::now() + pause, pause));
                }
            }
        }
    }

    /// Takes one task over, unless the share is taken.
    async fn take_one(
        &self,
        key: TaskKey,
        taken: &AtomicUsize,
        share: usize,
    ) -> Option<(TaskKey, Result<Taken>)> {
        if taken.load(Ordering::Relaxed) >= share || self.instance.closing.is_cancelled() {
            return None;
        }
        let outcome = take_over(self.instance, &key, self.gone).await;
        if let Ok(Taken::Here) = outcome {
            taken.fetch_add(1, Ordering::Relaxed);
        }
        Some((key, outcome))
    }

    /// No task is shown any more. Tells whether nothing is left to do: the record is removed, now or before.
    async fn is_over(&self) -> bool {
        let Recovery { instance, gone: Gone { id: dead, .. }, .. } = self;
        let config = &instance.config;
        if self.last_shown.elapsed() >= config.keep_evicted && self.released {
            let removed = instance.retry_for_request().run(|| instance.members.remove(dead)).await;
            if let Err(error) = &removed {
                tracing::debug!(%dead, error = %Chain(error), "a dead instance's record stays for now");
            }
            return removed.is_ok();
        }
        // Another observer may have removed it. The index may lag behind what the member did last.
        let record = instance.members.member(dead).await;
        record.is_ok_and(|record| record.is_none()) && self.began.elapsed() >= config.lease * 2
    }
}
