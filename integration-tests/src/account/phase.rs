//! The phases of the trial: what each is called, may cost, and does.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use super::budget::Units;
use super::stage::Stage;
use super::{kills, provision};

/// What a phase found, or all that must not be, in words.
pub(super) type Verdict = Result<String, Vec<String>>;

/// A part of the trial. They run in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Table and topic are made.
    Provision,
    /// Processes are killed.
    Kills,
}

impl Phase {
    pub(super) const ALL: [Phase; 2] = [Phase::Provision, Phase::Kills];

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Phase::Provision => "provision",
            Phase::Kills => "kills",
        }
    }

    /// What it costs at most, as far as that can be foreseen.
    pub(super) fn cost(self, stage: &Stage) -> Units {
        let nodes = stage.options.nodes;
        match self {
            Phase::Provision => provision::COST,
            Phase::Kills => kills::cost(stage.options.kills, nodes),
        }
    }

    /// Does it; what panics is wrong. What others than this process called is on the bill afterwards, at what was foreseen where
    /// nobody could count it.
    pub(super) async fn run(self, stage: &Stage, seed: u64) -> Verdict {
        let running = async {
            match self {
                Phase::Provision => {
                    stage.budget.add_uncounted(provision::COST);
                    Box::pin(provision::run(stage)).await
                }
                Phase::Kills => Box::pin(kills::run(stage, seed)).await,
            }
        };
        AssertUnwindSafe(running).catch_unwind().await.unwrap_or_else(|panic| {
            stage.budget.add_uncounted(self.cost(stage));
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(vec![words.unwrap_or("panicked").to_owned()])
        })
    }
}
