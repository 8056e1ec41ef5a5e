//! `a2a-node doctor`: checks what instances need on AWS, a line each, with what to do about what fails.

mod account;
mod checkup;
mod clock;
mod guests;
mod left_over;
mod policies;
mod queues;
mod quota;
mod table;

use std::io::{self, Write};
use std::process::ExitCode;

use a2a_store_dynamodb::table::Replicas;

use super::clients::Aws;
use crate::cli::Doctor;
use checkup::{Checkup, Finding};

/// Checks everything and prints what was found.
///
/// # Errors
///
/// Where stdout is closed. A check that fails is no error: the exit code tells.
pub(super) async fn run(flags: Doctor) -> Result<ExitCode, io::Error> {
    let Doctor { names, queues, allow_replicas, json } = flags;
    let replicas = Replicas::where_allowed(allow_replicas);
    let mut checkup = Checkup::new(Box::new(move |finding: &Finding| print(finding, json)));
    let aws = Aws::from_environment().await;
    if account::check(&mut checkup, &aws).await? {
        clock::check(&mut checkup, &aws, &names.table).await?;
        table::check(&mut checkup, &aws, &names.table, replicas).await?;
        match names.topic.topic_arn {
            Some(topic) => queues::check(&mut checkup, &aws, &names.table, &topic, &queues).await?,
            None => {
                checkup.skipped("topic", "no --topic-arn: instances of other processes are told nothing")?
            }
        }
    }
    Ok(if checkup.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(finding: &Finding, json: bool) -> io::Result<()> {
    let text = if json { serde_json::to_string(finding)? } else { finding.to_string() };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}
