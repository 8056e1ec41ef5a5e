//! `ConsumedCapacity`: asked of every endpoint, read from its answers, and shown to those who asked themselves.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::line::{Axis, Line, table_name};

const ASKED: &str = "ReturnConsumedCapacity";
const TOLD: &str = "ConsumedCapacity";

/// How much of it the client wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    Nothing,
    Total,
    Indexes,
}

/// Makes a request ask for all of it; returns what it asked for before.
pub(super) fn ask(request: &mut Map<String, Value>) -> Detail {
    match request.insert(ASKED.to_owned(), "INDEXES".into()).as_ref().and_then(Value::as_str) {
        Some("INDEXES") => Detail::Indexes,
        Some("TOTAL") => Detail::Total,
        _ => Detail::Nothing,
    }
}

/// Removes from an answer what its client has not asked for.
pub(super) fn strip(answer: &mut Map<String, Value>, wanted: Detail) {
    match wanted {
        Detail::Indexes => {}
        Detail::Nothing => drop(answer.remove(TOLD)),
        Detail::Total => {
            let each = |one: &mut Value| {
                if let Some(one) = one.as_object_mut() {
                    one.retain(|name, _| name == "TableName" || name.ends_with("CapacityUnits"));
                }
            };
            match answer.get_mut(TOLD) {
                Some(Value::Array(all)) => all.iter_mut().for_each(each),
                Some(one) => each(one),
                None => {}
            }
        }
    }
}

/// What an answer says was consumed, by table.
pub(super) type Reported = BTreeMap<String, TableReport>;

/// What one table and its indexes consumed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TableReport {
    /// All of it.
    total: f64,
    /// The table's part, and each index's; empty where the endpoint does not tell them apart.
    parts: BTreeMap<Option<String>, f64>,
    /// The kind of units, where it is told.
    axis: Option<Axis>,
}

