//! What all phases have in common: the place, its name, and how far the trial is.

use std::path::PathBuf;
use std::sync::OnceLock;

use a2a_bus_snssqs::TopicArn;
use tokio::time::Instant;

use super::budget::Budget;
use super::options::Options;
use super::pace::Pace;
use crate::backends::{Environment, OnAws};
use crate::processes::{Plan, Resources};

/// One trial.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) environment: Environment,
    /// What all names begin with.
    pub(super) name: String,
    /// This program, which is started again as a node.
    pub(super) program: PathBuf,
    pub(super) options: Options,
    pub(super) pace: Pace,
    pub(super) budget: Budget,
    /// The deployment's topic, once it is made.
    pub(super) topic: OnceLock<TopicArn>,
    pub(super) began: Instant,
}

impl Stage {
    /// The name of the deployment's table and topic. No name of anything else begins with it.
    pub(super) fn deployment(&self) -> String {
        format!("{}-main", self.name)
    }

    /// Says something, with the time and the cost so far.
    pub(super) fn say(&self, words: &str) {
        let (seconds, dollars) = (self.began.elapsed().as_secs_f64(), self.budget.spent());
        println!("[{seconds:6.1} s  US$ {dollars:.5}]  {words}");
    }

    /// The deployment's topic.
    ///
    /// # Panics
    ///
    /// Before it is made.
    pub(super) fn topic(&self) -> TopicArn {
        self.topic.get().expect("a topic").clone()
    }

    /// The deployment's table and topic.
    pub(super) async fn resources(&self) -> Resources {
        Resources::of(OnAws::of(self.environment.clone(), &self.deployment(), self.topic())).await
    }

    /// Processes with time for AWS's own latency, far away, too.
    pub(super) fn plan(&self) -> Plan {
        Plan {
            nodes: self.options.nodes,
            beat: std::time::Duration::from_secs(1),
            lease: std::time::Duration::from_secs(6),
            lists_lag: self.pace.lists,
            billed: true,
            ..Plan::of(&self.program)
        }
    }
}
