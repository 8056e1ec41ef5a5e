//! What AWS bills: plots and a table of the recorded ledger.

use std::fmt::Write;

use serde::Deserialize;

use super::plot::lines::{Line, OTHERS, PALETTE};

/// What the ledger recorded, as far as it is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Ledger {
    rows: Vec<Row>,
    idle: Vec<Idle>,
}

#[derive(Debug, Deserialize)]
struct Row {
    workload: String,
    instances: usize,
    watchers: usize,
    dollars_a_million_events: f64,
    obvious_dollars_a_million_events: f64,
}

#[derive(Debug, Deserialize)]
struct Idle {
    instances: usize,
    polls_a_minute: f64,
    write_units_a_minute: f64,
    read_units_a_minute: f64,
    dollars_a_month: f64,
}

/// Workloads as they are recorded, as the page calls them, and the name of their plot.
const WORKLOADS: [(&str, &str, Option<&str>); 5] = [
    ("500 chunks", "500 chunks of 120 B, said at once", Some("cost-500-chunks.svg")),
    ("5,000 chunks", "5,000 chunks, said at once", None),
    ("200 chunks, one each 20 ms", "200 chunks, one each 20 ms", Some("cost-slow-stream.svg")),
    ("short task, 3 events", "short tasks of 3 events", Some("cost-short-tasks.svg")),
    ("blocking echo, 2 events", "blocking sends, 2 events", None),
];

/// A poll a second at US$ 0.40 a million, for 730 hours.
const OBVIOUS_IDLE_MONTH: f64 = 730.0 * 3600.0 * 0.40 / 1e6;

impl Ledger {
    /// Costs by workload, number of instances and watchers.
    pub(super) fn table(&self) -> String {
        let mut table =
            String::from("| workload | N | none | one | all others | obvious design, computed |\n");
        table.push_str("|---|--:|--:|--:|--:|--:|\n");
        for (workload, words, _) in WORKLOADS {
            let mut words = words;
            for none in self.rows.iter().filter(|row| row.workload == workload && row.watchers == 0) {
                let instances = none.instances;
                let cost = |watchers: usize| {
                    self.row(workload, instances, watchers)
                        .map_or_else(String::new, |row| dollars(row.dollars_a_million_events))
                };
                let (none_watches, one, all) = (cost(0), cost(1), cost(instances - 1));
                let obvious = dollars(none.obvious_dollars_a_million_events);
                let _ =
                    writeln!(table, "| {words} | {instances} | {none_watches} | {one} | {all} | {obvious} |");
                words = "";
            }
        }
        table
    }

    /// Says what an idle instance costs, whatever the number of instances.
    pub(super) fn idle(&self) -> String {
        let range = |digits: usize, figure: fn(&Idle) -> f64| {
            let figures = || self.idle.iter().map(figure);
            let least = figures().fold(f64::INFINITY, f64::min);
            let (least, most) =
                (format!("{least:.digits$}"), format!("{:.digits$}", figures().fold(0.0, f64::max)));
            if least == most { least } else { format!("{least} to {most}") }
        };
        format!(
            "An idle instance costs US$ {} a month ({} write units, {} read units and {} polls a minute);\n\
             the polls of the obvious design alone US$ {OBVIOUS_IDLE_MONTH:.2}.\n",
            range(2, |idle| idle.dollars_a_month),
            range(0, |idle| idle.write_units_a_minute),
            range(0, |idle| idle.read_units_a_minute),
            range(0, |idle| idle.polls_a_minute),
        )
    }

    fn row(&self, workload: &str, instances: usize, watchers: usize) -> Option<&Row> {
        self.rows.iter().find(|row| {
            (row.workload.as_str(), row.instances, row.watchers) == (workload, instances, watchers)
        })
    }

    /// Returns the plots: names, titles and lines.
    pub(super) fn plots(&self) -> Vec<(String, String, Vec<Line>)> {
        let streams = WORKLOADS.into_iter().filter_map(|(workload, words, file)| {
            let title = format!("US$ per million events by instances: {words}");
            Some((file?.to_owned(), title, self.lines(workload)))
        });
        let counted = self.idle.iter().map(|idle| (idle.instances as f64, idle.dollars_a_month)).collect();
        let obvious = self.idle.iter().map(|idle| (idle.instances as f64, OBVIOUS_IDLE_MONTH)).collect();
        let idle = vec![line("this project", 0, counted), other("obvious, polls alone", obvious)];
        let title = "US$ for a month of an idle instance, by instances".to_owned();
        streams.chain([("cost-idle.svg".to_owned(), title, idle)]).collect()
    }

    fn lines(&self, workload: &str) -> Vec<Line> {
        let rows = |wanted: fn(&Row) -> bool, cost: fn(&Row) -> f64| {
            let rows = self.rows.iter().filter(|row| row.workload == workload && wanted(row));
            rows.map(|row| (row.instances as f64, cost(row))).collect::<Vec<_>>()
        };
        let ours = |row: &Row| row.dollars_a_million_events;
        vec![
            line("nobody watches", 0, rows(|row| row.watchers == 0, ours)),
            line("one instance", 1, rows(|row| row.watchers == 1, ours)),
            line("all others", 2, rows(|row| row.watchers + 1 == row.instances, ours)),
            other(
                "obvious design",
                rows(|row| row.watchers == 0, |row| row.obvious_dollars_a_million_events),
            ),
        ]
    }
}

fn line(label: &str, number: usize, points: Vec<(f64, f64)>) -> Line {
    let colour = PALETTE.get(number).copied().unwrap_or(OTHERS);
    Line { label: label.to_owned(), colour, points }
}

fn other(label: &str, points: Vec<(f64, f64)>) -> Line {
    Line { label: label.to_owned(), colour: OTHERS, points }
}

fn dollars(value: f64) -> String {
    if value < 1.0 { format!("{value:.3}") } else { format!("{value:.2}") }
}
