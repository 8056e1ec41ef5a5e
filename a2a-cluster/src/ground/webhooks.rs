//! What an operator may tune about webhooks.

use std::time::Duration;

use a2a::StreamResponse;

use super::settings::settings;
use super::webhook_keys::WebhookKeys;

settings! {
    /// How webhooks are called. One that is away is called again and again, with longer and longer pauses; once its task's
    /// turn has ended, for [`keep_trying`](Webhooks::keep_trying) yet. A webhook that is given up is on record, and its
    /// task's next turn tries it again.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use a2a_cluster::{Config, Webhooks};
    ///
    /// let patient = Webhooks::default().keep_trying(Duration::from_secs(24 * 60 * 60));
    /// let config = Config::default().webhooks(patient);
    /// ```
    pub struct Webhooks {
        /// Sets how long one call may take, the connection included; by default 15 s.
        timeout: Duration = Duration::from_secs(15),
        /// Sets for how long after the end of a turn a webhook that is away is tried at least, by default 1 h.
        keep_trying: Duration = Duration::from_secs(60 * 60),
        /// Sets the pause after a first failure, by default 1 s. It doubles, with jitter.
        retry_min: Duration = Duration::from_secs(1),
        /// Sets the longest pause between calls, unless the webhook asks for a longer one; by default 60 s.
        retry_max: Duration = Duration::from_secs(60),
        /// Sets how many calls one instance makes at the same time, by default 512.
        concurrency: usize = 512,
        /// Sets how many of these are for the tasks of one caller, by default 64.
        concurrency_per_caller: usize = 64,
        /// Sets how many of these go to one host, by default 32: fewer where it does not answer in time.
        concurrency_per_host: usize = 32,
        /// Sets after how much time a webhook's progress is written to the store, where nothing else makes it be
        /// written before; by default 2 s. What was delivered since may be delivered again after a crash.
        acknowledge_after: Duration = Duration::from_secs(2),
        /// Sets which events webhooks are told, by default all.
        detail: WebhookDetail = WebhookDetail::Everything,
        /// Sets the keys that calls are signed with, by default none: then they are not signed.
        sign_with: WebhookKeys = WebhookKeys::default(),
        /// Sets whether those who may read a config see its token and credentials. By default they see only that there
        /// are some.
        show_secrets: bool = false,
    }
}

/// Which events webhooks are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WebhookDetail {
    /// All that streams show.
    #[default]
    Everything,
    /// States, and each artifact once, whole, when its agent says that it is complete.
    ArtifactEnds,
    /// States alone.
    States,
}

impl WebhookDetail {
    /// Tells whether an event is told.
    pub(crate) fn wants(self, event: &StreamResponse) -> bool {
        match (self, event) {
            (WebhookDetail::Everything, _) => true,
            (WebhookDetail::ArtifactEnds, StreamResponse::ArtifactUpdate(update)) => {
                update.last_chunk == Some(true)
            }
            (WebhookDetail::States, StreamResponse::ArtifactUpdate(_)) => false,
            _ => true,
        }
    }
}
