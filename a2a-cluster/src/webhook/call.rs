//! One notification on its way to one webhook, however often it takes; and what its answer means for what comes next.

use std::collections::VecDeque;

use a2a_core::PushProgress;
use bytes::Bytes;
use tokio::time::sleep;

use super::delivery::Delivery;
use super::ending::Why;
use super::notification::Notification;
use super::plan::Refusal;
use super::progress::Stage;
use super::registry::attend;
use super::request::{Failure, body};
use super::shares::Asked;
use super::verdict::Verdict;
use crate::ground::telemetry::{Attempt, webhook_attempt};

/// What became of a notification.
pub(super) enum Fate {
    Accepted,
    /// Another instance told it already, and got so far.
    Elsewhere(PushProgress),
    /// The webhook refuses what it was told; so large it was.
    Refused {
        bytes: usize,
        is_too_large: bool,
    },
    /// It is away, and something else is to be told by now.
    Outdated,
    /// It is told the end of the turn yet, once, and then no more.
    Unwanted(Failure, Why),
}

impl Delivery {
    /// Delivers one notification, however often it takes.
    pub(super) async fn deliver(&mut self, next: &Notification) -> Fate {
        let mut tries = 0;
        loop {
            // Written again for each try: nothing of it is kept while a webhook is away.
            let Some(body) = body(&next.event) else {
                tracing::warn!(task = %self.key, "an event has no form for webhooks");
                return Fate::Refused { bytes: 0, is_too_large: false };
            };
            let bytes = body.len();
            let failure = match self.attempt(next, body).await {
                Ok(()) => {
                    webhook_attempt(Attempt::Accepted);
                    self.backoff.succeeded();
                    return Fate::Accepted;
                }
                Err(failure) => failure,
            };
            webhook_attempt(failure.attempt);
            match Verdict::of(&failure) {
                Verdict::EventRefused => {
                    self.backoff.succeeded();
                    return Fate::Refused { bytes, is_too_large: failure.is_too_large() };
                }
                Verdict::ReceiverRefused => return Fate::Unwanted(failure, Why::Refused),
                Verdict::Away => {}
            }
            // A webhook that keeps everybody waiting keeps no more than this event in memory.
            self.held = VecDeque::new();
            if self.is_overdue().await {
                return Fate::Unwanted(failure, Why::Overdue);
            }
            self.pause(&failure).await;
            let elsewhere = self.delivered_elsewhere().await;
            let version = elsewhere.acknowledged;
            if version >= next.then.version && version > self.plan.cursor().version {
                return Fate::Elsewhere(elsewhere);
            }
            tries += 1;
            if self.plan.gives_way(next, tries, self.head()) {
                return Fate::Outdated;
            }
        }
    }

    /// Lets a webhook that is away have some time.
    async fn pause(&mut self, failure: &Failure) {
        let ground = &self.dispatchers.ground;
        let chance = ground.env.chance();
        let pause = self.backoff.failed(&ground.config.webhooks, failure.retry_after, chance);
        let Failure { attempt, status, .. } = failure;
        tracing::debug!(task = %self.key, ?attempt, status, ?pause, "a webhook is away; it is tried again");
        self.progress.set(Stage::Away);
        sleep(pause).await;
    }

    /// Reads, after a pause, how far others got with this webhook: word of a claim may have been lost. Waits while
    /// another instance has the task.
    async fn delivered_elsewhere(&mut self) -> PushProgress {
        let Delivery { dispatchers, key, config_id, ending, .. } = self;
        let ground = &dispatchers.ground;
        // In this order: a successor writes how far it got, then it releases the task.
        while let Ok(Some(head)) = ground.tasks.head(key).await {
            if head.claim.is_none_or(|claim| claim.instance == ground.id) {
                ending.saw(&head);
                break;
            }
            // It closes this delivery, unless the task has come back.
            attend(dispatchers, key);
            sleep(ground.config.silence_max).await;
        }
        // Not knowing is no reason to stop.
        match ground.push.get_config(key, config_id).await {
            Ok(Some(config)) => config.progress,
            Ok(None) | Err(_) => PushProgress::default(),
        }
    }

    pub(super) async fn attempt(&self, next: &Notification, body: Bytes) -> Result<(), Failure> {
        let Delivery { dispatchers, destination, owner, progress, .. } = self;
        let Some(destination) = destination else { return Err(Failure::of(Attempt::Blocked)) };
        let Some(transport) = &dispatchers.transport else { return Err(Failure::of(Attempt::Failed)) };
        dispatchers.wait_for_life().await;
        let _share = match dispatchers.shares.ask(owner, destination.host()) {
            Asked::Granted(share) => Some(share),
            Asked::Waits(waits) => {
                let before = progress.get();
                progress.set(Stage::Away);
                let share = waits.await.ok();
                progress.set(before);
                share
            }
        };
        let ground = &dispatchers.ground;
        let id = next.id(&self.key);
        let call = destination.call(&id, body, ground.env.now(), &ground.config.webhooks.sign_with);
        let answered = call.post(&**transport, ground.config.webhooks.timeout).await;
        let in_time = !matches!(&answered, Err(failure) if failure.attempt == Attempt::TimedOut);
        dispatchers.shares.answered(destination.host(), in_time);
        answered
    }

    /// The webhook refuses what it was told: it is told less, or the next. `false`: there is nothing left to tell.
    pub(super) async fn refused(&mut self, next: &Notification, bytes: usize, is_too_large: bool) -> bool {
        match self.plan.refused(next, is_too_large.then_some(bytes), self.head()) {
            Refusal::Otherwise => {}
            Refusal::LeftOut => {
                tracing::warn!(task = %self.key, bytes, "a webhook refuses an event; it is told the next");
                self.acknowledgement.note(self.plan.reached());
            }
            Refusal::TheEnd => {
                self.give_up("it refuses the last state".to_owned(), next.then.version, true).await;
                return false;
            }
        }
        true
    }
}
