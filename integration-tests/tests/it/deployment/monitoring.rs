//! The dashboard and the rules name metrics that there are, and all of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::files::{read, yaml};

const KINDS: [&str; 3] = ["counter", "gauge", "histogram"];

/// Names and kinds of all metrics: those of instances as their documentation lists them, `| name | kind |`, the others as
/// they are made.
fn catalogue() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in read("a2a-cluster/src/ground/telemetry/mod.rs").lines() {
        let cells: Vec<_> = line.trim_start_matches("//! ").split('|').map(str::trim).collect();
        if let ["", name, kind, ..] = cells[..]
            && let Some(name) = name.strip_prefix("`a2a_")
            && KINDS.contains(&kind)
        {
            found.insert(format!("a2a_{}", name.trim_end_matches('`')), kind.to_owned());
        }
    }
    let made =
        ["a2a-bus-snssqs/src/meter.rs", "a2a-node/src/aws/meter/mod.rs", "a2a-serve/src/bindings/report.rs"];
    for code in made.map(read) {
        for kind in KINDS {
            let makes = format!("{kind}!(\"a2a_");
            let names = code.split(&makes).skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(names.map(|name| (format!("a2a_{name}"), kind.to_owned())));
        }
    }
    found
}

/// The metrics that an expression reads, without what a histogram's series are called.
fn read_by(expression: &str, known: &BTreeMap<String, String>) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_:".contains(c);
    let words = expression.split(|c| !is_word(c)).filter(|word| word.starts_with("a2a_"));
    let of_series = |word: &str| {
        let plain = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| word.strip_suffix(end));
        match plain.filter(|plain| known.get(*plain).is_some_and(|kind| kind == "histogram")) {
            Some(plain) => plain.to_owned(),
            None => word.to_owned(),
        }
    };
    words.map(of_series).collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&read("deploy/monitoring/dashboard.json")).unwrap()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let known = catalogue();
    assert!(known.len() > 30, "{known:?}");
    let mut shown = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard()["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        if panel["type"] == "row" {
            continue;
        }
        assert!(panel["description"].as_str().is_some_and(|told| told.len() > 10), "{panel}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            for name in read_by(expression, &known) {
                let kind = known.get(&name).unwrap_or_else(|| panic!("no metric {name}"));
                let is_rated = expression.contains("rate(");
                assert_eq!(is_rated, kind != "gauge", "{expression}");
                shown.insert(name);
            }
        }
    }
    assert_eq!(shown, known.into_keys().collect());
}

#[test]
fn rules_read_metrics_that_there_are_and_each_alarm_is_explained() {
    let known = catalogue();
    let page = read("docs/operating.md");
    let rules = yaml("deploy/monitoring/rules.yaml");
    let groups = rules["groups"].as_array().unwrap();
    let rules: Vec<_> = groups.iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    let recorded: BTreeSet<_> = rules.iter().filter_map(|rule| rule["record"].as_str()).collect();
    for rule in &rules {
        let expression = rule["expr"].as_str().unwrap();
        let read = read_by(expression, &known);
        for name in &read {
            assert!(known.contains_key(name), "no metric {name}: {expression}");
        }
        let uses_recorded = recorded.iter().any(|name| expression.contains(name));
        assert!(uses_recorded || !read.is_empty(), "{expression}");
        if let Some(alert) = rule["alert"].as_str() {
            assert!(page.contains(&format!("| `{alert}` |")), "{alert} is not explained");
            assert!(rule["annotations"]["summary"].is_string(), "{alert}");
        }
    }
    assert!(rules.len() > 12);
}

#[test]
fn limits_of_the_rules_are_bounds_of_buckets() {
    // Of a bucket that there is not, Prometheus says nothing.
    let buckets = read("a2a-serve/src/metrics.rs");
    let expressions = read("deploy/monitoring/rules.yaml");
    let bounds: BTreeSet<_> =
        expressions.split("{le=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(bounds, ["0.25", "1"].into());
    assert!(buckets.contains(" 0.25, 0.5, 1.0,"), "the buckets of seconds");
}
