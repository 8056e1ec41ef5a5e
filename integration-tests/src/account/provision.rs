//! The deployment is made and looked over by the operator's own commands.

use std::time::Duration;

use serde_json::Value;

use super::budget::Units;
use super::phase::Verdict;
use super::stage::Stage;
use super::whose::words;
use crate::processes::Launch;

const ENDS_WITHIN: Duration = Duration::from_secs(15 * 60);
/// What the two commands call at most; they count nothing that anybody reads.
pub(super) const COST: Units = Units { writes: 100.0, reads: 100.0, publishes: 100.0, messages: 200.0 };
/// The check that a new filter policy, which is not in effect yet, makes fail.
const TAKES_TIME: &str = "publish";

/// Makes table and topic, tags the table, and has `doctor` look at both.
pub(super) async fn run(stage: &Stage) -> Verdict {
    let name = stage.deployment();
    let provision = ["provision", "--table", &name, "--topic", &name];
    let (is_well, told) = command(stage, &provision, Vec::new()).await?;
    let topic = told.iter().find_map(|line| line.strip_prefix("export A2A_TOPIC_ARN="));
    let topic = topic.and_then(|arn| arn.parse().ok()).filter(|_| is_well);
    let topic = topic.ok_or_else(|| vec![format!("provision named no topic: {}", told.join(" "))])?;
    let topic = stage.topic.get_or_init(|| topic);
    tag(stage, &name).await?;

    let settings = vec![("A2A_TABLE", name), ("A2A_TOPIC_ARN", topic.to_string())];
    let (_, told) = command(stage, &["doctor", "--json"], settings).await?;
    let findings: Vec<Value> = told.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if findings.is_empty() {
        return Err(vec!["doctor said nothing".to_owned()]);
    }
    let failed = findings.iter().filter(|finding| finding["verdict"] == "failed");
    let (late, wrong): (Vec<_>, Vec<_>) = failed.partition(|finding| finding["check"] == TAKES_TIME);
    if !wrong.is_empty() {
        return Err(wrong.iter().map(|finding| format!("doctor: {finding}")).collect());
    }
    let late = if late.is_empty() {
        ""
    } else {
        "; the topic did not reach new queues yet, which is looked at later"
    };
    Ok(format!("{topic}; {} checks of doctor{late}", findings.len()))
}

/// The table gets the tag that topic and queues have.
async fn tag(stage: &Stage, table: &str) -> Result<(), Vec<String>> {
    let dynamodb = stage.environment.dynamodb();
    let wrong = |why: String| vec![format!("the table cannot be tagged: {why}")];
    let described = Box::pin(dynamodb.describe_table().table_name(table).send()).await;
    let described = described.map_err(|error| wrong(words(&error)))?;
    let arn =
        described.table().and_then(|table| table.table_arn()).ok_or_else(|| wrong("no ARN".to_owned()))?;
    let tag = aws_sdk_dynamodb::types::Tag::builder().key("a2a:deployment").value(table).build();
    let tag = tag.map_err(|error| wrong(words(&error)))?;
    let tagged = Box::pin(dynamodb.tag_resource().resource_arn(arn).tags(tag).send()).await;
    tagged.map(|_| ()).map_err(|error| wrong(words(&error)))
}

/// Runs one of the operator's commands; tells whether it was content, and what it printed.
async fn command(
    stage: &Stage,
    arguments: &[&str],
    settings: Vec<(&str, String)>,
) -> Result<(bool, Vec<String>), Vec<String>> {
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
    let launch = Launch {
        program: stage.program.clone(),
        environment: stage.environment.variables().into_iter().chain(settings).collect(),
        arguments: arguments.iter().map(ToString::to_string).collect(),
    };
    let name = arguments.first().copied().unwrap_or_default();
    let (process, mut stdout) = launch.spawn(name).map_err(|why| vec![why])?;
    let mut told = Vec::new();
    while let Ok(Some(line)) = stdout.next_line().await {
        told.push(line);
    }
    let (status, log) = process.ended(ENDS_WITHIN).await.map_err(|why| vec![why])?;
    if !status.success() && told.is_empty() {
        return Err(vec![format!("{name} ended with {status}; its last words:\n{}", log.tail())]);
    }
    Ok((status.success(), told))
}
