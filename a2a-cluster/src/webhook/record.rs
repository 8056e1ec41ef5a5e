//! What a delivery puts on record, for whoever goes on in its place: that it has begun, how far the webhook got, and what it
//! is told next.

use a2a_core::{PushDelivery, PushNext, PushProgress};
use tokio::time::sleep;

use super::acknowledgement::Acknowledgement;
use super::delivery::Delivery;
use super::plan::{MANY, Plan};
use super::progress::Ended;
use crate::ground::{Chain, warn_of};

impl Delivery {
    /// Begins, and so ends what others deliver to this webhook: from now on nothing of theirs counts, and what they put on
    /// record is known.
    pub(super) async fn begin(&mut self) -> Result<(), Ended> {
        let ground = &self.dispatchers.ground;
        let begin = || ground.push.begin_delivery(&self.key, &self.delivery);
        let progress = loop {
            match ground.retry_for_request().run(begin).await {
                Ok(progress) => break progress.ok_or(Ended::Displaced)?,
                Err(error) => {
                    warn_of!(error, task = %self.key, error = %Chain(&error), "a webhook waits for the store");
                    sleep(ground.config.retry_max).await;
                }
            }
        };
        self.has_begun = true;
        if progress != self.plan.on_record() {
            let policy = &ground.config.webhooks;
            self.plan = Plan::new(progress, policy.detail);
            self.acknowledgement = Acknowledgement::new(progress.acknowledged, policy.acknowledge_after);
            self.turn_ended = matches!(progress.next, PushNext::Task(_));
        }
        Ok(())
    }

    /// Tells whether what this delivery puts on record counts, as far as is known.
    pub(super) async fn counts(&self) -> bool {
        let PushDelivery { id, config_id, revision } = &self.delivery;
        match self.dispatchers.ground.push.get_config(&self.key, config_id).await {
            Ok(Some(config)) => {
                config.revision == *revision && config.delivery.is_none_or(|begun| begun == *id)
            }
            Ok(None) => false,
            // Not knowing is no reason to stop.
            Err(_) => true,
        }
    }

    /// Puts on record how far the webhook got, if that is not there yet.
    pub(super) async fn acknowledge(&mut self) -> Result<(), Ended> {
        if !self.acknowledgement.is_pending() {
            return Ok(());
        }
        if !self.has_begun {
            self.begin().await?;
        }
        self.hold(MANY);
        let progress = self.plan.due(&self.held);
        match self.write(progress).await {
            Ok(true) => self.recorded(progress),
            Ok(false) => return Err(Ended::Displaced),
            Err(error) => {
                tracing::debug!(task = %self.key, error = %Chain(&error), "a webhook's progress is not written yet");
                self.acknowledgement.failed();
            }
        }
        Ok(())
    }

    /// Puts on record what the webhook is told next. Until that is there it is not told: whether it is there may not be
    /// known, and whoever goes on would tell otherwise what it was told.
    pub(super) async fn record(&mut self, progress: PushProgress) -> Result<(), Ended> {
        loop {
            match self.write(progress).await {
                Ok(true) => break,
                Ok(false) => return Err(Ended::Displaced),
                Err(error) => {
                    warn_of!(error, task = %self.key, error = %Chain(&error), "a webhook waits for the store");
                    sleep(self.dispatchers.ground.config.retry_max).await;
                }
            }
        }
        self.recorded(progress);
        Ok(())
    }

    fn recorded(&mut self, progress: PushProgress) {
        self.plan.recorded(progress);
        self.acknowledgement.written(progress.acknowledged);
    }

    /// Returns whether it counts.
    pub(super) async fn write(&self, progress: PushProgress) -> a2a_core::Result<bool> {
        let ground = &self.dispatchers.ground;
        ground.retry_for_request().run(|| ground.push.acknowledge(&self.key, &self.delivery, progress)).await
    }
}
