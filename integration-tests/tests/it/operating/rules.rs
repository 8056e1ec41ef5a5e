//! The rules for Prometheus: of metrics that exist, on objectives that the page states, and each alarm is told on the page.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{catalogue, promql};
use crate::deployment::files::{each, read, text, yaml};

const FILE: &str = "deploy/monitoring/rules.yaml";
const PAGE: &str = "docs/operating.md";

/// All rules of the file.
fn rules() -> Vec<Value> {
    let file = yaml(FILE);
    let groups = each(&file["groups"]).into_iter();
    groups.flat_map(|group| each(&group["rules"]).into_iter().cloned().collect::<Vec<_>>()).collect()
}

/// The names that rules of this kind have.
fn named(kind: &str) -> Vec<String> {
    rules().iter().filter_map(|rule| rule[kind].as_str().map(str::to_owned)).collect()
}

/// The words of a text that begin with this.
fn words(text: &str, with: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    words.filter(|word| word.starts_with(with)).map(str::to_owned).collect()
}

#[test]
fn rules_are_of_metrics_that_are_exported_as_they_use_them() {
    let (known, recorded) = (catalogue::by_name(), named("record"));
    let recorded: BTreeSet<String> = recorded.into_iter().collect();
    assert_eq!(recorded.len(), 5 * 7);
    let mut used = BTreeSet::new();
    for rule in rules() {
        let expression = text(&rule["expr"]);
        assert_eq!(promql::faults(expression, &known), [""; 0], "{expression}");
        used.extend(words(expression, "a2a:"));
    }
    assert_eq!(used, recorded, "what is recorded is alarmed, and nothing else is");
}

#[test]
fn what_is_recorded_looks_back_as_far_as_its_name_says() {
    for rule in rules() {
        let Some(name) = rule["record"].as_str() else { continue };
        let (_, window) = name.split_once(":ratio_rate").unwrap();
        let expression = text(&rule["expr"]);
        let windows = expression.split('[').skip(1).map(|rest| rest.split(']').next().unwrap());
        assert!(
            windows.clone().count() == 2 && windows.clone().all(|one| one == window),
            "{name}: {expression}"
        );
    }
}

#[test]
fn a_burn_rate_is_asked_of_a_long_and_a_short_window_of_one_objective() {
    let page = read(PAGE);
    let mut seen = 0;
    for rule in
        rules().iter().filter(|rule| text(&rule["expr"]).contains("a2a:") && rule["alert"].is_string())
    {
        let (name, expression) = (text(&rule["alert"]), text(&rule["expr"]));
        for pair in expression.split(" or ") {
            let (long, short) = pair.split_once(" and ").unwrap();
            let parts = |side: &str| {
                let (series, bound) = side.trim_matches(['(', ')']).split_once(" > ").unwrap();
                let (what, window) = series.split_once(":ratio_rate").unwrap();
                (what.to_owned(), window.to_owned(), bound.to_owned())
            };
            let (long, short) = (parts(long), parts(short));
            assert_eq!((&long.0, &long.2), (&short.0, &short.2), "{name}");
            let windows = [("1h", "5m", "14.4"), ("6h", "30m", "6"), ("1d", "2h", "3"), ("3d", "6h", "1")];
            let (factor, budget) = long.2.split_once(" * ").unwrap();
            assert!(windows.contains(&(long.1.as_str(), short.1.as_str(), factor)), "{name}: {pair}");
            // The page has a row for it: `objective | series | …`.
            let percent = 100.0 - budget.parse::<f64>().unwrap() * 100.0;
            let row = page.lines().find(|line| line.contains(&format!("`{}:", long.0))).unwrap();
            assert!(row.contains(&format!("{percent} %")), "{name}: {percent} {row}");
            seen += 1;
        }
    }
    assert_eq!(seen, 5 * 4);
}

#[test]
fn every_alarm_says_how_urgent_it_is_and_stands_on_the_page_with_what_to_do() {
    let page = read(PAGE);
    let alarms = named("alert");
    let told: BTreeSet<String> = words(&page, "A2a").into_iter().collect();
    assert_eq!(told, alarms.into_iter().collect(), "the page tells of others");
    for rule in rules() {
        let Some(name) = rule["alert"].as_str() else { continue };
        assert!(["page", "ticket"].contains(&text(&rule["labels"]["severity"])), "{name}");
        assert!(text(&rule["annotations"]["summary"]).len() > 10, "{name}");
        let (path, anchor) = text(&rule["annotations"]["runbook"]).split_once('#').unwrap();
        let heading = page.lines().filter_map(|line| line.strip_prefix("## "));
        let anchors: Vec<_> = heading.map(|title| title.to_lowercase().replace(' ', "-")).collect();
        assert!(path == PAGE && anchors.iter().any(|known| known == anchor), "{name}: {anchor} {anchors:?}");
    }
}

#[test]
fn times_that_rules_ask_for_are_bounds_of_buckets() {
    // Of a bucket that there is not, Prometheus says nothing.
    let (expressions, buckets) = (read(FILE), read("a2a-serve/src/metrics.rs"));
    let bounds = expressions.split("{le=\"").skip(1).filter_map(|rest| rest.split('"').next());
    assert_eq!(bounds.collect::<BTreeSet<_>>(), ["0.25", "1"].into());
    assert!(buckets.contains(" 0.25, 0.5, 1.0,"), "the buckets of seconds");
    // A quantile is a guess between bounds, and right about what it is asked for only where that is a bound.
    let quantiles = expressions.split("histogram_quantile(").skip(1).filter_map(|rest| rest.lines().next());
    let asked = quantiles.map(|line| line.rsplit(" > ").next().unwrap());
    assert_eq!(asked.collect::<Vec<_>>(), ["5"]);
    assert!(buckets.contains(" 5.0, 10.0]"), "the buckets of seconds");
}
