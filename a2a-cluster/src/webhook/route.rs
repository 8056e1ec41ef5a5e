//! The way of one task's events to one webhook: a cursor, never a queue.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use a2a::{StreamResponse, Task};
use a2a_core::{CommitRecord, PushSubscription, Replay, TaskKey, Version, reduce};
use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::acknowledgement::Acknowledgement;
use super::backoff::Backoff;
use super::couriers::{Couriers, look_again};
use super::request::{Destination, Failure, body};
use crate::actor::Handle;
use crate::actor::core::Tail;
use crate::ground::telemetry::{Attempt, webhook_attempt};
use crate::ground::{Chain, Listener};

/// How many commits of the feed are held at a time.
const HELD: usize = 16;
/// How often the store may show less than the feed has before the task counts as gone.
const EMPTY_READS: u32 = 10;

/// How far a route got, as its courier sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is something to deliver, or to find out.
    Busy,
    /// Everything up to this version is delivered and acknowledged.
    CaughtUp(Version),
    /// The webhook failed too often.
    GivenUp,
}

/// A route's progress, shared with its courier.
#[derive(Debug)]
pub(super) struct Milestone {
    progress: Mutex<Progress>,
    courier: Arc<Notify>,
}

impl Milestone {
    pub(super) fn new(courier: Arc<Notify>) -> Self {
        Milestone { progress: Mutex::new(Progress::Busy), courier }
    }

    pub(super) fn get(&self) -> Progress {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, progress: Progress) {
        let before =
            std::mem::replace(&mut *self.progress.lock().unwrap_or_else(PoisonError::into_inner), progress);
        if before != progress {
            self.courier.notify_one();
        }
    }
}

/// Delivers one task's events to one webhook.
pub(super) struct Route {
    couriers: Arc<Couriers>,
    key: TaskKey,
    config_id: String,
    destination: Option<Destination>,
    feed: Arc<Handle>,
    feed_progress: Listener,
    /// The feed has everything that the store has, or says that it lacks something.
    feed_is_current: bool,
    empty_reads: u32,
    /// Everything up to this version is delivered.
    cursor: Version,
    held: VecDeque<Arc<CommitRecord>>,
    acknowledgement: Acknowledgement,
    backoff: Backoff,
    milestone: Arc<Milestone>,
}

/// What is delivered next.
enum Next {
    Commit(Arc<CommitRecord>),
    Snapshot(Box<Task>, Version),
}

/// What became of an event.
enum Fate {
    Delivered,
    /// Another instance delivered everything up to this version.
    Elsewhere(Version),
    GivenUp,
}

impl Route {
    pub(super) fn new(
        couriers: &Arc<Couriers>,
        feed: &Arc<Handle>,
        feed_is_current: bool,
        subscription: &PushSubscription,
        milestone: Arc<Milestone>,
    ) -> Self {
        let policy = &couriers.ground.config.webhooks;
        Route {
            couriers: Arc::clone(couriers),
            key: feed.key().clone(),
            config_id: subscription.config.id.clone().unwrap_or_default(),
            destination: Destination::of(&subscription.config),
            feed: Arc::clone(feed),
            feed_progress: feed.progress(),
            feed_is_current,
            empty_reads: 0,
            cursor: subscription.acknowledged,
            held: VecDeque::new(),
            acknowledgement: Acknowledgement::new(subscription.acknowledged, policy.acknowledge_after),
            backoff: Backoff::default(),
            milestone,
        }
    }

    /// Delivers until the webhook fails too often. Cancel safe: what was on its way is delivered again by the
    /// next route.
    pub(super) async fn travel(mut self) {
        loop {
            let delivered = match self.next().await {
                Next::Commit(commit) => self.deliver_commit(&commit).await,
                Next::Snapshot(task, version) => self.deliver_snapshot(task, version).await,
            };
            if !delivered {
                self.milestone.set(Progress::GivenUp);
                return;
            }
        }
    }

    async fn next(&mut self) -> Next {
        loop {
            if let Some(commit) = self.held.pop_front() {
                self.milestone.set(Progress::Busy);
                return Next::Commit(commit);
            }
            // Marked as seen before the feed is read: progress made in between ends the wait below.
            self.feed_progress.mark_heard();
            match self.feed.after(self.cursor) {
                Some(Tail::Commits(commits)) if commits.is_empty() && self.feed_is_current => {
                    self.rest().await
                }
                Some(Tail::Commits(commits)) if !commits.is_empty() => {
                    self.held.extend(commits.into_iter().take(HELD));
                }
                Some(Tail::Commits(_) | Tail::Behind) | None => {
                    self.milestone.set(Progress::Busy);
                    if let Some(snapshot) = self.read_store().await {
                        return snapshot;
                    }
                }
            }
        }
    }

    /// Waits until there is more to deliver, or something to acknowledge.
    async fn rest(&mut self) {
        match self.acknowledgement.pending() {
            None => {
                self.milestone.set(Progress::CaughtUp(self.cursor));
                // The feed lives as long as this route holds it.
                self.feed_progress.given().await;
            }
            Some(_) => tokio::select! {
                biased;
                () = self.feed_progress.given() => {}
                () = tokio::time::sleep_until(self.acknowledgement.due()) => self.acknowledge().await,
            },
        }
    }

