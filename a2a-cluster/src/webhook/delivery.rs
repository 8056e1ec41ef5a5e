//! The delivery of one task's events to one webhook: a cursor, never a queue.
//!
//! It tells event by event, in order. Where many wait, or a call fails again and again, it tells the task as it is in their
//! stead; where the webhook refuses that, the state alone. So the end of a turn always has a try of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use a2a::StreamResponse;
use a2a_core::{CommitRecord, ConfigRevision, PushSubscription, Replay, Result, TaskKey, Version};
use tokio::time::sleep;

use super::acknowledgement::Acknowledgement;
use super::backoff::Backoff;
use super::call::Fate;
use super::ending::{Ending, ends_turn};
use super::form::Form;
use super::notification::{self, BLOCK, Cursor, Notification, Together};
use super::progress::{Progress, Stage};
use super::registry::Dispatchers;
use super::request::{Destination, body};
use super::shares::Owner;
use crate::actor::Handle;
use crate::actor::core::{Actor, Tail};
use crate::ground::{Chain, Listener, WebhookDetail};

/// How many commits of the feed are held at a time.
const HELD: usize = 2 * BLOCK as usize;
/// Of a task that is further ahead than this, its webhooks are told what it is like now.
const MOST_BEHIND: u64 = 256;
/// How often the store may show less than the feed has before the task counts as gone.
const EMPTY_READS: u32 = 10;

