//! Follows a task that runs elsewhere, for as long as somebody here reads it: one follower per feed.
//!
//! News comes by the bus, in any order; the feed sorts it by version. A gap that lasts is repaired from the
//! store. After silence the store is asked anyway, since a lost last event leaves no gap.

use std::sync::Arc;

use a2a_core::{InstanceId, News, Reach, Replay, Result, TaskHead, TaskKey};
use tokio::time::{Instant, sleep, sleep_until};

use crate::error::Chain;
use crate::feed::Feed;
use crate::instance::Instance;
use crate::members;

/// What has been done already when a follower starts.
#[derive(Debug)]
pub(crate) enum Begin {
    /// This instance is recorded as a watcher; the task's head was this.
    Registered(TaskHead),
    /// Nothing.
    Unregistered,
}

/// Makes sure that a task's feed is followed, if anyone here reads it.
pub(crate) fn ensure(instance: &Arc<Instance>, key: &TaskKey, begin: Begin) {
    if !instance.feeds.begin_following(key) {
        return;
    }
    if let Some(feed) = instance.feeds.get(key) {
        let mut follower = Follower {
            instance: Arc::clone(instance),
            executor: None,
            told: Reach::Nowhere,
            registered: false,
            silence: instance.config.silence_min,
            feed,
        };
        if let Begin::Registered(head) = begin {
            // At once, so that a cancel sent next does not end the run before it hears of this watcher.
            follower.registered = true;
            follower.announce(&head);
        }
        instance.tracker.spawn(follower.follow());
    }
}

struct Follower {
    instance: Arc<Instance>,
    feed: Arc<Feed>,
    executor: Option<InstanceId>,
    /// How the executor was told that this instance is reached.
    told: Reach,
    registered: bool,
    silence: std::time::Duration,
}

impl Follower {
    async fn follow(mut self) {
        let mut check = Instant::now() + self.silence;
        while !self.feed.ended() {
            if !self.instance.feeds.has_readers(self.feed.key()) {
                if self.leave().await {
                    return;
                }
                continue;
            }
            if !self.registered {
                self.register().await;
            }
            let before = self.feed.head();
            let mut progress = self.feed.progress();
            let instance = Arc::clone(&self.instance);
            let reach_changed = instance.connection.reach_changed();
            tokio::pin!(reach_changed);
            if instance.connection.reach() != self.told {
                // An executor that was told of another way sends into the void.
                self.tell_watch();
            }
            tokio::select! {
                biased;
                () = self.instance.closing.cancelled() => break,
                () = self.feed.attention() => {
                    if self.feed.has_gap() {
                        sleep(self.instance.config.resync_after).await;
                        if self.feed.has_gap() {
                            self.instance.meters.gap_repairs.increment(1);
                            self.repair().await;
                        }
                    }
                }
                _ = progress.changed() => {}
                () = &mut reach_changed => {}
                () = sleep_until(check) => self.check().await,
            }
            if self.feed.head() > before {
                self.silence = self.instance.config.silence_min;
                check = Instant::now() + self.silence;
            } else if check <= Instant::now() {
                check = Instant::now() + self.silence;
            }
        }
        // A task that ended needs no unwatch.
        self.instance.feeds.end_following(self.feed.key());
    }

    /// Asks the store after silence. What it finds there, the executor failed to send: it is told again.
    async fn check(&mut self) {
        let key = self.feed.key();
        if self.instance.runs.get(key).is_some() {
            return;
        }
        let before = self.feed.head();
        self.repair().await;
        self.instance.meters.silence_checked(self.feed.head() > before);
        if self.feed.head() == before {
            self.silence = (self.silence * 2).min(self.instance.config.silence_max);
            if let Some(executor) = self.executor {
                members::suspect(&self.instance, self.feed.key(), executor);
            }
        } else if !self.feed.ended()
            && let Ok(Some(head)) = self.instance.tasks.head(self.feed.key()).await
        {
            self.announce(&head);
        }
    }

    /// Reads from the store what is missing. What fails now is tried again at the next check.
    async fn repair(&self) {
        if let Err(error) = self.try_repair().await {
            tracing::debug!(task = %self.feed.key(), error = %Chain(&error), "a gap could not be repaired yet");
        }
    }

    async fn try_repair(&self) -> Result<()> {
        loop {
            match self.instance.tasks.commits_after(self.feed.key(), self.feed.head()).await? {
                Replay::Commits(commits) if commits.is_empty() => return Ok(()),
                Replay::Commits(commits) => commits.iter().for_each(|commit| self.feed.publish(commit)),
                Replay::Snapshot(stored) => {
                    self.feed.advance(stored.version, stored.task.status.state.is_terminal());
                    return Ok(());
                }
            }
        }
    }

    /// Records this instance as a watcher, then reads what happened before it was.
    async fn register(&mut self) {
        match self.instance.tasks.watch(self.feed.key(), &self.instance.id).await {
            Ok(Some(stored)) => {
                self.registered = true;
                self.repair().await;
                self.announce(&stored.head);
            }
            Ok(None) => self.feed.cut(),
            Err(error) => {
                tracing::debug!(task = %self.feed.key(), error = %Chain(&error), "a task is not watched yet");
                sleep(self.instance.config.retry_max).await;
            }
        }
    }

    /// Tells the executor what this instance has, so that it sends the rest.
    fn announce(&mut self, head: &TaskHead) {
        self.executor = head.claim.map(|claim| claim.instance);
        self.tell_watch();
    }

    fn tell_watch(&mut self) {
        self.told = self.instance.connection.reach();
        if let Some(executor) = self.executor.filter(|executor| *executor != self.instance.id) {
            let news = News::Watch { after: self.feed.head(), reach: self.told };
            self.instance.tell(executor, self.feed.key(), news);
        }
    }

    /// Signs off once nobody reads any more. `false`: somebody does again, and the task must be watched anew.
    async fn leave(&mut self) -> bool {
        let key = self.feed.key();
        if self.registered {
            if let Err(error) = self.instance.tasks.unwatch(key, &self.instance.id).await {
                tracing::debug!(task = %key, error = %Chain(&error), "a watcher that left stays recorded");
            }
            if let Some(executor) = self.executor.filter(|executor| *executor != self.instance.id) {
                self.instance.tell(executor, key, News::Unwatch);
            }
        }
        self.registered = false;
        self.instance.feeds.end_following_if_idle(key)
    }
}