    async fn read_store(&mut self) -> Option<Next> {
        let Route { couriers, key, .. } = self;
        let read = couriers
            .ground
            .retry_for_request()
            .run(|| couriers.ground.tasks.commits_after(key, self.cursor))
            .await;
        match read {
            Ok(Replay::Commits(commits)) if commits.is_empty() => self.read_nothing().await,
            Ok(Replay::Commits(commits)) => self.held = commits.into(),
            Ok(Replay::Snapshot(stored)) => {
                return Some(Next::Snapshot(Box::new(stored.task), stored.version));
            }
            Err(error) => {
                tracing::warn!(task = %self.key, error = %Chain(&error), "a webhook waits for the store");
                sleep(self.couriers.ground.config.retry_max).await;
            }
        }
        None
    }

    /// The store has nothing after the cursor: right, unless the feed has.
    async fn read_nothing(&mut self) {
        self.feed_is_current = true;
        let head = self.feed.look(|actor| actor.ring().head()).unwrap_or_default();
        if head <= self.cursor {
            return;
        }
        self.empty_reads += 1;
        if self.empty_reads < EMPTY_READS {
            sleep(self.couriers.ground.config.retry_min).await;
        } else {
            // What is gone from the store nobody can deliver.
            self.cursor = head;
        }
    }

    async fn deliver_commit(&mut self, commit: &CommitRecord) -> bool {
        let mut delivered_any = false;
        for event in commit.events.iter().filter(|event| reduce::is_streamed(event)) {
            let Some(body) = body(event) else {
                tracing::warn!(task = %self.key, "an event has no form for webhooks; it is left out");
                continue;
            };
            match self.deliver(body, commit.version).await {
                Fate::Delivered => delivered_any = true,
                Fate::Elsewhere(version) => {
                    self.skip_to(version);
                    return true;
                }
                Fate::GivenUp => return false,
            }
        }
        self.cursor = commit.version;
        if delivered_any && self.acknowledgement.delivered(commit) {
            self.acknowledge().await;
        }
        true
    }

    async fn deliver_snapshot(&mut self, task: Box<Task>, version: Version) -> bool {
        if let Some(body) = body(&StreamResponse::Task(*task)) {
            match self.deliver(body, version).await {
                Fate::Delivered => {}
                Fate::Elsewhere(version) => {
                    self.skip_to(version);
                    return true;
                }
                Fate::GivenUp => return false,
            }
        }
        self.cursor = version;
        self.acknowledgement.note(version);
        self.acknowledge().await;
        true
    }

    /// Goes on after what another instance delivered, and wrote down.
    fn skip_to(&mut self, version: Version) {
        self.cursor = version;
        self.acknowledgement.passed(version);
    }

    /// Delivers one event of a version, however often it takes.
    async fn deliver(&mut self, body: Bytes, version: Version) -> Fate {
        loop {
            let failure = match self.attempt(body.clone()).await {
                Ok(()) => {
                    webhook_attempt(Attempt::Accepted);
                    self.backoff.succeeded();
                    return Fate::Delivered;
                }
                Err(failure) => failure,
            };
            webhook_attempt(failure.attempt);
            // A webhook that keeps everybody waiting keeps no more than this event in memory.
            self.held = VecDeque::new();
            let Failure { attempt, status, retry_after } = failure;
            let chance = self.couriers.ground.env.chance();
            let pause = match attempt {
                Attempt::Blocked => None,
                _ => self.backoff.failed(&self.couriers.ground.config.webhooks, retry_after, chance),
            };
            let task = &self.key;
            let Some(pause) = pause else {
                webhook_attempt(Attempt::GivenUp);
                tracing::warn!(%task, ?attempt, status, "a webhook is given up for this turn");
                return Fate::GivenUp;
            };
            tracing::debug!(%task, ?attempt, status, ?pause, "a webhook failed; it is tried again");
            sleep(pause).await;
            let elsewhere = self.delivered_elsewhere().await;
            if elsewhere >= version {
                return Fate::Elsewhere(elsewhere);
            }
        }
    }

    /// Reads, after a pause, how far others got with this webhook: word of a claim may have been lost. Waits while
    /// another instance has the task.
    async fn delivered_elsewhere(&self) -> Version {
        let Route { couriers, key, .. } = self;
        // In this order: a successor writes how far it got, then it releases the task.
        while let Ok(Some(head)) = couriers.ground.tasks.head(key).await
            && head.claim.is_some_and(|claim| claim.instance != couriers.ground.id)
        {
            // It closes this route, unless the task has come back.
            look_again(couriers, key);
            sleep(couriers.ground.config.silence_max).await;
        }
        // Not knowing is no reason to stop.
        match couriers.ground.push.get_config(key, &self.config_id).await {
            Ok(Some(config)) => config.acknowledged,
            Ok(None) | Err(_) => Version::ABSENT,
        }
    }

    async fn attempt(&self, body: Bytes) -> Result<(), Failure> {
        let couriers = &self.couriers;
        let Some(destination) = &self.destination else { return Err(Failure::of(Attempt::Blocked)) };
        let Some(transport) = &couriers.transport else { return Err(Failure::of(Attempt::Failed)) };
        couriers.wait_for_life().await;
        let _permit = couriers.calls.acquire().await;
        destination.post(&**transport, body, couriers.ground.config.webhooks.timeout).await
    }

    async fn acknowledge(&mut self) {
        let Some(version) = self.acknowledgement.pending() else { return };
        let Route { couriers, key, config_id, .. } = &*self;
        let written = couriers
            .ground
            .retry_for_request()
            .run(|| couriers.ground.push.acknowledge(key, config_id, version))
            .await;
        match written {
            Ok(()) => self.acknowledgement.written(version),
            Err(error) => {
                tracing::debug!(task = %key, error = %Chain(&error), "a webhook's progress is not written yet");
                self.acknowledgement.failed();
            }
        }
    }
}
