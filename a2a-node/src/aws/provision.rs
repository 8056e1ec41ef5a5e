//! `a2a-node provision`: makes what a cluster shares, and says how `serve` finds it.

use std::io::{self, Write};
use std::process::ExitCode;

use a2a_bus_snssqs::{TopicArn, create_topic, protect_topic};
use a2a_core::{BackendError, Deployment, Env, Key, SystemEnv};
use a2a_store_dynamodb::table::{self, Protection, Replicas};
use aws_sdk_dynamodb::Client;

use super::clients::Aws;
use super::fault::explain;
use crate::cli::Provision;

/// Why `provision` fails. What it made until then stays, and is taken as it is the next time.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProvisionError {
    /// No region is set, so there is nowhere to make anything.
    #[error("no AWS region is set: set AWS_REGION, or a profile that names one")]
    NoRegion,
    /// The table cannot be made, or one of this name is something else.
    #[error("the table {name} cannot be made")]
    Table {
        name: String,
        #[source]
        cause: BackendError,
    },
    /// The topic cannot be made, or one of this name belongs to something else.
    #[error("the topic {name} cannot be made; if there is one with other tags, choose another name")]
    Topic {
        name: String,
        #[source]
        cause: BackendError,
    },
    /// What is there cannot be looked at.
    #[error("cannot look for {what}: {cause}")]
    Look { what: &'static str, cause: String },
    /// Whoever reads the settings is gone.
    #[error("cannot write the settings to stdout")]
    Write(#[source] io::Error),
}

/// Makes table and topic, or says what it would make.
pub(super) async fn run(flags: Provision) -> Result<ExitCode, ProvisionError> {
    let aws = Aws::from_environment().await;
    let region = aws.region().ok_or(ProvisionError::NoRegion)?.to_owned();
    if flags.dry_run {
        say(&format!("dry run in {region}: nothing is made"));
        foresee_table(aws.store(&flags.table).client(), &flags).await?;
        foresee_topic(&aws, &flags.topic).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let replicas = Replicas::where_allowed(flags.allow_replicas);
    let mut protection = Protection::default();
    protection.point_in_time_recovery = flags.point_in_time_recovery;
    protection.deletion = flags.deletion_protection;
    say(&format!("table {} in {region}: makes it and waits until it is ready, or verifies it", flags.table));
    Box::pin(table::create_table(aws.store(&flags.table).client(), &flags.table, protection, replicas))
        .await
        .map_err(|cause| ProvisionError::Table { name: flags.table.clone(), cause })?;
    let keys = aws.store(&flags.table).keys(Key::OF_BUS, SystemEnv.secret()).await;
    keys.map_err(|cause| ProvisionError::Table { name: flags.table.clone(), cause })?;
    say(&format!("table {}: ready, with a key for messages between instances", flags.table));
    let topic: TopicArn = Box::pin(create_topic(&aws.sns(), &flags.topic))
        .await
        .map_err(|cause| ProvisionError::Topic { name: flags.topic.clone(), cause })?;
    let lets_through = Box::pin(protect_topic(&aws.sns(), &topic, &flags.instance_roles))
        .await
        .map_err(|cause| ProvisionError::Topic { name: flags.topic.clone(), cause })?;
    match lets_through.as_slice() {
        [] => say(&format!("topic {topic}: ready, with a policy")),
        some => say(&format!(
            "topic {topic}: ready; its policy, which stays as it is, lets through {}: see `a2a-node doctor`",
            some.join(", ")
        )),
    }
    if flags.instance_roles.is_empty() {
        say("no --instance-roles: any role of the account may publish that is allowed to by its own policy");
    }
    settings(&flags.table, &topic).map_err(ProvisionError::Write)?;
    say("next: give the lines on stdout to a shell, then `a2a-node doctor`, then `a2a-node serve`");
    Ok(ExitCode::SUCCESS)
}

async fn foresee_table(dynamodb: &Client, flags: &Provision) -> Result<(), ProvisionError> {
    let name = &flags.table;
    let described = Box::pin(dynamodb.describe_table().table_name(name).send()).await;
    let found = match described {
        Ok(answer) => answer.table,
        Err(error)
            if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) =>
        {
            None
        }
        Err(error) => return Err(ProvisionError::Look { what: "the table", cause: explain(&error) }),
    };
    let Some(found) = found else {
        say(&format!(
            "table {name}: would be made, with three indexes, TTL, capacity on demand{}{}",
            if flags.point_in_time_recovery { ", point-in-time recovery" } else { "" },
            if flags.deletion_protection { ", deletion protection" } else { "" },
        ));
        return Ok(());
    };
    Box::pin(table::verify_table(dynamodb, name, Replicas::where_allowed(flags.allow_replicas)))
        .await
        .map_err(|cause| ProvisionError::Table { name: name.clone(), cause })?;
    say(&format!("table {name}: is there, as it should be"));
    if flags.deletion_protection && found.deletion_protection_enabled != Some(true) {
        say(&format!("table {name}: deletion protection would be switched on"));
    }
    if flags.point_in_time_recovery {
        say(&format!("table {name}: point-in-time recovery would be switched on, where it is not"));
    }
    Ok(())
}

async fn foresee_topic(aws: &Aws, name: &str) -> Result<(), ProvisionError> {
    let mut pages = aws.sns().list_topics().into_paginator().send();
    while let Some(page) = Box::pin(pages.next()).await {
        let page =
            page.map_err(|error| ProvisionError::Look { what: "the topic", cause: explain(&error) })?;
        let mut arns = page.topics().iter().filter_map(|topic| topic.topic_arn());
        if let Some(arn) = arns.find(|arn| arn.rsplit(':').next() == Some(name)) {
            say(&format!("topic {arn}: is there"));
            return Ok(());
        }
    }
    say(&format!("topic {name}: would be made"));
    Ok(())
}

/// The only lines on stdout. The names hold no character that a shell minds.
fn settings(table: &str, topic: &TopicArn) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "export A2A_TABLE={table}")?;
    writeln!(stdout, "export A2A_TOPIC_ARN={topic}")?;
    stdout.flush()
}

/// What people should know; programs read stdout.
fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
