//! One notification on its way to one webhook, however often it takes; and what its answer means for what comes next.

use std::collections::VecDeque;

use tokio::time::{sleep, timeout};

use super::delivery::Delivery;
use super::ending::Why;
use super::notification::Notification;
use super::plan::Refusal;
use super::progress::{Ended, Stage};
use super::registry::attend;
use super::request::{Failure, body};
use super::shares::{Asked, Share};
use super::verdict::Verdict;
use crate::ground::telemetry::{Attempt, webhook_attempt};

/// One call, and how large it was.
pub(super) struct Attempted {
    pub(super) bytes: usize,
    pub(super) outcome: Result<(), Failure>,
}

/// What became of a notification.
pub(super) enum Fate {
    Accepted,
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
    pub(super) async fn deliver(&mut self, next: &Notification) -> Result<Fate, Ended> {
        let mut tries = 0;
        loop {
            let Some(Attempted { bytes, outcome }) = self.attempt(next).await else {
                tracing::warn!(task = %self.key, "an event has no form for webhooks");
                return Ok(Fate::Refused { bytes: 0, is_too_large: false });
            };
            let failure = match outcome {
                Ok(()) => {
                    webhook_attempt(Attempt::Accepted);
                    self.backoff.succeeded();
                    return Ok(Fate::Accepted);
                }
                Err(failure) => failure,
            };
            webhook_attempt(failure.attempt);
            match Verdict::of(&failure) {
                Verdict::EventRefused => {
                    self.backoff.succeeded();
                    return Ok(Fate::Refused { bytes, is_too_large: failure.is_too_large() });
                }
                Verdict::ReceiverRefused => return Ok(Fate::Unwanted(failure, Why::Refused)),
                Verdict::Away => {}
            }
            self.ending.is_away(self.dispatchers.ground.env.now());
            // A webhook that keeps everybody waiting keeps no more than this event in memory.
            self.held = VecDeque::new();
            if self.is_overdue().await {
                return Ok(Fate::Unwanted(failure, Why::Overdue));
            }
            self.pause(&failure).await;
            if self.is_displaced().await {
                return Err(Ended::Displaced);
            }
            tries += 1;
            if self.plan.gives_way(next, tries, self.head()) {
                return Ok(Fate::Outdated);
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

    /// Tells, after a pause, whether this delivery does not count any more: word of a claim may have been lost. Waits while
    /// another instance has the task.
    async fn is_displaced(&mut self) -> bool {
        let Delivery { dispatchers, key, ending, .. } = self;
        let ground = &dispatchers.ground;
        // In this order: a successor begins its delivery, then it releases the task.
        while let Ok(Some(head)) = ground.tasks.head(key).await {
            if head.claim.is_none_or(|claim| claim.instance == ground.id) {
                ending.saw(&head);
                break;
            }
            // It closes this delivery, unless the task has come back.
            attend(dispatchers, key);
            sleep(ground.config.silence_max).await;
        }
        !self.counts().await
    }

    /// Calls the webhook once, when it is this call's turn. The body is written no earlier, and kept no longer.
    /// `None`: what it is to be told has no form for webhooks.
    pub(super) async fn attempt(&mut self, next: &Notification) -> Option<Attempted> {
        let failed = |failure| Some(Attempted { bytes: 0, outcome: Err(Failure::of(failure)) });
        self.dispatchers.wait_for_life().await;
        let Some(host) = self.destination.as_ref().map(|destination| destination.host().to_owned()) else {
            return failed(Attempt::Blocked);
        };
        let Some(_share) = self.share(&host).await else { return failed(Attempt::TimedOut) };
        let Delivery { dispatchers, destination: Some(destination), key, .. } = &*self else {
            return failed(Attempt::Blocked);
        };
        let Some(transport) = &dispatchers.transport else { return failed(Attempt::Failed) };
        let body = body(&next.event)?;
        let (ground, bytes) = (&dispatchers.ground, body.len());
        let call = destination.call(&next.id(key), body, ground.env.now(), &ground.config.webhooks.sign_with);
        let outcome = call.post(&**transport, ground.config.webhooks.timeout).await;
        let in_time = !matches!(&outcome, Err(failure) if failure.attempt == Attempt::TimedOut);
        dispatchers.shares.answered(&host, in_time);
        Some(Attempted { bytes, outcome })
    }

    /// Waits for this call's turn. `None`: it has not come until the webhook was away for too long.
    async fn share(&mut self, host: &str) -> Option<Share> {
        let mut waits = match self.dispatchers.shares.ask(&self.owner, host) {
            Asked::Granted(share) => return Some(share),
            Asked::Waits(waits) => waits,
        };
        let before = self.progress.get();
        self.progress.set(Stage::Away);
        self.ending.is_away(self.dispatchers.ground.env.now());
        // Who waits for others holds nothing.
        self.held = VecDeque::new();
        let look_every = self.dispatchers.ground.config.webhooks.retry_max;
        loop {
            match timeout(look_every, waits.granted()).await {
                Ok(share) => {
                    self.progress.set(before);
                    return share;
                }
                Err(_) => {
                    if let Ok(Some(head)) = self.dispatchers.ground.tasks.head(&self.key).await {
                        self.ending.saw(&head);
                    }
                    if self.is_overdue().await {
                        return None;
                    }
                }
            }
        }
    }

    /// The webhook refuses what it was told: it is told less, or the next.
    pub(super) fn refused(&mut self, next: &Notification, bytes: usize, is_too_large: bool) {
        match self.plan.refused(next, is_too_large.then_some(bytes)) {
            Refusal::Otherwise => {}
            Refusal::LeftOut => {
                tracing::warn!(task = %self.key, bytes, "a webhook refuses an event; it is told the next");
                self.acknowledgement.note(self.plan.reached());
            }
        }
    }
}
