//! What an operator may tune about webhooks.

use std::time::Duration;

use super::settings::settings;

settings! {
    /// How webhooks are called. A webhook that fails [`attempts`](Webhooks::attempts) times in a row, which takes about five
    /// minutes with these defaults, is given up for the rest of the turn: its next turn tries it again, from where it
    /// stopped.
    ///
    /// ```
    /// use a2a_cluster::{Config, Webhooks};
    ///
    /// let config = Config::default().webhooks(Webhooks::default().attempts(3));
    /// ```
    pub struct Webhooks {
        /// Sets how long one call may take, the connection included; by default 15 s.
        timeout: Duration = Duration::from_secs(15),
        /// Sets how many calls in a row may fail, by default 8.
        attempts: u32 = 8,
        /// Sets the pause after a first failure, by default 1 s. It doubles, with jitter.
        retry_min: Duration = Duration::from_secs(1),
        /// Sets the longest pause between calls, unless the webhook asks for a longer one; by default 60 s.
        retry_max: Duration = Duration::from_secs(60),
        /// Sets how many calls one instance makes at the same time, by default 256.
        concurrency: usize = 256,
        /// Sets after how much time a webhook's progress is written to the store, where nothing else makes it be
        /// written before; by default 2 s. What was delivered since may be delivered again after a crash.
        acknowledge_after: Duration = Duration::from_secs(2),
    }
}
