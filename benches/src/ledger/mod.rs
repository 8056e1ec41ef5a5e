//! What the cluster costs on AWS: real instances, every call counted, priced by the list.
//!
//! Requests and units are counted where the instances send them, on an endpoint that answers like AWS. The other
//! table, of the obvious design, is computed from its request pattern: nobody runs it here.

mod bounds;
mod fleet;
mod idle;
mod month;
mod obvious;
mod statement;
mod workload;

#[cfg(test)]
mod guard;

use std::path::PathBuf;
use std::time::Duration;

use a2a_testaws as endpoint;
use clap::Args;

use crate::Error;
use fleet::Fleet;
use statement::{Row, Statement};
use workload::Workload;

/// What to count.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// How many instances the cluster has.
    #[arg(long, value_delimiter = ',', default_values_t = [2, 10, 50])]
    instances: Vec<usize>,
    /// Fewer tasks, and a shorter look at idle instances.
    #[arg(long)]
    quick: bool,
    /// Writes all that was counted to this file.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Counts, prints and judges.
pub(crate) async fn run(options: Options) -> Result<(), Error> {
    let Some(aws) = endpoint::aws() else { return Err("there is no AWS endpoint to count at".into()) };
    let mut statement = Statement::default();
    for instances in &options.instances {
        let fleet = Fleet::start(&aws.account(), *instances, fleet::silent()).await?;
        for workload in Workload::all(options.quick) {
            for watchers in watchers(workload, *instances) {
                let counted = workload.count(&fleet, watchers).await?;
                let computed = obvious::bill(&workload, *instances);
                statement.rows.push(Row::of(&workload, *instances, watchers, &counted, &computed));
                statement.print_last();
            }
        }
        fleet.stop().await;
        let time = if options.quick { Duration::from_secs(20) } else { Duration::from_secs(60) };
        statement.idle.push(idle::count(&aws.account(), *instances, time).await?);
    }
    statement.print();
    bounds::print(&statement);
    if let Some(path) = options.json {
        std::fs::write(path, serde_json::to_string_pretty(&statement)?)?;
    }
    Ok(())
}

/// Nobody, one, and everybody else, where there is a stream that could be watched.
fn watchers(workload: Workload, instances: usize) -> Vec<usize> {
    if workload.is_alone() {
        return vec![0];
    }
    let mut watchers = vec![0, 1, instances.saturating_sub(1)];
    watchers.retain(|count| *count < instances);
    watchers.dedup();
    watchers
}
