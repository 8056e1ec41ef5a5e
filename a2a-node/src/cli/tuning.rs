//! What an operator tunes of the cluster: how fast a dead instance is noticed, and what becomes of its tasks.

use std::time::Duration;

use a2a_cluster::{Config, ExecutorLost};
use clap::{Args, ValueEnum};

use super::seconds;

/// Fewer beats in a lease would declare an instance dead for one that came late.
const BEATS_IN_A_LEASE: u32 = 3;

/// Settings of membership and recovery. All instances of a cluster should agree on them.
#[derive(Debug, Args)]
pub(crate) struct Tuning {
    /// How often an instance tells the store that it lives, and looks at others.
    #[arg(long, env = "A2A_BEAT_INTERVAL", value_name = "SECONDS", default_value = "5", value_parser = some_seconds)]
    pub(crate) beat_interval: Duration,
    /// After how long without a sign of life an instance is declared dead; at least three beats.
    #[arg(long, env = "A2A_LEASE", value_name = "SECONDS", default_value = "15", value_parser = some_seconds)]
    pub(crate) lease: Duration,
    /// What becomes of the tasks of a dead instance: they fail, or their agents are run again elsewhere.
    #[arg(long, env = "A2A_EXECUTOR_LOST", value_enum, default_value_t = Lost::Fail)]
    pub(crate) executor_lost: Lost,
    /// How often the agent of one turn is started, the first time included, with `--executor-lost resume`.
    #[arg(long, env = "A2A_MAX_ATTEMPTS", value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) max_attempts: u32,
}

/// What becomes of a task whose executor is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lost {
    /// It fails, with a status that says why.
    Fail,
    /// Its agent is run again on a survivor, with the task as far as it got. It should begin each artifact without
    /// `append`, or the artifact is doubled.
    Resume,
}

/// The lease does not span enough beats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "--lease must be at least {BEATS_IN_A_LEASE} times --beat-interval: {lease:?} is shorter than {BEATS_IN_A_LEASE} × {beat:?}"
)]
pub(crate) struct LeaseTooShort {
    lease: Duration,
    beat: Duration,
}

impl Tuning {
    /// Turns the flags into the cluster's settings.
    ///
    /// # Errors
    ///
    /// [`LeaseTooShort`] where the lease spans fewer than three beats.
    pub(crate) fn config(&self) -> Result<Config, LeaseTooShort> {
        if self.lease < self.beat_interval * BEATS_IN_A_LEASE {
            return Err(LeaseTooShort { lease: self.lease, beat: self.beat_interval });
        }
        let lost = match self.executor_lost {
            Lost::Fail => ExecutorLost::Fail,
            Lost::Resume => ExecutorLost::Resume { max_attempts: self.max_attempts },
        };
        Ok(Config::default().beat_interval(self.beat_interval).lease(self.lease).executor_lost(lost))
    }
}

/// The shortest beat: each one is a write to the store.
const SHORTEST: Duration = Duration::from_millis(10);

pub(super) fn some_seconds(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        time if time < SHORTEST => Err(format!("expected at least {} seconds", SHORTEST.as_secs_f64())),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuning(beat: u64, lease: u64, executor_lost: Lost) -> Tuning {
        let millis = Duration::from_millis;
        Tuning { beat_interval: millis(beat), lease: millis(lease), executor_lost, max_attempts: 7 }
    }

    #[test]
    fn a_lease_spans_at_least_three_beats() {
        let millis = Duration::from_millis;
        let config = tuning(100, 300, Lost::Fail).config().unwrap();
        assert_eq!(config, Config::default().beat_interval(millis(100)).lease(millis(300)));
        let refused = tuning(100, 299, Lost::Fail).config().unwrap_err();
        assert!(refused.to_string().contains("299ms is shorter than 3 × 100ms"), "{refused}");
    }

    #[test]
    fn attempts_count_only_where_tasks_are_resumed() {
        let config = |lost| tuning(100, 300, lost).config().unwrap();
        let resumes = ExecutorLost::Resume { max_attempts: 7 };
        assert_eq!(config(Lost::Resume), config(Lost::Fail).executor_lost(resumes));
    }
}