/// Reads what an answer says was consumed. Units of local indexes are the table's.
pub(super) fn read(answer: &Map<String, Value>) -> Reported {
    let all = match answer.get(TOLD) {
        Some(Value::Array(all)) => all.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let mut reported = Reported::new();
    for one in all {
        let Some(table) = one.get("TableName").and_then(Value::as_str) else { continue };
        let report = reported.entry(table_name(table).to_owned()).or_default();
        report.total += units(one);
        report.axis = axis(one).or(report.axis);
        if let Some(table) = one.get("Table") {
            *report.parts.entry(None).or_default() += units(table);
        }
        for (index, of) in one.get("GlobalSecondaryIndexes").and_then(Value::as_object).into_iter().flatten()
        {
            *report.parts.entry(Some(index.clone())).or_default() += units(of);
        }
        for of in one.get("LocalSecondaryIndexes").and_then(Value::as_object).into_iter().flatten() {
            *report.parts.entry(None).or_default() += units(of.1);
        }
    }
    reported
}

fn units(of: &Value) -> f64 {
    let named = |name: &str| of.get(name).and_then(Value::as_f64);
    let split =
        || Some(named("ReadCapacityUnits").unwrap_or(0.0) + named("WriteCapacityUnits").unwrap_or(0.0));
    named("CapacityUnits").or_else(split).unwrap_or(0.0)
}

fn axis(of: &Value) -> Option<Axis> {
    let more = |name: &str| of.get(name).and_then(Value::as_f64).is_some_and(|units| units > 0.0);
    match (more("ReadCapacityUnits"), more("WriteCapacityUnits")) {
        (true, false) => Some(Axis::Read),
        (false, true) => Some(Axis::Write),
        _ => None,
    }
}

/// Makes lines agree with what was reported: their shares stay, their sums become the endpoint's. `touched` says where
/// units go of which no line knows. Where nothing was reported, lines stay as they were computed.
pub(super) fn agree(lines: &mut Vec<Line>, reported: &Reported, touched: &[Line]) {
    for (table, report) in reported {
        let parts: BTreeMap<Option<Option<String>>, f64> = match report.parts.is_empty() {
            true => [(None, report.total)].into(),
            false => report.parts.iter().map(|(index, units)| (Some(index.clone()), *units)).collect(),
        };
        let is_of = |line: &Line, part: &Option<Option<String>>| {
            line.table == *table && part.as_ref().is_none_or(|index| line.index == *index)
        };
        lines.retain(|line| line.table != *table || parts.keys().any(|part| is_of(line, part)));
        for (part, units) in &parts {
            let sum: f64 = lines.iter().filter(|line| is_of(line, part)).map(|line| line.units).sum();
            if sum > 0.0 {
                lines.iter_mut().filter(|line| is_of(line, part)).for_each(|line| line.units *= units / sum);
            } else if let Some(line) = touched.iter().find(|line| is_of(line, part)) {
                lines.push(Line { units: *units, ..line.clone() });
            }
        }
        for line in lines.iter_mut().filter(|line| line.table == *table) {
            line.axis = report.axis.unwrap_or(line.axis);
        }
    }
}

/// A line of a table of whose partitions nothing is known.
pub(super) fn of_table(table: &str) -> Line {
    Line { table: table.to_owned(), index: None, partition: None, axis: Axis::Read, units: 0.0 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(index: Option<&str>, partition: &str, units: f64) -> Line {
        let (table, index) = ("t".to_owned(), index.map(str::to_owned));
        Line { table, index, partition: Some(partition.to_owned()), axis: Axis::Write, units }
    }

    fn answer() -> Map<String, Value> {
        let answer = json!({"Attributes": {}, "ConsumedCapacity": {
            "TableName": "arn:aws:dynamodb:eu-central-1:000000000000:table/t", "CapacityUnits": 6.0,
            "Table": {"CapacityUnits": 3.0}, "GlobalSecondaryIndexes": {"i": {"CapacityUnits": 3.0}},
        }});
        answer.as_object().unwrap().clone()
    }

    #[test]
    fn a_client_sees_what_it_asked_for() {
        let seen = |asked: Value| {
            let (mut request, mut answer) = (json!({ASKED: asked}).as_object().unwrap().clone(), answer());
            let wanted = ask(&mut request);
            assert_eq!(request[ASKED], "INDEXES");
            strip(&mut answer, wanted);
            answer
        };
        assert_eq!(seen("INDEXES".into()), answer());
        let total = seen("TOTAL".into())[TOLD].as_object().unwrap().clone();
        let names: std::collections::BTreeSet<&str> = total.keys().map(String::as_str).collect();
        assert_eq!(names, ["CapacityUnits", "TableName"].into());
        assert!(!seen("NONE".into()).contains_key(TOLD));
    }

    #[test]
    fn lines_take_the_sums_that_were_reported_and_keep_their_shares() {
        let mut lines = vec![line(None, "a", 2.0), line(Some("i"), "x", 1.0), line(Some("i"), "y", 1.0)];
        agree(&mut lines, &read(&answer()), &[]);
        assert_eq!(lines, [line(None, "a", 3.0), line(Some("i"), "x", 1.5), line(Some("i"), "y", 1.5)]);
    }

    #[test]
    fn units_of_which_nobody_knew_go_where_something_was_touched() {
        let mut lines = vec![line(None, "a", 2.0), line(Some("unreported"), "z", 1.0)];
        agree(&mut lines, &read(&answer()), &[line(Some("i"), "x", 0.0)]);
        assert_eq!(lines, [line(None, "a", 3.0), line(Some("i"), "x", 3.0)]);
    }

    #[test]
    fn what_an_endpoint_does_not_report_stays_as_it_was_computed() {
        let mut lines = vec![line(None, "a", 2.0)];
        agree(&mut lines, &read(&Map::new()), &[]);
        assert_eq!(lines, [line(None, "a", 2.0)]);
    }
}
