//! The dashboard for Grafana: made from the catalogue, and the file is what is made.

use std::path::Path;

use serde_json::{Value, json};

use super::catalogue::{self, Kind, Metric};
use super::panels::{self, Panel};
use super::promql;
use crate::deployment::files::{each, read, text};

const FILE: &str = "deploy/monitoring/dashboard.json";
/// Where this is set to `write`, the file is written anew.
const SWITCH: &str = "A2A_DASHBOARD";
/// Panels of a row, each of so many of the 24 columns, and so high.
const ABREAST: usize = 3;
const WIDTH: usize = 8;
const HEIGHT: usize = 8;

/// The panel that every metric has, whether or not one above shows it.
fn of(metric: &Metric) -> Panel {
    let Metric { name, kind, labels, tells } = metric;
    let legend = match &labels[..] {
        [] => "all".to_owned(),
        labels => labels.iter().map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" "),
    };
    let by = if labels.is_empty() { String::new() } else { format!(" by ({})", labels.join(", ")) };
    let is_time = name.ends_with("_seconds");
    let (unit, shows) = match kind {
        Kind::Counter => {
            let unit = if name.contains("_bytes_") { "Bps" } else { "cps" };
            (unit, vec![(format!("sum{by} (rate({name}{{JOB}}[$__rate_interval]))"), legend)])
        }
        Kind::Gauge => {
            let most =
                labels.is_empty().then(|| (format!("max ({name}{{JOB}})"), "the most of one".to_owned()));
            ("short", [(format!("sum{by} ({name}{{JOB}})"), legend)].into_iter().chain(most).collect())
        }
        Kind::Histogram => {
            let quantile = |share: &str, called: &str| {
                let buckets = format!("sum by (le) (rate({name}_bucket{{JOB}}[$__rate_interval]))");
                (format!("histogram_quantile({share}, {buckets})"), called.to_owned())
            };
            let unit = if is_time { "s" } else { "short" };
            (unit, vec![quantile("0.5", "median"), quantile("0.99", "99th percentile")])
        }
    };
    // What the tables quote is quoted here, too: descriptions are Markdown.
    Panel { title: name.clone(), unit, tells: sentence(tells), shows }
}

fn sentence(tells: &str) -> String {
    let mut letters = tells.chars();
    let first = letters.next().unwrap().to_uppercase();
    format!("{}{}.", first, letters.as_str())
}

fn made() -> Value {
    let own = ("What is asked first", panels::first());
    let tables = catalogue::tables().into_iter();
    let rows =
        std::iter::once(own).chain(tables.map(|table| (table.about, table.metrics.iter().map(of).collect())));
    let (mut shown, mut y) = (Vec::new(), 0);
    for (title, panels) in rows {
        shown.push(json!({
            "id": shown.len() + 1, "type": "row", "title": title, "collapsed": false, "panels": [],
            "gridPos": { "x": 0, "y": y, "w": ABREAST * WIDTH, "h": 1 },
        }));
        y += 1;
        for (index, panel) in panels.iter().enumerate() {
            let place = json!({
                "x": index % ABREAST * WIDTH, "y": y + index / ABREAST * HEIGHT, "w": WIDTH, "h": HEIGHT,
            });
            shown.push(drawn(panel, shown.len() + 1, &place));
        }
        y += panels.len().div_ceil(ABREAST) * HEIGHT;
    }
    json!({
        "uid": "a2a-cluster", "title": "A2A cluster", "tags": ["a2a"], "schemaVersion": 39, "version": 1,
        "description": "Made from the catalogue of metrics; see docs/operating.md.",
        "editable": true, "refresh": "30s", "time": { "from": "now-3h", "to": "now" },
        "templating": { "list": [
            { "name": "source", "label": "Data source", "type": "datasource", "query": "prometheus" },
            {
                "name": "job", "label": "Job", "type": "query", "datasource": source(), "refresh": 2,
                "query": "label_values(a2a_max_agents, job)", "includeAll": true, "allValue": ".*", "multi": false,
            },
        ] },
        "panels": shown,
    })
}

fn source() -> Value {
    json!({ "type": "prometheus", "uid": "${source}" })
}

fn drawn(panel: &Panel, id: usize, place: &Value) -> Value {
    let target = |(index, (expression, legend)): (usize, &(String, String))| {
        json!({
            "refId": char::from(b'A' + u8::try_from(index).unwrap()).to_string(), "datasource": source(),
            "expr": expression.replace("{JOB", r#"{job=~"$job""#), "legendFormat": legend,
        })
    };
    json!({
        "id": id, "type": "timeseries", "title": panel.title, "description": panel.tells, "gridPos": place,
        "datasource": source(),
        "fieldConfig": { "defaults": { "unit": panel.unit, "min": 0 }, "overrides": [] },
        "options": { "legend": { "displayMode": "list", "placement": "bottom" }, "tooltip": { "mode": "multi" } },
        "targets": panel.shows.iter().enumerate().map(target).collect::<Vec<_>>(),
    })
}

#[test]
fn the_dashboard_is_what_the_catalogue_makes_today() {
    let made = made();
    // As values: in which order objects have their members depends on what else is built.
    let is_up_to_date = || serde_json::from_str::<Value>(&read(FILE)).is_ok_and(|found| found == made);
    if std::env::var(SWITCH).is_ok_and(|wish| wish == "write") && !is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(FILE);
        std::fs::write(path, serde_json::to_string_pretty(&made).unwrap() + "\n").unwrap();
    }
    assert!(
        is_up_to_date(),
        "{FILE} is out of date: {SWITCH}=write cargo test -p integration-tests --test it operating::dashboard"
    );
}

#[test]
fn every_panel_has_a_unit_a_description_and_metrics_that_are_exported_as_it_uses_them() {
    let dashboard: Value = serde_json::from_str(&read(FILE)).unwrap();
    let (known, mut shown) = (catalogue::by_name(), Vec::new());
    for panel in each(&dashboard["panels"]).into_iter().filter(|panel| panel["type"] != "row") {
        let title = text(&panel["title"]);
        let unit = text(&panel["fieldConfig"]["defaults"]["unit"]);
        assert!(["short", "s", "cps", "Bps", "percentunit"].contains(&unit), "{title}: {unit}");
        assert!(text(&panel["description"]).ends_with('.'), "{title}");
        let targets = each(&panel["targets"]);
        assert!(!targets.is_empty(), "{title}");
        for target in targets {
            let expression = text(&target["expr"]);
            assert_eq!(promql::faults(expression, &known), [""; 0], "{title}: {expression}");
            assert!(expression.contains(r#"job=~"$job""#), "{title} shows all clusters: {expression}");
            shown.push(expression.to_owned());
        }
    }
    for metric in known.keys() {
        assert!(shown.iter().any(|expression| expression.contains(metric.as_str())), "{metric} is not shown");
    }
}
