//! The delivery of one task's events to one webhook: a cursor, never a queue.
//!
//! It tells event by event, in order. Where many wait, or a call fails again and again, it tells the task as it is in their
//! stead; where the webhook refuses that, the state alone. So the end of a turn always has a try of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use a2a::StreamResponse;
use a2a_core::{
    CommitRecord, DeliveryId, PushDelivery, PushNext, PushProgress, PushSubscription, Replay, TaskKey,
    Version,
};
use tokio::time::sleep;

use super::acknowledgement::Acknowledgement;
use super::backoff::Backoff;
use super::call::Fate;
use super::ending::{Ending, ends_turn};
use super::notification::Notification;
use super::plan::{MANY, Plan, Step};
use super::progress::{Ended, Progress, Stage};
use super::registry::Dispatchers;
use super::request::{Destination, body};
use super::shares::Owner;
use crate::actor::Handle;
use crate::actor::core::{Actor, Tail};
use crate::ground::{Chain, Listener, WebhookDetail, warn_of};

/// How many commits are held at most.
const HELD: usize = 2 * MANY;
/// How often the store may show less than the ring has before the task counts as gone.
const EMPTY_READS: u32 = 10;

/// Delivers one task's events to one webhook.
pub(super) struct Delivery {
    pub(super) dispatchers: Arc<Dispatchers>,
    pub(super) key: TaskKey,
    pub(super) delivery: PushDelivery,
    /// What it puts on record counts, until another one begins.
    pub(super) has_begun: bool,
    pub(super) owner: Owner,
    pub(super) destination: Option<Destination>,
    pub(super) feed: Arc<Handle>,
    pub(super) feed_progress: Listener,
    /// The ring has everything that the store has, or says that it lacks something.
    feed_is_current: bool,
    empty_reads: u32,
    /// Commits that follow what was told, without a hole.
    pub(super) held: VecDeque<Arc<CommitRecord>>,
    pub(super) plan: Plan,
    /// It was told the end of a turn, and of the next one nothing yet.
    pub(super) turn_ended: bool,
    pub(super) acknowledgement: Acknowledgement,
    pub(super) backoff: Backoff,
    pub(super) ending: Ending,
    pub(super) progress: Arc<Progress>,
    /// It was given up before, perhaps: then that is no longer true once it takes something.
    may_be_given_up: bool,
}

impl Delivery {
    pub(super) fn new(
        dispatchers: &Arc<Dispatchers>,
        owner: &Owner,
        feed: &Arc<Handle>,
        feed_is_current: bool,
        subscription: &PushSubscription,
        progress: Arc<Progress>,
    ) -> Self {
        let policy = &dispatchers.ground.config.webhooks;
        // Nobody can have been here before.
        let is_first = feed.look(Actor::is_in_first_turn).unwrap_or(false);
        Delivery {
            dispatchers: Arc::clone(dispatchers),
            key: feed.key().clone(),
            delivery: PushDelivery {
                id: DeliveryId::generate(&*dispatchers.ground.env),
                config_id: subscription.config.id.clone().unwrap_or_default(),
                revision: subscription.revision,
            },
            has_begun: is_first && subscription.delivery.is_none(),
            owner: owner.clone(),
            destination: Destination::of(&subscription.config),
            feed: Arc::clone(feed),
            feed_progress: feed.progress(),
            feed_is_current,
            empty_reads: 0,
            held: VecDeque::new(),
            plan: Plan::new(subscription.progress, policy.detail),
            turn_ended: matches!(subscription.progress.next, PushNext::Task(_)),
            acknowledgement: Acknowledgement::new(
                subscription.progress.acknowledged,
                policy.acknowledge_after,
            ),
            backoff: Backoff::default(),
            ending: Ending::default(),
            progress,
            may_be_given_up: !is_first || subscription.progress != PushProgress::default(),
        }
    }

