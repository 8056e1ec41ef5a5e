//! The result of the demo: one row per stream, as a table for people or as one JSON object.

use std::fmt::Write;

use a2a_core::InstanceId;
use anstyle::{AnsiColor, Style};
use chrono::TimeDelta;
use serde::Serialize;

use super::counts::Counts;
use super::timeline::{coloured, milliseconds};

const TITLE: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The counts of one stream.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// The task that was streamed.
    pub(crate) task: String,
    /// The instance that served the stream.
    pub(crate) instance: InstanceId,
    /// What arrived and what did not.
    #[serde(flatten)]
    pub(crate) counts: Counts,
    /// What the timeline calls the instance.
    #[serde(skip)]
    pub(crate) name: &'static str,
    /// How long after it happened each update arrived.
    #[serde(skip)]
    pub(crate) delays: Vec<TimeDelta>,
}

/// How far the demo came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// To its end.
    Complete,
    /// Not to its end: streams may be missing altogether.
    BrokenOff,
}

/// The whole result.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Whether all went as promised.
    pub(crate) ok: bool,
    /// The streams in the order of the demo.
    pub(crate) streams: Vec<Row>,
}

impl Report {
    /// Judges the streams of a demo that came to its end, or did not.
    pub(crate) fn of(streams: Vec<Row>, ending: Ending) -> Self {
        let ok = ending == Ending::Complete && streams.iter().all(|row| row.counts.is_perfect());
        Self { ok, streams }
    }

    /// Writes the one object that `--json` promises.
    pub(crate) fn json(&self) -> String {
        // Strings, numbers and a flag can always be written as JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Writes the table and its verdict.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "\n{TITLE}{:<38}{:>9}{:>10}{:>10}{:>9}{:>12}{:>14}{:>20}{TITLE:#}\n",
            "task",
            "instance",
            "committed",
            "received",
            "missing",
            "duplicated",
            "out of order",
            "delay p50/max",
        );
        for row in &self.streams {
            let counts = row.counts;
            let style = if counts.is_perfect() { GOOD } else { BAD };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{:<38}{:>8}{}{:>10}{:>10}{style}{:>9}{:>12}{:>14}{style:#}{:>20}",
                row.task,
                "",
                coloured(row.name),
                counts.committed,
                counts.received,
                counts.missing,
                counts.duplicated,
                counts.out_of_order,
                delays(&row.delays),
            );
        }
        let verdict = if self.ok {
            format!("{GOOD}Every stream got every event once, in order.{GOOD:#}")
        } else {
            format!("{BAD}Something is wrong: see above.{BAD:#}")
        };
        let _ = write!(text, "\n{verdict}");
        text
    }
}

fn delays(delays: &[TimeDelta]) -> String {
    let mut sorted = delays.to_vec();
    sorted.sort_unstable();
    match (sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(median), Some(max)) => format!("{}/{} ms", milliseconds(*median), milliseconds(*max)),
        _ => "-".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use a2a_core::SystemEnv;

    fn report(missing: usize) -> Report {
        let counts = Counts { committed: 2, received: 2 - missing, missing, duplicated: 0, out_of_order: 0 };
        let row = Row {
            task: "t".into(),
            instance: InstanceId::generate(&SystemEnv),
            counts,
            name: "A",
            delays: [3, 1, 2].map(TimeDelta::milliseconds).into(),
        };
        Report::of(vec![row], Ending::Complete)
    }

    #[test]
    fn the_json_form_has_exactly_the_documented_fields() {
        let report = report(0);
        let expected = serde_json::json!({
            "ok": true,
            "streams": [{
                "task": "t",
                "instance": report.streams[0].instance.to_string(),
                "committed": 2, "received": 2, "missing": 0, "duplicated": 0, "out_of_order": 0,
            }],
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&report.json()).unwrap(), expected);
    }

    #[test]
    fn one_wrong_count_or_a_story_without_its_end_is_a_failure() {
        assert!(report(0).ok);
        assert!(!report(1).ok);
        assert!(!Report::of(report(0).streams, Ending::BrokenOff).ok);
    }

    #[test]
    fn the_table_shows_the_counts_the_delays_and_the_verdict() {
        let text = anstream::adapter::strip_str(&report(0).table()).to_string();
        assert!(text.contains("2.00/3.00 ms") && text.contains("Every stream got every event"), "{text}");
        assert!(anstream::adapter::strip_str(&report(1).table()).to_string().contains("Something is wrong"));
    }
}