/// Delivers one task's events to one webhook.
pub(super) struct Delivery {
    pub(super) dispatchers: Arc<Dispatchers>,
    pub(super) key: TaskKey,
    pub(super) config_id: String,
    revision: ConfigRevision,
    pub(super) owner: Owner,
    pub(super) destination: Option<Destination>,
    pub(super) feed: Arc<Handle>,
    pub(super) feed_progress: Listener,
    /// The feed has everything that the store has, or says that it lacks something.
    feed_is_current: bool,
    empty_reads: u32,
    pub(super) cursor: Cursor,
    pub(super) held: VecDeque<Arc<CommitRecord>>,
    /// What waits is told together up to here.
    block_ends: Version,
    /// Up to here nothing is told together but what one commit holds: an instance that was here before may have told it
    /// event by event.
    told_singly: Version,
    /// Up to here each event is told by itself: the webhook refused them together.
    pub(super) refused_together: Cursor,
    pub(super) form: Form,
    /// An event that it refused, in fewer words.
    pub(super) shortened: Option<Notification>,
    /// The webhook does not take so many bytes at once.
    pub(super) too_large: usize,
    /// It takes the task in place of its events, as far as is known.
    pub(super) takes_tasks: bool,
    /// It was told the end of a turn, and of the next one nothing yet.
    turn_ended: bool,
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
        let from = subscription.acknowledged;
        let begins_with_task = subscription.begins_with_task && from == Version::ABSENT;
        Delivery {
            dispatchers: Arc::clone(dispatchers),
            key: feed.key().clone(),
            config_id: subscription.config.id.clone().unwrap_or_default(),
            revision: subscription.revision,
            owner: owner.clone(),
            destination: Destination::of(&subscription.config),
            feed: Arc::clone(feed),
            feed_progress: feed.progress(),
            feed_is_current,
            empty_reads: 0,
            cursor: Cursor::after(from),
            held: VecDeque::new(),
            block_ends: Version::ABSENT,
            told_singly: Version::new(from.get() + 2 * BLOCK),
            refused_together: Cursor::after(Version::ABSENT),
            form: if begins_with_task { Form::Task } else { Form::Events },
            shortened: None,
            too_large: usize::MAX,
            takes_tasks: true,
            turn_ended: begins_with_task,
            acknowledgement: Acknowledgement::new(from, policy.acknowledge_after),
            backoff: Backoff::default(),
            ending: Ending::default(),
            progress,
            may_be_given_up: !feed.look(Actor::is_in_first_turn).unwrap_or(false),
        }
    }

    /// Delivers until the webhook is given up. Cancel safe: what was on its way is delivered again by the next delivery.
    pub(super) async fn run(mut self) {
        loop {
            let next = self.next().await;
            if std::mem::take(&mut self.turn_ended) && !self.is_wanted().await {
                // The dispatcher looks at the configs again before it leaves.
                return self.progress.set(Stage::GivenUp);
            }
            match self.deliver(&next).await {
                Fate::Accepted => self.accepted(&next).await,
                Fate::Elsewhere(version) => {
                    self.form = Form::Events;
                    self.go_to(Cursor::after(version));
                    self.acknowledgement.passed(version);
                }
                Fate::Refused { bytes, is_too_large } => {
                    if is_too_large {
                        self.too_large = self.too_large.min(bytes);
                    }
                    if !self.refused(&next, bytes).await {
                        return;
                    }
                }
                Fate::Outdated => {}
                Fate::Unwanted(failure, why) => {
                    if !self.tell_the_end(failure, why).await {
                        return;
                    }
                }
            }
        }
    }

    async fn next(&mut self) -> Notification {
        loop {
            if let Some(shortened) = self.shortened.take() {
                return shortened;
            }
            if self.form == Form::Events && self.is_far_behind() && self.takes_tasks {
                self.form = Form::Task;
            }
            if self.form != Form::Events {
                self.progress.set(Stage::Busy);
                if let Some(task) = self.read_task().await {
                    return task;
                }
                continue;
            }
            // Marked as seen before the feed is read: progress made in between ends the wait below.
            self.feed_progress.mark_heard();
            self.fill();
            if !self.held.is_empty() {
                self.progress.set(Stage::Busy);
                let (together, detail) = (self.together(), self.dispatchers.ground.config.webhooks.detail);
                match notification::next(&self.held, self.cursor, together, detail) {
                    Ok(next) => return self.whole(next).await,
                    Err(cursor) => {
                        self.go_to(cursor);
                        self.acknowledgement.note(cursor.version);
                    }
                }
            } else if self.feed_is_current && self.is_caught_up() {
                self.rest().await;
            } else {
                self.progress.set(Stage::Busy);
                self.read_store().await;
            }
        }
    }

    /// Tells whether the config is there yet: between two turns it may have been deleted, and nobody was told.
    async fn is_wanted(&self) -> bool {
        let ground = &self.dispatchers.ground;
        let read =
            ground.retry_for_request().run(|| ground.push.get_config(&self.key, &self.config_id)).await;
        // Not knowing is no reason to stop.
        read.map_or(true, |config| config.is_some())
    }

    /// The webhook does not take the task in place of its events: it is told those, as far as they are kept.
    pub(super) fn tell_no_tasks(&mut self) {
        self.takes_tasks = false;
        self.form = Form::Events;
    }

    /// Holds more of the feed, as far as it reaches.
    fn fill(&mut self) {
        if self.held.len() >= BLOCK as usize {
            return;
        }
        let last = self.held.back().map_or(self.cursor.version, |record| record.version);
        if let Some(Tail::Commits(commits)) = self.feed.after(last) {
            let room = HELD - self.held.len();
            self.held.extend(commits.into_iter().take(room));
        }
    }

    fn is_caught_up(&self) -> bool {
        matches!(self.feed.after(self.cursor.version), Some(Tail::Commits(commits)) if commits.is_empty())
    }

    /// The last version that the feed knows.
    pub(super) fn head(&self) -> Version {
        self.feed.look(|actor| actor.ring().head()).unwrap_or_default()
    }

    pub(super) fn is_far_behind(&self) -> bool {
        self.head().get() > self.cursor.version.get() + MOST_BEHIND
    }

    /// How far what waits is told together.
    fn together(&mut self) -> Together {
        if self.cursor < self.refused_together {
            return Together::Nothing;
        }
        let from = self.cursor.version.get();
        let begins_block = self.cursor.events == 0 && from.is_multiple_of(BLOCK);
        let ends = Version::new(from + BLOCK);
        if begins_block
            && self.cursor.version >= self.told_singly
            && self.held.iter().any(|record| record.version == ends)
        {
            self.block_ends = ends;
        }
        if self.cursor.version < self.block_ends {
            Together::Until(self.block_ends)
        } else {
            Together::ACommit
        }
    }

    pub(super) fn go_to(&mut self, cursor: Cursor) {
        self.cursor = cursor;
        while self.held.front().is_some_and(|record| record.version <= cursor.version) {
            self.held.pop_front();
        }
        if self.held.front().is_some_and(|record| record.version != cursor.version.next()) {
            self.held.clear();
        }
    }

    /// Waits until there is more to deliver, or something to acknowledge.
    async fn rest(&mut self) {
        match self.acknowledgement.pending() {
            None => {
                self.progress.set(Stage::CaughtUp(self.cursor.version));
                // The feed lives as long as this delivery holds it.
                self.feed_progress.given().await;
            }
            Some(_) => tokio::select! {
                biased;
                () = self.feed_progress.given() => {}
                () = tokio::time::sleep_until(self.acknowledgement.due()) => self.acknowledge().await,
            },
        }
    }

    async fn read_store(&mut self) {
        let Delivery { dispatchers, key, cursor, .. } = self;
        let ground = &dispatchers.ground;
        let read = ground.retry_for_request().run(|| ground.tasks.commits_after(key, cursor.version)).await;
        match read {
            Ok(Replay::Commits(commits)) if commits.is_empty() => self.read_nothing().await,
            Ok(Replay::Commits(commits)) => self.held = commits.into(),
            Ok(Replay::Snapshot(_)) => self.form = if self.takes_tasks { Form::Task } else { Form::Status },
            Err(error) => {
                tracing::warn!(task = %self.key, error = %Chain(&error), "a webhook waits for the store");
                sleep(self.dispatchers.ground.config.retry_max).await;
            }
        }
    }

    /// The store has nothing after the cursor: right, unless the feed has.
    async fn read_nothing(&mut self) {
        self.feed_is_current = true;
        let head = self.head();
        if head <= self.cursor.version {
            return;
        }
        self.empty_reads += 1;
        if self.empty_reads < EMPTY_READS {
            sleep(self.dispatchers.ground.config.retry_min).await;
        } else {
            // What is gone from the store nobody can deliver.
            self.go_to(Cursor::after(head));
        }
    }

    /// Where artifacts are told once they are complete: all of one.
    async fn whole(&self, mut next: Notification) -> Notification {
        let ground = &self.dispatchers.ground;
        let StreamResponse::ArtifactUpdate(update) = &mut next.event else { return next };
        if ground.config.webhooks.detail != WebhookDetail::ArtifactEnds || update.append != Some(true) {
            return next;
        }
        let read = ground.retry_for_request().run(|| ground.tasks.load(&self.key)).await;
        let artifacts = read.ok().flatten().and_then(|stored| stored.task.artifacts);
        let known = artifacts.into_iter().flatten().find(|it| it.artifact_id == update.artifact.artifact_id);
        if let Some(artifact) = known {
            update.artifact = artifact;
            update.append = None;
        }
        next
    }

    /// Reads the task for a notification that tells all of it, or its state.
    async fn read_task(&mut self) -> Option<Notification> {
        let ground = &self.dispatchers.ground;
        let read = ground.retry_for_request().run(|| ground.tasks.load(&self.key)).await;
        match read {
            Ok(Some(stored)) => {
                if self.dispatchers.ground.config.webhooks.detail == WebhookDetail::States {
                    self.form = self.form.without_artifacts();
                }
                let told = self.form.of(&stored);
                if self.form == Form::Task
                    && self.too_large < usize::MAX
                    && body(&told.event).is_none_or(|body| body.len() >= self.too_large)
                {
                    self.tell_no_tasks();
                    return None;
                }
                Some(told)
            }
            Ok(None) => {
                // What is gone nobody can deliver.
                self.form = Form::Events;
                self.read_nothing().await;
                None
            }
            Err(error) => {
                tracing::warn!(task = %self.key, error = %Chain(&error), "a webhook waits for the store");
                sleep(ground.config.retry_max).await;
                None
            }
        }
    }

    pub(super) async fn accepted(&mut self, next: &Notification) {
        self.go_to(next.then);
        self.form = Form::Events;
        self.turn_ended = ends_turn(&next.event);
        self.ending.accepted = Some(self.dispatchers.ground.env.now());
        if self.acknowledgement.reached(next) {
            self.acknowledge().await;
        }
        if std::mem::take(&mut self.may_be_given_up) {
            self.forget_given_up().await;
        }
    }

    pub(super) async fn acknowledge(&mut self) {
        let Some(version) = self.acknowledgement.pending() else { return };
        match self.write_acknowledged(version).await {
            Ok(()) => self.acknowledgement.written(version),
            Err(error) => {
                tracing::debug!(task = %self.key, error = %Chain(&error), "a webhook's progress is not written yet");
                self.acknowledgement.failed();
            }
        }
    }

    /// Writes that the webhook has everything up to a version, or is not to have it.
    pub(super) async fn write_acknowledged(&self, version: Version) -> Result<()> {
        let Delivery { dispatchers, key, config_id, revision, .. } = self;
        let ground = &dispatchers.ground;
        ground.retry_for_request().run(|| ground.push.acknowledge(key, config_id, *revision, version)).await
    }
}
