//! What an operator may tune about webhooks.

use std::time::Duration;

/// How webhooks are called. A webhook that fails `attempts` times in a row, which takes about five minutes
/// with these defaults, is given up for the rest of the turn: its next turn tries it again, from where it
/// stopped.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Webhooks {
    /// How long one call may take, the connection included. Default: 15 s.
    pub timeout: Duration,
    /// How many calls in a row may fail. Default: 8.
    pub attempts: u32,
    /// The pause after a first failure. It doubles, with jitter. Default: 1 s.
    pub retry_min: Duration,
    /// The longest pause between calls, unless the webhook asks for a longer one. Default: 60 s.
    pub retry_max: Duration,
    /// How many calls one instance makes at the same time. Default: 256.
    pub concurrency: usize,
    /// After how much time a webhook's progress is written to the store, where nothing else makes it be
    /// written before: what was delivered since may be delivered again after a crash. Default: 2 s.
    pub acknowledge_after: Duration,
}

impl Default for Webhooks {
    fn default() -> Self {
        Webhooks {
            timeout: Duration::from_secs(15),
            attempts: 8,
            retry_min: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
            concurrency: 256,
            acknowledge_after: Duration::from_secs(2),
        }
    }
}
