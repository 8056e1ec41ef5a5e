//! The phases of the trial: what each is called, may cost, and does.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use super::budget::Units;
use super::stage::Stage;
use super::{denial, filters, kills, provision, suites};

/// What a phase found, or all that must not be, in words.
pub(super) type Verdict = Result<String, Vec<String>>;

/// A part of the trial. They run in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Table and topic are made.
    Provision,
    /// The contracts of store and bus are held against them.
    Suites,
    /// Processes are killed.
    Kills,
    /// New subscriptions are waited for.
    Filters,
    /// Publishing and sending is denied for a while.
    Denial,
}

impl Phase {
    pub(super) const ALL: [Phase; 5] =
        [Phase::Provision, Phase::Suites, Phase::Kills, Phase::Filters, Phase::Denial];

    /// What people call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Phase::Provision => "provision",
            Phase::Suites => "suites",
            Phase::Kills => "kills",
            Phase::Filters => "filters",
            Phase::Denial => "denial",
        }
    }

    /// What it costs at most, as far as that can be foreseen.
    pub(super) fn cost(self, stage: &Stage) -> Units {
        match self {
            Phase::Provision => provision::COST,
            Phase::Suites => suites::COST,
            Phase::Kills => kills::cost(stage.options.kills, stage.options.nodes),
            Phase::Filters => filters::COST,
            Phase::Denial => denial::cost(stage.options.nodes),
        }
    }

    /// What of it this process does not count itself, but others do, and cannot tell where it is given up.
    pub(super) fn uncounted(self, stage: &Stage) -> Units {
        match self {
            Phase::Kills | Phase::Denial => self.cost(stage),
            // What provisioning costs is on the bill when it begins.
            Phase::Provision | Phase::Suites | Phase::Filters => Units::default(),
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
                Phase::Suites => Box::pin(suites::run(stage)).await,
                Phase::Kills => Box::pin(kills::run(stage, seed)).await,
                Phase::Filters => Box::pin(filters::run(stage)).await,
                Phase::Denial => Box::pin(denial::run(stage)).await,
            }
        };
        AssertUnwindSafe(running).catch_unwind().await.unwrap_or_else(|panic| {
            stage.budget.add_uncounted(self.uncounted(stage));
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(vec![words.unwrap_or("panicked").to_owned()])
        })
    }
}
