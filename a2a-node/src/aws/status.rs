//! `a2a-node status`: who is there, what they do, and what waits for them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use a2a_bus_snssqs::{ConfigError, SnsSqsBus};
use a2a_core::{BackendError, Env, InstanceId, Member, MemberState, Membership, Reach, SystemEnv};
use aws_sdk_sqs::types::QueueAttributeName;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;

use super::clients::Aws;
use super::fault::explain;
use super::members::{roster, tasks_of};
use crate::cli::Status;

/// So many instances are asked about at once.
const AT_ONCE: usize = 8;
/// Nobody needs to know more exactly how many tasks an instance executes.
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
    let report = Report { instances: rows.await.map_err(StatusError::Members)? };
    let text = if json { serde_json::to_string(&report).map_err(io::Error::from)? } else { table(&report) };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")?;
    Ok(ExitCode::SUCCESS)
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

fn table(report: &Report) -> String {
    let titles =
        ["INSTANCE", "NAME", "STATE", "REACHED BY", "BEAT", "UP", "TASKS", "QUEUE"].map(str::to_owned);
    let mut lines = vec![titles];
    lines.extend(report.instances.iter().map(|row| cells(row, SystemEnv.now())));
    let mut widths = [0; 8];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let aligned = lines.iter().map(|line| {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    let mut text = aligned.collect::<Vec<_>>().join("\n");
    if report.instances.is_empty() {
        text.push_str("\nno instance is a member of this cluster");
    }
    text
}

fn cells(row: &Row, now: DateTime<Utc>) -> [String; 8] {
    let state = match row.state {
        MemberState::Starting => "starting",
        MemberState::Serving => "serving",
        MemberState::Draining => "draining",
        MemberState::Left => "left",
        MemberState::Evicted => "evicted",
    };
    let reach = match row.reach {
        Reach::Nowhere => "nothing yet",
        Reach::Direct => "its queue",
        Reach::Topic => "the topic",
    };
    let tasks = if row.tasks < MANY { row.tasks.to_string() } else { format!("{MANY} or more") };
    let queue = match &row.queue {
        None => "-".to_owned(),
        Some(Queue::Open { messages, in_flight }) => format!("{messages} waiting, {in_flight} in flight"),
        Some(Queue::Missing) => "none".to_owned(),
        Some(Queue::Unreadable { why }) => format!("unreadable: {why}"),
    };
    [
        row.id.clone(),
        row.label.clone().unwrap_or_else(|| "-".to_owned()),
        state.to_owned(),
        reach.to_owned(),
        match row.beat_moved {
            Some(moved) => format!("{} (+{moved})", row.beat),
            None => row.beat.to_string(),
        },
        row.started_at.map_or_else(|| "-".to_owned(), |at| age(now - at)),
        tasks,
        queue,
    ]
}

fn age(time: chrono::TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h{minutes:02}m"),
        (days, hours, _) => format!("{days}d{hours:02}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tasks: usize, queue: Option<Queue>) -> Row {
        Row {
            id: "0199".to_owned(),
            label: Some("ecs/blue/1f".to_owned()),
            state: MemberState::Serving,
            reach: Reach::Topic,
            beat: 7,
            beat_moved: None,
            started_at: None,
            tasks,
            queue,
        }
    }

    #[test]
    fn a_table_has_a_line_for_each_instance() {
        let open = Queue::Open { messages: 3, in_flight: 1 };
        let observed = Row { beat_moved: Some(2), ..row(MANY, None) };
        let report = Report { instances: vec![row(2, Some(open)), observed] };
        let table = table(&report);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "INSTANCE  NAME         STATE    REACHED BY  BEAT    UP  TASKS        QUEUE");
        assert_eq!(
            lines[1],
            "0199      ecs/blue/1f  serving  the topic   7       -   2            3 waiting, 1 in flight"
        );
        assert_eq!(lines[2], "0199      ecs/blue/1f  serving  the topic   7 (+2)  -   100 or more  -");
    }

    #[test]
    fn json_has_numbers_and_no_nulls_in_disguise() {
        let json = serde_json::to_value(row(2, Some(Queue::Open { messages: 3, in_flight: 1 }))).unwrap();
        assert_eq!(json["queue"], serde_json::json!({ "state": "open", "messages": 3, "inFlight": 1 }));
        assert_eq!(
            (&json["tasks"], &json["state"], &json["reach"]),
            (&2.into(), &"serving".into(), &"topic".into())
        );
    }

    #[test]
    fn an_age_is_told_in_its_two_largest_units() {
        let age = |seconds| super::age(chrono::TimeDelta::seconds(seconds));
        assert_eq!(age(-5), "0s");
        assert_eq!([age(59), age(61), age(3661), age(90_000)], ["59s", "1m", "1h01m", "1d01h"]);
    }

    #[test]
    fn an_id_tells_when_the_instance_started() {
        let before = SystemEnv.now() - chrono::TimeDelta::seconds(1);
        let at = started(InstanceId::generate(&SystemEnv)).unwrap();
        assert!(at > before && at < before + chrono::TimeDelta::seconds(60));
    }
}
