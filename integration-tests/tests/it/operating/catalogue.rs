//! The catalogue: every metric that an instance exports, as the tables of its crates have it.

use std::collections::{BTreeMap, BTreeSet};

use crate::deployment::files::read;

/// The tables, and what each is about.
const TABLES: [(&str, &str); 4] = [
    ("a2a-cluster/src/ground/telemetry/mod.rs", "Tasks, streams and agents"),
    ("a2a-serve/src/metrics.rs", "Requests"),
    ("a2a-bus-snssqs/README.md", "SNS and SQS"),
    ("a2a-node/src/aws/meter/mod.rs", "What AWS bills"),
];

/// What a metric does with time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// One row of a table.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) labels: Vec<String>,
    /// What it tells, in the words of the table.
    pub(super) tells: String,
}

/// The metrics of one table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) about: &'static str,
    pub(super) metrics: Vec<Metric>,
}

/// Reads all tables.
pub(super) fn tables() -> Vec<Table> {
    let table = |(path, about)| Table { about, metrics: read(path).lines().filter_map(row).collect() };
    TABLES.map(table).into()
}

/// All metrics by their names.
pub(super) fn by_name() -> BTreeMap<String, Metric> {
    let metrics = tables().into_iter().flat_map(|table| table.metrics);
    metrics.map(|metric| (metric.name.clone(), metric)).collect()
}

fn row(line: &str) -> Option<Metric> {
    let line = line.trim_start_matches("//! ");
    let cells = line.strip_prefix("| `a2a_")?.trim_end().trim_end_matches('|').split('|').map(str::trim);
    let cells: Vec<&str> = cells.collect();
    let [name, kind, labels, tells] = cells[..] else { panic!("no four columns: {line}") };
    let kind = match kind {
        "counter" => Kind::Counter,
        "gauge" => Kind::Gauge,
        "histogram" => Kind::Histogram,
        other => panic!("what is a {other}? {line}"),
    };
    let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    Some(Metric {
        name: format!("a2a_{}", name.trim_end_matches('`')),
        kind,
        labels,
        tells: tells.to_owned(),
    })
}

#[test]
fn every_metric_that_the_crates_export_is_in_the_catalogue_once() {
    let names: Vec<String> =
        tables().into_iter().flat_map(|table| table.metrics).map(|metric| metric.name).collect();
    let unique: BTreeSet<&String> = names.iter().collect();
    assert_eq!(unique.len(), names.len(), "{names:?}");
    let quoted = sources();
    let quoted = quoted.split('"').skip(1).filter(|word| {
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        word.starts_with("a2a_") && word.chars().all(|c| is_name(c) || c.is_ascii_digit())
    });
    // Crates are named, too, as targets of the log.
    let crates = ["bus", "cluster", "core", "node", "serve", "store"].map(|part| format!("a2a_{part}"));
    let is_metric = |word: &&str| {
        !crates.iter().any(|name| word == name)
            && !["_memory", "_dynamodb", "_snssqs"].iter().any(|end| word.ends_with(end))
    };
    let exported: BTreeSet<String> = quoted.filter(is_metric).map(str::to_owned).collect();
    assert!(exported.len() > 35, "{exported:?}");
    let documented: BTreeSet<String> = names.into_iter().collect();
    assert_eq!(exported, documented);
}

/// The sources of the crates that export metrics, without their tests.
pub(super) fn sources() -> String {
    fn gather(folder: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = std::fs::read_to_string(path).unwrap();
                text.push_str(source.split("#[cfg(test)]").next().unwrap());
            }
        }
    }
    let mut text = String::new();
    for name in ["a2a-core", "a2a-cluster", "a2a-serve", "a2a-bus-snssqs", "a2a-node", "a2a-store-dynamodb"] {
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        gather(&root.join(name).join("src"), &mut text);
    }
    text
}
