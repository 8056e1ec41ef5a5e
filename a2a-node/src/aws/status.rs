//! `a2a-node status`: who is there, what they do, what waits for them, and which webhooks were given up.

mod table;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use a2a_bus_snssqs::{ConfigError, SnsSqsBus};
use a2a_core::{BackendError, InstanceId, Member, MemberState, Membership, PushConfigs, Reach};
use aws_sdk_sqs::types::QueueAttributeName;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::clients::Aws;
use super::fault::explain;
use super::members::{roster, tasks_of};
use crate::cli::Status;
use crate::report::with_causes;

/// So many instances are asked about at once.
const AT_ONCE: usize = 8;
/// Nobody needs to know more exactly how many tasks an instance executes, or how many webhooks were given up.
const MANY: usize = 100;

/// Why the status cannot be told.
#[derive(Debug, thiserror::Error)]
pub(super) enum StatusError {
    /// The table cannot be read.
    #[error("the members cannot be read; `a2a-node doctor` tells more")]
    Members(#[source] BackendError),
    /// The topic cannot be meant.
    #[error(transparent)]
    Topic(#[from] ConfigError),
    /// Whoever reads the status is gone.
    #[error("cannot write to stdout")]
    Write(#[from] io::Error),
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    instances: Vec<Row>,
    webhooks: Webhooks,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
enum Webhooks {
    /// As many as [`MANY`] means at least so many.
    #[serde(rename_all = "camelCase")]
    Read { given_up: usize },
    /// A janitor may not read what instances keep of webhooks.
    Unreadable { why: String },
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    label: Option<String>,
    state: MemberState,
    /// How messages come to it.
    reach: Reach,
    beat: u64,
    /// How far the beat moved while it was observed; `None` where nobody looked twice, or it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    beat_moved: Option<u64>,
    started_at: Option<DateTime<Utc>>,
    /// How many tasks it executes; as many as [`MANY`] means at least so many.
    tasks: usize,
    /// `None` where there is no topic.
    queue: Option<Queue>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
enum Queue {
    #[serde(rename_all = "camelCase")]
    Open {
        messages: u64,
        in_flight: u64,
    },
    /// A member that starts may have none yet; one that left or was evicted has none any more.
    Missing,
    Unreadable {
        why: String,
    },
}

/// Prints the status of a cluster.
pub(super) async fn run(flags: Status) -> Result<ExitCode, StatusError> {
    let Status { names, observe, json } = flags;
    let aws = Aws::from_environment().await;
    let bus = names.topic.topic_arn.map(|topic| aws.bus(&topic)).transpose()?;
    let store = aws.store(&names.table);
    let mut members = roster(&store).await.map_err(StatusError::Members)?;
    let mut before = BTreeMap::new();
    if let Some(observe) = observe {
        before = members.iter().map(|member| (member.id, member.beat)).collect();
        tokio::time::sleep(observe).await;
        members = roster(&store).await.map_err(StatusError::Members)?;
    }
    let rows = stream::iter(members)
        .map(|member| {
            let moved = before.get(&member.id).map(|beat| member.beat.saturating_sub(*beat));
            row(&store, bus.as_ref(), member, moved)
        })
        .buffered(AT_ONCE)
        .try_collect();
    let instances = rows.await.map_err(StatusError::Members)?;
    let report = Report { instances, webhooks: given_up(&store).await };
    let text =
        if json { serde_json::to_string(&report).map_err(io::Error::from)? } else { table::table(&report) };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(ExitCode::SUCCESS)
}

/// Counts what is on the list of deliveries that were given up, by one page of it.
async fn given_up(store: &dyn PushConfigs) -> Webhooks {
    match store.given_up(None, MANY).await {
        Ok(page) => Webhooks::Read { given_up: page.len() },
        Err(error) => Webhooks::Unreadable { why: with_causes(&error) },
    }
}

async fn row(
    members: &dyn Membership,
    bus: Option<&SnsSqsBus>,
    member: Member,
    beat_moved: Option<u64>,
) -> Result<Row, BackendError> {
    let tasks = tasks_of(members, &member.id, MANY).await?.min(MANY);
    let queue = match bus {
        Some(bus) => Some(Box::pin(queue(&bus.clients().sqs, bus.topic().queue_url(member.id))).await),
        None => None,
    };
    let Member { id, beat, state, label, reach, .. } = member;
    Ok(Row {
        id: id.to_string(),
        label,
        state,
        reach,
        beat,
        beat_moved,
        started_at: started(id),
        tasks,
        queue,
    })
}

/// An instance's id holds the moment at which it was drawn.
fn started(id: InstanceId) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.uuid().get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

/// By its URL, which follows from its name: the janitor's role may not ask for that.
async fn queue(sqs: &aws_sdk_sqs::Client, url: String) -> Queue {
    let (waiting, in_flight) = (
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    );
    let asked = sqs.get_queue_attributes().queue_url(url);
    let asked = asked.attribute_names(waiting.clone()).attribute_names(in_flight.clone());
    match asked.send().await {
        Ok(answer) => {
            let attributes = answer.attributes.unwrap_or_default();
            let number =
                |name| attributes.get(&name).and_then(|text: &String| text.parse().ok()).unwrap_or(0);
            Queue::Open { messages: number(waiting), in_flight: number(in_flight) }
        }
        Err(error) if error.as_service_error().is_some_and(|error| error.is_queue_does_not_exist()) => {
            Queue::Missing
        }
        Err(error) => Queue::Unreadable { why: explain(&error) },
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::{Env, SystemEnv};

    use super::*;

    #[test]
    fn an_id_tells_when_the_instance_started() {
        let before = SystemEnv.now() - chrono::TimeDelta::seconds(1);
        let at = started(InstanceId::generate(&SystemEnv)).unwrap();
        assert!(at > before && at < before + chrono::TimeDelta::seconds(60));
    }
}