    /// Delivers until the webhook is given up, or another delivery begins. Cancel safe: what was on its way is delivered
    /// again by the next delivery.
    pub(super) async fn run(mut self) {
        let ended = loop {
            if let Err(ended) = self.tell_next().await {
                break ended;
            }
        };
        self.progress.set(Stage::Ended(ended));
    }

    async fn tell_next(&mut self) -> Result<(), Ended> {
        let next = self.next().await?;
        if std::mem::take(&mut self.turn_ended) && !self.is_wanted().await {
            // The dispatcher looks at the configs again before it leaves.
            return Err(Ended::GivenUp(self.head()));
        }
        match self.deliver(&next).await? {
            Fate::Accepted => self.accepted(&next).await?,
            Fate::Refused { bytes, is_too_large } => {
                self.refused(&next, bytes, is_too_large);
            }
            Fate::Outdated => {}
            Fate::Unwanted(failure, why) => self.tell_the_end(failure, why).await?,
        }
        Ok(())
    }

    /// What the webhook is told next.
    async fn next(&mut self) -> Result<Notification, Ended> {
        loop {
            // Marked as seen before the ring is read: progress made in between ends the wait below.
            self.feed_progress.mark_heard();
            self.hold(MANY);
            let step = self.plan.next(&self.held, self.head());
            self.acknowledgement.note(self.plan.reached());
            if let Step::Rest | Step::GiveUp(_) = step
                && self.feed_is_current
                && self.is_caught_up()
            {
                if let Step::GiveUp(ended) = step {
                    return Err(self.give_up("it refuses the last state".to_owned(), ended, true).await);
                }
                self.rest().await?;
                continue;
            }
            self.progress.set(Stage::Busy);
            match step {
                // Others may have told more than was known.
                Step::Tell(_) | Step::Record(_) | Step::Load if !self.has_begun => self.begin().await?,
                Step::Tell(next) => return Ok(self.whole(*next).await),
                Step::Record(progress) => self.record(progress).await?,
                Step::Load => {
                    if let Some(task) = self.read_task().await? {
                        return Ok(task);
                    }
                }
                Step::Read(after) => {
                    self.hold(HELD);
                    if self.held.back().is_none_or(|last| last.version <= after) {
                        self.read_store(after).await;
                    }
                }
                Step::Rest | Step::GiveUp(_) => self.read_store(self.plan.cursor().version).await,
            }
        }
    }

    /// Tells whether the config is there yet: between two turns it may have been deleted, and nobody was told.
    async fn is_wanted(&self) -> bool {
        let ground = &self.dispatchers.ground;
        let read = ground
            .retry_for_request()
            .run(|| ground.push.get_config(&self.key, &self.delivery.config_id))
            .await;
        // Not knowing is no reason to stop.
        read.map_or(true, |config| config.is_some())
    }

    /// Holds so many commits that follow what was told, as far as the ring reaches.
    pub(super) fn hold(&mut self, least: usize) {
        let told = self.plan.cursor().version;
        while self.held.front().is_some_and(|record| record.version <= told) {
            self.held.pop_front();
        }
        if self.held.front().is_some_and(|record| record.version != told.next()) {
            self.held.clear();
        }
        if self.held.len() >= least {
            return;
        }
        let last = self.held.back().map_or(told, |record| record.version);
        if let Some(Tail::Commits(commits)) = self.feed.after(last) {
            let room = HELD - self.held.len();
            self.held.extend(commits.into_iter().take(room));
        }
    }

    fn is_caught_up(&self) -> bool {
        match self.feed.after(self.plan.cursor().version) {
            Some(Tail::Commits(commits)) => commits.is_empty(),
            Some(Tail::Behind) => false,
            // This instance has left the task: others deliver what comes.
            None => true,
        }
    }

    /// The last version that the ring knows.
    pub(super) fn head(&self) -> Version {
        self.feed.look(|actor| actor.ring().head()).unwrap_or_default()
    }

