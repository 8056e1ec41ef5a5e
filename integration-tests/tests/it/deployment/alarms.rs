//! The alarms: the same in both declarations, of what the table and the topic are called, and of metrics that the page names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::files::{cloudformation, each, read, terraform, text, yaml};

/// An alarm: what it looks at, and beyond what, for how many periods.
#[derive(Debug, PartialEq)]
struct Alarm {
    metrics: BTreeSet<String>,
    threshold: u64,
    periods: u64,
}

fn words(expression: &str, of: &str) -> String {
    let whole = expression.replace("${aws_dynamodb_table.tasks.name}", "TABLE").replace("${Tasks}", "TABLE");
    if whole.starts_with("SELECT") { whole } else { format!("{of}: {whole}") }
}

fn in_terraform() -> BTreeMap<String, Alarm> {
    let module = terraform("deploy/terraform");
    let mut found = BTreeMap::new();
    for alarm in module["resource"]["aws_cloudwatch_metric_alarm"].as_object().unwrap().values() {
        let actions = [&alarm["alarm_actions"], &alarm["ok_actions"]];
        assert_eq!(actions, ["${var.alarm_actions}"; 2]);
        let dimensions = &module["locals"]["throttled"];
        let several = alarm["alarm_name"] == "${var.name}-throttled-${each.key}";
        let each_one: Vec<_> = match dimensions.as_object() {
            Some(all) if several => {
                all.iter().map(|(name, values)| (Some(name.clone()), values.clone())).collect()
            }
            _ => vec![(None, Value::Null)],
        };
        for (key, dimensions) in each_one {
            let name = text(&alarm["alarm_name"]).trim_start_matches("${var.name}-");
            let name = name.replace("${each.key}", key.as_deref().unwrap_or_default());
            let index = dimensions["GlobalSecondaryIndexName"].as_str().unwrap_or("table").to_owned();
            let queries =
                each(&alarm["metric_query"]).into_iter().map(|query| match query["expression"].as_str() {
                    Some(expression) => words(expression, &index),
                    None => format!("{index}: {}", text(&query["metric"]["metric_name"])),
                });
            let plain = alarm["metric_name"].as_str().map(str::to_owned);
            let number = |name: &str| alarm[name].as_u64().unwrap();
            let metrics = queries.chain(plain).collect();
            let (threshold, periods) = (number("threshold"), number("evaluation_periods"));
            found.insert(name, Alarm { metrics, threshold, periods });
        }
    }
    found
}

fn in_cloudformation() -> BTreeMap<String, Alarm> {
    let mut found = BTreeMap::new();
    for resource in cloudformation().as_object().unwrap().values() {
        if resource["Type"] != "AWS::CloudWatch::Alarm" {
            continue;
        }
        let alarm = &resource["Properties"];
        let name = text(&alarm["AlarmName"]["Fn::Sub"]).trim_start_matches("${Name}-").to_owned();
        let index = name.strip_prefix("throttled-").unwrap_or_default();
        let queries = each(&alarm["Metrics"]).into_iter().map(|query| {
            let expression = query["Expression"].as_str().or_else(|| query["Expression"]["Fn::Sub"].as_str());
            let metric = &query["MetricStat"]["Metric"];
            if let Some(dimensions) = metric["Dimensions"].as_array() {
                let named = dimensions.iter().find(|one| one["Name"] == "GlobalSecondaryIndexName");
                assert_eq!(named.map_or("table", |named| text(&named["Value"])), index);
            }
            expression.map_or_else(
                || format!("{index}: {}", text(&metric["MetricName"])),
                |said| words(said, index),
            )
        });
        let plain = alarm["MetricName"].as_str().map(str::to_owned);
        let number = |name: &str| alarm[name].as_u64().unwrap();
        let metrics = queries.chain(plain).collect();
        let (threshold, periods) = (number("Threshold"), number("EvaluationPeriods"));
        found.insert(name, Alarm { metrics, threshold, periods });
    }
    found
}

#[test]
fn both_declarations_make_the_same_alarms() {
    let alarms = in_terraform();
    assert_eq!(alarms, in_cloudformation());
    let names: Vec<_> = alarms.keys().map(String::as_str).collect();
    let expected = [
        "system-errors",
        "throttled-by-caller",
        "throttled-by-context",
        "throttled-by-executor",
        "throttled-table",
        "undelivered",
        "unread",
    ];
    assert_eq!(names, expected);
}

#[test]
fn the_page_names_every_metric_that_is_alarmed() {
    let page = read("docs/scaling.md");
    let module = terraform("deploy/terraform/ecs");
    let of_service = module["resource"]["aws_cloudwatch_metric_alarm"].as_object().unwrap().values();
    let of_service = of_service.flat_map(|alarm| match alarm["metric_name"].as_str().unwrap() {
        "${each.value}" => {
            let each = text(&alarm["for_each"]).split('"').skip(1).step_by(2);
            each.map(str::to_owned).collect::<Vec<_>>()
        }
        name => vec![name.to_owned()],
    });
    let of_cluster =
        ["ReadThrottleEvents", "WriteThrottleEvents", "SystemErrors", "NumberOfNotificationsFailed"];
    let of_cluster = of_cluster.into_iter().chain(["ApproximateAgeOfOldestMessage"]).map(str::to_owned);
    let mut seen = 0;
    for metric in of_service.chain(of_cluster) {
        seen += 1;
        assert!(page.contains(&format!("`{metric}`")), "{metric}");
    }
    assert_eq!(seen, 9);
}

#[test]
fn nobody_gets_mail_about_a_budget_that_was_not_asked_for() {
    let module = terraform("deploy/terraform");
    assert_eq!(module["variable"]["budget"]["default"], Value::Null);
    let budget = &module["resource"]["aws_budgets_budget"]["deployment"];
    assert_eq!(budget["count"], "${var.budget == null ? 0 : 1}");
    // The tag that everything has.
    assert_eq!(budget["cost_filter"]["values"][0], r#"${format("user:a2a:deployment$%s", local.topic)}"#);
    let template = yaml("deploy/cloudformation/cluster.yaml");
    assert_eq!(template["Parameters"]["BudgetUsd"]["Default"], 0);
    let budget = &template["Resources"]["Budget"];
    assert_eq!(budget["Condition"], "HasBudget");
    let filter = &budget["Properties"]["Budget"]["CostFilters"]["TagKeyValue"][0]["Fn::Join"];
    assert_eq!(*filter, serde_json::json!(["", ["user:a2a:deployment$", { "Ref": "Name" }, "-events"]]));
}
