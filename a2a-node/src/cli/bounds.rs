//! How much one instance takes on: agents, their time, connections.

use std::time::Duration;

use a2a_cluster::Config;
use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::seconds_within;

/// Bounds of one instance, beyond which it refuses, or ends what takes too long.
#[derive(Debug, Args)]
pub(crate) struct BoundFlags {
    /// How many agents an instance runs at once. Requests that need one more are refused, with a time to retry after.
    #[arg(long, env = "A2A_MAX_AGENTS", value_name = "N", default_value_t = 10_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) max_agents: usize,
    /// How many commits may wait for the store before an instance refuses requests that need an agent.
    #[arg(long, env = "A2A_MAX_WAITING_COMMITS", value_name = "N", default_value_t = 5_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) max_waiting_commits: usize,
    /// How long an agent may say nothing while it works. Then it is asked to cancel, and its task fails.
    #[arg(long, env = "A2A_AGENT_SILENCE", value_name = "SECONDS", default_value = "900", value_parser = agents_time)]
    pub(crate) agent_silence: Duration,
    /// How long a turn may take as a whole. Then its agent is asked to cancel, and its task fails.
    #[arg(long, env = "A2A_TURN_LIMIT", value_name = "SECONDS", default_value = "86400", value_parser = agents_time)]
    pub(crate) turn_limit: Duration,
    /// How many connections a socket may have open, beside a few for whoever asks after the health. Without
    /// `--principal-header` one address gets at most half.
    #[arg(long, env = "A2A_CONNECTIONS", value_name = "N", default_value_t = 10_000, value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) connections: usize,
    /// How many streams one HTTP/2 connection may have open.
    #[arg(long, env = "A2A_STREAMS_PER_CONNECTION", value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) streams_per_connection: u32,
    /// How long a connection may have no request open, and the head of one may take over HTTP/1.
    #[arg(long, env = "A2A_IDLE_TIMEOUT", value_name = "SECONDS", default_value = "75", value_parser = idle_timeout)]
    pub(crate) idle_timeout: Duration,
}

impl BoundFlags {
    /// Sets the bounds that are the cluster's.
    pub(crate) fn bound(&self, config: Config) -> Config {
        let config = config.max_agents(self.max_agents).max_waiting_commits(self.max_waiting_commits);
        config.agent_silence(self.agent_silence).turn_limit(self.turn_limit)
    }
}

/// Up to ten years, which is the longest that the cluster takes.
fn agents_time(text: &str) -> Result<Duration, String> {
    seconds_within(0.01..=315_360_000.0, text)
}

/// Up to a day, which is the longest that a server takes.
fn idle_timeout(text: &str) -> Result<Duration, String> {
    seconds_within(1.0..=86_400.0, text)
}
