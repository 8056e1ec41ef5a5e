//! The status as people read it.

use a2a_core::{Env, MemberState, Reach, SystemEnv};
use chrono::{DateTime, Utc};

use super::{MANY, Queue, Report, Row, Webhooks};

/// The report as a table, and below it what is not of an instance.
pub(super) fn table(report: &Report) -> String {
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
    match &report.webhooks {
        Webhooks::Read { given_up: 0 } => {}
        Webhooks::Read { given_up } => {
            let given_up = up_to(*given_up);
            text.push_str(&format!(
                "\ndeliveries to webhooks given up: {given_up}; `a2a-node webhooks` lists them"
            ));
        }
        Webhooks::Unreadable { why } => {
            text.push_str(&format!("\ndeliveries to webhooks given up: unreadable: {why}"));
        }
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
        up_to(row.tasks),
        queue,
    ]
}

/// A number that was not counted beyond [`MANY`].
fn up_to(number: usize) -> String {
    if number < MANY { number.to_string() } else { format!("{MANY} or more") }
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
        let webhooks = Webhooks::Read { given_up: 0 };
        let report = Report { instances: vec![row(2, Some(open)), observed], webhooks };
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
    fn webhooks_that_were_given_up_are_told_below_and_whoever_may_not_know_is_told_that() {
        let last = |webhooks| {
            let table = table(&Report { instances: vec![row(2, None)], webhooks });
            table.lines().last().unwrap().to_owned()
        };
        assert!(last(Webhooks::Read { given_up: 0 }).starts_with("0199 "));
        assert!(last(Webhooks::Read { given_up: 3 }).starts_with("deliveries to webhooks given up: 3;"));
        assert!(last(Webhooks::Read { given_up: MANY }).contains("100 or more;"));
        assert!(last(Webhooks::Unreadable { why: "no".to_owned() }).ends_with("unreadable: no"));
        let json = |webhooks: Webhooks| serde_json::to_value(webhooks).unwrap();
        assert_eq!(
            json(Webhooks::Read { given_up: 3 }),
            serde_json::json!({ "state": "read", "givenUp": 3 })
        );
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
}
