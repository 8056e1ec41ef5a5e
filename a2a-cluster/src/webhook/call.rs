//! One notification on its way to one webhook, however often it takes; and what its answer means for what comes next.

use std::collections::VecDeque;

use a2a::StreamResponse;
use a2a_core::Version;
use bytes::Bytes;
use tokio::time::sleep;

use super::delivery::Delivery;
use super::ending::{Why, ends_turn};
use super::form::Form;
use super::notification::Notification;
use super::progress::Stage;
use super::registry::look_again;
use super::request::{Failure, body};
use super::shares::Asked;
use super::verdict::Verdict;
use crate::ground::telemetry::{Attempt, webhook_attempt};

/// So often one event is tried in a row before the task as it is takes its place.
const TRIES_OF_ONE: u32 = 8;

/// What became of a notification.
pub(super) enum Fate {
    Accepted,
    /// Another instance delivered everything up to this version.
    Elsewhere(Version),
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
            if elsewhere >= next.then.version && elsewhere > self.cursor.version {
                return Fate::Elsewhere(elsewhere);
            }
            tries += 1;
            match self.form {
                Form::Events if self.is_far_behind() && self.takes_tasks => return Fate::Outdated,
                Form::Events if tries >= TRIES_OF_ONE && self.takes_tasks => {
                    self.form = Form::Task;
                    return Fate::Outdated;
                }
                // The task has got further.
                Form::Task | Form::Status | Form::State if self.head() > next.then.version => {
                    return Fate::Outdated;
                }
                _ => {}
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
    async fn delivered_elsewhere(&mut self) -> Version {
        let Delivery { dispatchers, key, config_id, ending, .. } = self;
        let ground = &dispatchers.ground;
        // In this order: a successor writes how far it got, then it releases the task.
        while let Ok(Some(head)) = ground.tasks.head(key).await {
            if head.claim.is_none_or(|claim| claim.instance == ground.id) {
                ending.saw(&head);
                break;
            }
            // It closes this delivery, unless the task has come back.
            look_again(dispatchers, key);
            sleep(ground.config.silence_max).await;
        }
        // Not knowing is no reason to stop.
        match ground.push.get_config(key, config_id).await {
            Ok(Some(config)) => config.acknowledged,
            Ok(None) | Err(_) => Version::ABSENT,
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
    pub(super) async fn refused(&mut self, next: &Notification, bytes: usize) -> bool {
        match self.form {
            Form::Events if next.is_merged() => self.refused_together = next.then,
            Form::Events => {
                tracing::warn!(task = %self.key, bytes, "a webhook refuses an event; it is told the next");
                match in_fewer_words(next) {
                    // How the turn ended it is told in any case.
                    Some(shortened) => self.shortened = Some(shortened),
                    None if ends_turn(&next.event) && self.head() <= next.then.version => {
                        self.give_up("it refuses the last state".to_owned(), Some(next.then.version)).await;
                        return false;
                    }
                    None => {
                        self.go_to(next.then);
                        self.acknowledgement.note(next.then.version);
                    }
                }
            }
            Form::Task => self.tell_no_tasks(),
            Form::Status => self.form = Form::State,
            Form::State if ends_turn(&next.event) && self.head() <= next.then.version => {
                self.give_up("it refuses the last state".to_owned(), Some(next.then.version)).await;
                return false;
            }
            Form::State => {
                self.form = Form::Events;
                self.go_to(next.then);
            }
        }
        true
    }
}

/// The end of a turn without its message, if that is an event which has one.
fn in_fewer_words(next: &Notification) -> Option<Notification> {
    let mut next = Notification { is_short: true, ..next.clone() };
    let StreamResponse::StatusUpdate(update) = &mut next.event else { return None };
    let has_message = update.status.message.take().is_some() | update.metadata.take().is_some();
    (has_message && ends_turn(&next.event)).then_some(next)
}
