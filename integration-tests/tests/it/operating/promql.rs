//! Enough of PromQL to see which metrics an expression uses, and whether as what they are.

use std::collections::BTreeMap;

use super::catalogue::{Kind, Metric, sources};

/// Labels that a scraper, an exporter or a recorder adds.
const ADDED: [&str; 4] = ["job", "instance", "member", "le"];

/// What is wrong with an expression; nothing where nothing is.
pub(super) fn faults(expression: &str, known: &BTreeMap<String, Metric>) -> Vec<String> {
    let mut faults = Vec::new();
    let balanced = [('(', ')'), ('{', '}'), ('[', ']')]
        .iter()
        .all(|(open, close)| expression.matches(*open).count() == expression.matches(*close).count());
    if !balanced {
        faults.push("brackets are not closed".to_owned());
    }
    let used = uses(expression, known, &mut faults);
    if !expression.contains("a2a_") && !expression.contains("a2a:") {
        faults.push("no metric is used".to_owned());
    }
    let is_label = |label: &str| {
        ADDED.contains(&label) || used.iter().any(|metric| metric.labels.iter().any(|l| l == label))
    };
    let grouped = expression.split(" by (").skip(1).filter_map(|rest| rest.split(')').next());
    for label in grouped.flat_map(|labels| labels.split(", ")) {
        // What a rule recorded has the labels that it was recorded by.
        if !is_label(label) {
            faults.push(format!("nothing has the label {label}"));
        }
    }
    faults
}

fn uses<'a>(
    expression: &str,
    known: &'a BTreeMap<String, Metric>,
    faults: &mut Vec<String>,
) -> Vec<&'a Metric> {
    let (mut used, sources) = (Vec::new(), sources());
    for (at, _) in expression.match_indices("a2a_") {
        let rest = &expression[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let part = ["_bucket", "_sum", "_count"].into_iter().find(|part| name.ends_with(part));
        let base = part.and_then(|part| name.strip_suffix(part)).unwrap_or(name);
        let Some(metric) = known.get(base) else {
            faults.push(format!("there is no metric {name}"));
            continue;
        };
        used.push(metric);
        if (metric.kind == Kind::Histogram) != part.is_some() {
            faults.push(format!("{name} is a {:?}", metric.kind));
        }
        let after = selected(metric, after, &sources, faults);
        let before = &expression[..at];
        let rises = ["rate(", "increase("].iter().any(|function| before.ends_with(function));
        let looks_back = before.ends_with("_over_time(");
        let fits = match metric.kind {
            Kind::Counter | Kind::Histogram => rises && after.starts_with('['),
            Kind::Gauge => !rises && (looks_back == after.starts_with('[')),
        };
        if !fits && !before.ends_with("absent(") {
            faults.push(format!("{name} is not used as a {:?}", metric.kind));
        }
    }
    used
}

/// Looks at what selects series, and returns what stands behind it.
fn selected<'a>(metric: &Metric, after: &'a str, sources: &str, faults: &mut Vec<String>) -> &'a str {
    let Some((selector, after)) = after.strip_prefix('{').and_then(|rest| rest.split_once('}')) else {
        return after;
    };
    let parts: Vec<&str> = selector.split('"').collect();
    for pair in parts.chunks_exact(2) {
        let label = pair[0].trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        if ADDED.contains(&label) {
            continue;
        }
        if !metric.labels.iter().any(|known| known == label) {
            faults.push(format!("{} has no label {label}", metric.name));
        }
        for value in pair[1].split('|').filter(|value| !value.is_empty()) {
            if !sources.contains(&format!("\"{value}\"")) {
                faults.push(format!("{label} is never {value}"));
            }
        }
    }
    after
}

#[test]
fn a_metric_that_is_not_there_or_used_as_what_it_is_not_is_found() {
    let known = super::catalogue::by_name();
    let good = [
        r#"sum by (job) (rate(a2a_webhook_attempts_total{outcome="given_up"}[5m]))"#,
        "max by (member) (a2a_agents) / max by (member) (a2a_max_agents)",
        "histogram_quantile(0.99, sum by (le) (rate(a2a_commit_seconds_bucket[5m])))",
        "max_over_time(a2a_waiting_commits[5m])",
        "absent(a2a_max_agents)",
    ];
    for expression in good {
        assert_eq!(faults(expression, &known), [""; 0], "{expression}");
    }
    let bad = [
        ("rate(a2a_commit_total[5m])", "there is no metric a2a_commit_total"),
        ("rate(a2a_agents[5m])", "a2a_agents is not used as a Gauge"),
        ("sum(a2a_commits_total)", "a2a_commits_total is not used as a Counter"),
        ("rate(a2a_commit_seconds[5m])", "a2a_commit_seconds is a Histogram"),
        (r#"rate(a2a_commits_total{kind="watch"}[5m])"#, "a2a_commits_total has no label kind"),
        (r#"rate(a2a_evictions_total{who="nobody at all"}[5m])"#, "who is never nobody at all"),
        ("sum by (kind) (rate(a2a_commits_total[5m]))", "nothing has the label kind"),
        ("sum(rate(a2a_commits_total[5m])", "brackets are not closed"),
        ("vector(1)", "no metric is used"),
    ];
    for (expression, fault) in bad {
        assert_eq!(faults(expression, &known), [fault], "{expression}");
    }
}
