//! How a delivery ends: with the last state, which has a try of its own, or with a record of why not.

use std::time::Duration;

use a2a_core::{GivenUpDelivery, PushProgress, Version, reduce};
use tokio::time::sleep;

use super::delivery::Delivery;
use super::ending::Why;
use super::form::Form;
use super::progress::{Ended, Stage};
use super::request::Failure;
use super::verdict::Verdict;
use crate::actor::core::Actor;
use crate::ground::telemetry::{Attempt, webhook_attempt};
use crate::ground::{Chain, warn_of};

impl Delivery {
    /// Tells whether a webhook is away for so long after the end of the turn that it is not waited for any more.
    pub(super) async fn is_overdue(&mut self) -> bool {
        if !self.ending.is_over {
            return false;
        }
        let ground = &self.dispatchers.ground;
        if self.ending.at.is_none()
            && let Ok(Some(stored)) = ground.tasks.load(&self.key).await
            && reduce::ends_turn(&stored.task.status.state)
        {
            self.ending.at = Some(stored.task.status.timestamp.unwrap_or_else(|| ground.env.now()));
        }
        let Some(since) = self.ending.since() else { return false };
        let waited = (ground.env.now() - since).to_std().unwrap_or(Duration::ZERO);
        waited >= ground.config.webhooks.keep_trying
    }

    /// Tells the end of the turn, once, and nothing of what waits. A webhook that does not take that either is given up.
    pub(super) async fn tell_the_end(&mut self, failure: Failure, why: Why) -> Result<(), Ended> {
        let task = &self.key;
        let Failure { attempt, status, .. } = failure;
        tracing::warn!(%task, ?attempt, status, ?why, "a webhook is told how the turn ends, and no more");
        let stored = loop {
            self.progress.set(Stage::Away);
            self.feed_progress.mark_heard();
            if self.feed.look(Actor::is_served) == Some(true) {
                self.feed_progress.given().await;
                continue;
            }
            let ground = &self.dispatchers.ground;
            match ground.retry_for_request().run(|| ground.tasks.load(&self.key)).await {
                Ok(Some(stored)) if reduce::ends_turn(&stored.task.status.state) => break stored,
                Ok(None) => return Err(Ended::GivenUp(self.head())),
                // Somebody takes the task over, or will.
                Ok(Some(_)) | Err(_) => sleep(ground.config.silence_max).await,
            }
        };
        self.progress.set(Stage::Busy);
        let (mut end, mut answered) = (Form::Status.of(&stored), Err(failure));
        for form in [Form::Status, Form::State] {
            end = form.of(&stored);
            let Some(attempted) = self.attempt(&end).await else { continue };
            answered = attempted.outcome;
            // What it refuses for what is in it, it may take without.
            if !matches!(&answered, Err(failure) if Verdict::of(failure) == Verdict::EventRefused) {
                break;
            }
        }
        match answered {
            Ok(()) => {
                webhook_attempt(Attempt::Accepted);
                self.accepted(&end).await?;
                self.acknowledge().await
            }
            Err(failure) => {
                webhook_attempt(failure.attempt);
                // What it refuses it does not want later either.
                Err(self.give_up(failure.reason(), stored.version, why == Why::Refused).await)
            }
        }
    }

    /// Gives the webhook up for the turn that ended with this version, and puts it on record. `drops`: nothing up to there is
    /// tried again.
    pub(super) async fn give_up(&mut self, reason: String, ended: Version, drops: bool) -> Ended {
        if !self.counts().await {
            return Ended::Displaced;
        }
        webhook_attempt(Attempt::GivenUp);
        tracing::warn!(task = %self.key, reason, "a webhook is given up for this turn");
        let ground = &self.dispatchers.ground;
        let given_up = GivenUpDelivery {
            task: self.key.clone(),
            config_id: self.delivery.config_id.clone(),
            version: ended,
            host: self
                .destination
                .as_ref()
                .map(|destination| destination.host().to_owned())
                .unwrap_or_default(),
            reason,
            at: ground.env.now(),
        };
        // As long as nobody can know of it, it is this instance's to tell.
        self.progress.set(Stage::Away);
        while let Err(error) = ground.retry_for_request().run(|| ground.push.give_up(&given_up)).await {
            warn_of!(error, task = %self.key, error = %Chain(&error), "a webhook that was given up is not on record yet");
            sleep(ground.config.retry_max).await;
        }
        if drops {
            match self.write(PushProgress::to(ended)).await {
                Ok(true) => {}
                Ok(false) => return Ended::Displaced,
                Err(error) => {
                    tracing::debug!(task = %self.key, error = %Chain(&error), "what a webhook refused may be told again");
                }
            }
        }
        Ended::GivenUp(ended)
    }

    /// The webhook takes something: it is not given up any more.
    pub(super) async fn forget_given_up(&self) {
        let ground = &self.dispatchers.ground;
        let forget = || ground.push.forget_given_up(&self.key, &self.delivery.config_id);
        if let Err(error) = ground.retry_for_request().run(forget).await {
            tracing::debug!(task = %self.key, error = %Chain(&error), "a webhook stays on record as given up");
        }
    }
}
