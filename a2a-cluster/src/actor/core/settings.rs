//! The durations and bounds that an actor goes by.

use std::time::Duration;

/// What an operator has set, as far as a single task is concerned. [`Config`](crate::Config) says what each means.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settings {
    /// See [`Config::creation_delay`](crate::Config::creation_delay).
    pub creation_delay: Duration,
    /// See [`Config::commit_spacing`](crate::Config::commit_spacing), with the store's advice taken.
    pub commit_spacing: Duration,
    /// See [`Config::resync_after`](crate::Config::resync_after).
    pub resync_after: Duration,
    /// See [`Config::silence_min`](crate::Config::silence_min).
    pub silence_min: Duration,
    /// See [`Config::silence_max`](crate::Config::silence_max).
    pub silence_max: Duration,
    /// See [`Config::cancel_repeat`](crate::Config::cancel_repeat).
    pub cancel_repeat: Duration,
    /// See [`Config::cancel_patience`](crate::Config::cancel_patience).
    pub cancel_patience: Duration,
    /// See [`Config::cancel_grace`](crate::Config::cancel_grace).
    pub cancel_grace: Duration,
    /// See [`Config::request_patience`](crate::Config::request_patience).
    pub request_patience: Duration,
    /// See [`Config::retry_max`](crate::Config::retry_max).
    pub retry_max: Duration,
    /// See [`Config::lease`](crate::Config::lease).
    pub lease: Duration,
    /// How long an agent may say nothing.
    pub agent_silence: Duration,
    /// How long a turn may take.
    pub turn_limit: Duration,
    /// See [`Config::ring_commits`](crate::Config::ring_commits).
    pub ring_commits: usize,
    /// See [`Config::ring_bytes`](crate::Config::ring_bytes).
    pub ring_bytes: usize,
    /// Levels of nesting that an agent's data may have.
    pub depth: usize,
    /// How often an agent is started for one turn where its executor is lost, the first time included; 0 means that
    /// no agent is started again.
    pub attempts: u32,
    /// Tasks may have push notification configs.
    pub webhooks: bool,
}