    /// Waits until there is more to deliver, or something to acknowledge.
    async fn rest(&mut self) -> Result<(), Ended> {
        match self.acknowledgement.is_pending() {
            false => {
                self.progress.set(Stage::CaughtUp(self.plan.cursor().version));
                // The actor lives as long as this delivery holds its handle.
                self.feed_progress.given().await;
            }
            true => tokio::select! {
                biased;
                () = self.feed_progress.given() => {}
                () = tokio::time::sleep_until(self.acknowledgement.due()) => return self.acknowledge().await,
            },
        }
        Ok(())
    }

    async fn read_store(&mut self, after: Version) {
        let Delivery { dispatchers, key, .. } = self;
        let ground = &dispatchers.ground;
        let read = ground.retry_for_request().run(|| ground.tasks.commits_after(key, after)).await;
        match read {
            Ok(Replay::Commits(commits)) if commits.is_empty() => self.read_nothing().await,
            Ok(Replay::Commits(commits)) => self.held.extend(commits),
            Ok(Replay::Snapshot(_)) => self.plan.log_is_gone(),
            Err(error) => {
                warn_of!(error, task = %self.key, error = %Chain(&error), "a webhook waits for the store");
                sleep(self.dispatchers.ground.config.retry_max).await;
            }
        }
    }

    /// The store has nothing after the cursor: right, unless the ring has.
    async fn read_nothing(&mut self) {
        self.feed_is_current = true;
        let head = self.head();
        if head <= self.plan.cursor().version {
            return;
        }
        self.empty_reads += 1;
        if self.empty_reads < EMPTY_READS {
            sleep(self.dispatchers.ground.config.retry_min).await;
        } else {
            // What is gone from the store nobody can deliver.
            self.plan.skip_to(head);
        }
    }

    /// Where artifacts are told once they are complete: all of one.
    async fn whole(&self, mut next: Notification) -> Notification {
        let ground = &self.dispatchers.ground;
        let StreamResponse::ArtifactUpdate(update) = &mut next.event else { return next };
        if ground.config.webhooks.detail != WebhookDetail::ArtifactEnds || update.append != Some(true) {
            return next;
        }
        let stored = loop {
            match ground.retry_for_request().run(|| ground.tasks.load(&self.key)).await {
                Ok(stored) => break stored,
                Err(error) => {
                    warn_of!(error, task = %self.key, error = %Chain(&error), "a webhook waits for the store");
                    sleep(ground.config.retry_max).await;
                }
            }
        };
        let artifacts = stored.and_then(|stored| stored.task.artifacts);
        let known = artifacts.into_iter().flatten().find(|it| it.artifact_id == update.artifact.artifact_id);
        if let Some(artifact) = known {
            update.artifact = artifact;
            update.append = None;
        }
        next
    }

    /// Reads the task for a notification that tells all of it, or its state.
    async fn read_task(&mut self) -> Result<Option<Notification>, Ended> {
        let ground = &self.dispatchers.ground;
        let read = ground.retry_for_request().run(|| ground.tasks.load(&self.key)).await;
        match read {
            Ok(Some(stored)) => {
                let told = self.plan.of(&stored, |event| body(event).map_or(usize::MAX, |body| body.len()));
                // Whoever begins after this look reads the task later, and so not an earlier one.
                if told.is_some() && !self.counts().await {
                    return Err(Ended::Displaced);
                }
                Ok(told)
            }
            Ok(None) => {
                // What is gone nobody can deliver.
                self.plan.task_is_gone();
                self.read_nothing().await;
                Ok(None)
            }
            Err(error) => {
                warn_of!(error, task = %self.key, error = %Chain(&error), "a webhook waits for the store");
                sleep(ground.config.retry_max).await;
                Ok(None)
            }
        }
    }

    pub(super) async fn accepted(&mut self, next: &Notification) -> Result<(), Ended> {
        self.plan.accepted(next);
        self.turn_ended = ends_turn(&next.event);
        self.ending.is_there();
        if self.acknowledgement.reached(next, self.plan.reached()) {
            self.acknowledge().await?;
        }
        if std::mem::take(&mut self.may_be_given_up) {
            self.forget_given_up().await;
        }
        Ok(())
    }
}
