//! What was found: a table, plots, and a file for machines.

mod costs;
mod growth;
mod page;
pub(crate) mod plot;
pub(crate) mod shown;
mod table;
pub(crate) mod webhooks;

use std::path::Path;

use serde::Serialize;

use crate::Error;
use crate::compare::{Effort, Outcome, Workload};
pub(crate) use table::print;

/// A whole run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) effort: Effort,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Report {
    pub(crate) fn of(&self, workload: Workload) -> Vec<&Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.workload == workload).collect()
    }

    pub(crate) fn write_json(&self, path: &Path) -> Result<(), Error> {
        Ok(std::fs::write(path, serde_json::to_string_pretty(self)? + "\n")?)
    }
}

/// Says what machine this is.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    format!("{cores} cores, {}", model.trim_start_matches([' ', '\t', ':']))
}
