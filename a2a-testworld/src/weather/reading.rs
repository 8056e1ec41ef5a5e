//! Requests that read: decided before they are passed on, charged after; queries of an index show what it shows.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::capacity;
use super::dice::Draws;
use super::endpoint::Head;
use super::item::{self, Item};
use super::line::Line;
use super::reads::{self, Read};
use super::schema::Schema;
use super::sky::Reserved;
use super::stale::Edit;
use super::station::{Station, body_from, changed, whole};
use super::wire::{self, Answer, Throttled};

impl Station {
    /// Handles a request that reads items.
    pub(super) async fn read(
        &self,
        operation: &str,
        head: &Head,
        mut request: Map<String, Value>,
        draws: &mut Draws,
    ) -> Option<Answer> {
        let Some((mut reads, mut schemas)) = self.reads(operation, head, &request).await else {
            let said = self.pass(head, body_from(&request)).await?;
            self.failed_unless_ok(operation, &said);
            return Some(whole(said));
        };
        let factor = if operation == "TransactGetItems" { 2.0 } else { 1.0 };
        let least =
            |(read, schema): (&Read, &Arc<Schema>)| read.line(read.partition(schema, &request), factor);
        let mut lines: Vec<Line> = reads.iter().zip(&schemas).map(least).collect();
        let groups: Vec<Vec<Line>> = lines.iter().cloned().map(|line| vec![line]).collect();
        let batch = operation == "BatchGetItem";
        let (throttled, reserved) = self.sky.admit(&groups, !batch, |line| arn(&reads, &schemas, line));
        let mut unprocessed = Vec::new();
        if throttled.iter().any(|reasons| !reasons.is_empty()) {
            if !batch || throttled.iter().all(|reasons| !reasons.is_empty()) {
                return Some(self.throttle_read(operation, &throttled, &lines, draws));
            }
            unprocessed = leave_out(&mut request, &throttled)?;
            (lines, reads, schemas) =
                (passing(lines, &throttled), passing(reads, &throttled), passing(schemas, &throttled));
        }
        let wanted = capacity::ask(&mut request);
        let edit = self.edit(&reads, &mut request);
        let said = self.pass(head, body_from(&request)).await;
        let Some(mut answer) =
            said.as_ref().filter(|said| said.status.is_success()).and_then(|said| said.json())
        else {
            self.sky.charge(reserved, &[]);
            let said = said?;
            self.failed_unless_ok(operation, &said);
            return Some(whole(said));
        };
        weigh(&mut lines, &reads, &schemas, &answer, factor);
        let touched = lines.clone();
        capacity::agree(&mut lines, &capacity::read(&answer), &touched);
        self.sky.charge(reserved, &lines);
        capacity::strip(&mut answer, wanted);
        if let (Some((edit, index)), Some(schema)) = (&edit, schemas.first())
            && let Some(of) = schema.index(index)
            && let Some(read) = reads.first()
        {
            edit.apply(&mut answer, schema, of, &self.sky.shown(&read.table, index));
        }
        self.sky.count(|counts| {
            counts.outcome(operation, |of| of.items_unprocessed += unprocessed.len() as u64);
        });
        put_back(&mut answer, unprocessed);
        Some(changed(said?, &answer))
    }

    /// Passes a statement of PartiQL on. What it cost is charged to its tables, as reported.
    pub(super) async fn statement(
        &self,
        operation: &str,
        head: &Head,
        mut request: Map<String, Value>,
    ) -> Option<Answer> {
        let wanted = capacity::ask(&mut request);
        let said = self.pass(head, body_from(&request)).await?;
        self.failed_unless_ok(operation, &said);
        let Some(mut answer) = said.json().filter(|_| said.status.is_success()) else {
            return Some(whole(said));
        };
        let reported = capacity::read(&answer);
        let touched: Vec<Line> = reported.keys().map(|table| capacity::of_table(table)).collect();
        let mut lines = Vec::new();
        capacity::agree(&mut lines, &reported, &touched);
        self.sky.charge(Reserved::default(), &lines);
        capacity::strip(&mut answer, wanted);
        Some(changed(said, &answer))
    }

    async fn reads(
        &self,
        operation: &str,
        head: &Head,
        request: &Map<String, Value>,
    ) -> Option<(Vec<Read>, Vec<Arc<Schema>>)> {
        let mut reads = reads::of(operation, request)?;
        let mut schemas = Vec::with_capacity(reads.len());
        for read in &mut reads {
            let schema = self.endpoint.schema(head, &read.table).await?;
            // A local index has the partitions of its table, and their units.
            read.index = read.index.take().filter(|index| schema.index(index).is_some());
            schemas.push(schema);
        }
        Some((reads, schemas))
    }

    /// Prepares a query of an index that is behind.
    fn edit(&self, reads: &[Read], request: &mut Map<String, Value>) -> Option<(Edit, String)> {
        let [read] = reads else { return None };
        let index = read.index.clone()?;
        if self.sky.shown(&read.table, &index).is_empty() {
            return None;
        }
        Some((Edit::prepare(request)?, index))
    }

    fn throttle_read(
        &self,
        operation: &str,
        throttled: &[Vec<Throttled>],
        lines: &[Line],
        draws: &Draws,
    ) -> Answer {
        let error = self.sky.throttling(draws);
        if operation == "TransactGetItems" {
            self.sky.count(|counts| counts.outcome(operation, |of| of.cancelled += 1));
            let innocent = lines.iter().zip(throttled).filter(|(_, reasons)| reasons.is_empty());
            let lines: Vec<Line> = innocent.map(|(line, _)| line.clone()).collect();
            self.sky.charge(Reserved::default(), &lines);
            let code = |reasons: &Vec<Throttled>| (!reasons.is_empty()).then_some("ThrottlingError");
            return wire::cancelled(&throttled.iter().map(code).collect::<Vec<_>>());
        }
        self.sky.count(|counts| counts.outcome(operation, |of| of.throttled += 1));
        let mut reasons: Vec<Throttled> = Vec::new();
        throttled.iter().flatten().for_each(|one| {
            if !reasons.contains(one) {
                reasons.push(one.clone())
            }
        });
        wire::throttled(error, &reasons)
    }
}

/// What was not throttled.
fn passing<T>(all: Vec<T>, throttled: &[Vec<Throttled>]) -> Vec<T> {
    all.into_iter().zip(throttled).filter(|(_, reasons)| reasons.is_empty()).map(|(one, _)| one).collect()
}

fn arn(reads: &[Read], schemas: &[Arc<Schema>], line: &Line) -> String {
    let schema =
        reads.iter().zip(schemas).find(|(read, _)| read.table == line.table).map(|(_, schema)| schema);
    let index = |name: &String| schema.and_then(|schema| schema.index(name)).map(|index| index.arn.clone());
    match &line.index {
        Some(name) => index(name).unwrap_or_default(),
        None => schema.map(|schema| schema.arn.clone()).unwrap_or_default(),
    }
}

/// Gives lines the units of what was found, as far as the answer shows it.
fn weigh(
    lines: &mut [Line],
    reads: &[Read],
    schemas: &[Arc<Schema>],
    answer: &Map<String, Value>,
    factor: f64,
) {
    let sizes = |items: Option<&Value>| -> usize {
        let items = items.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_object).map(item::size).sum()
    };
    if let ([line], [read]) = (&mut *lines, reads) {
        let one = answer.get("Item").and_then(Value::as_object).map(item::size);
        let bytes = one.unwrap_or_else(|| sizes(answer.get("Items")));
        line.units = factor * item::read_units(bytes, read.consistent);
        return;
    }
    let responses = match answer.get("Responses") {
        Some(Value::Array(all)) => all.iter().filter_map(|one| one.get("Item")?.as_object()).collect(),
        Some(Value::Object(tables)) => {
            let all = tables.values().filter_map(Value::as_array).flatten();
            all.filter_map(Value::as_object).collect::<Vec<&Item>>()
        }
        _ => Vec::new(),
    };
    for item in responses {
        let found = lines
            .iter_mut()
            .zip(reads.iter().zip(schemas))
            .find(|(_, (read, schema))| read.key.is_some() && read.key == schema.key.of(item));
        if let Some((line, (read, _))) = found {
            line.units = factor * item::read_units(item::size(item), read.consistent);
        }
    }
}

/// Takes the keys out of a batch that are throttled, and returns them with the names of their tables.
fn leave_out(
    request: &mut Map<String, Value>,
    throttled: &[Vec<Throttled>],
) -> Option<Vec<(String, Value, Value)>> {
    let mut left_out = Vec::new();
    let mut throttled = throttled.iter();
    let tables = request.get_mut("RequestItems")?.as_object_mut()?;
    for (table, of) in tables.iter_mut() {
        let whole = of.clone();
        of.get_mut("Keys")?.as_array_mut()?.retain(|key| {
            let passes = throttled.next().is_none_or(Vec::is_empty);
            if !passes {
                left_out.push((table.clone(), whole.clone(), key.clone()));
            }
            passes
        });
    }
    tables.retain(|_, of| of.get("Keys").and_then(Value::as_array).is_some_and(|keys| !keys.is_empty()));
    Some(left_out)
}

fn put_back(answer: &mut Map<String, Value>, unprocessed: Vec<(String, Value, Value)>) {
    for (table, mut whole, key) in unprocessed {
        let tables = answer.entry("UnprocessedKeys").or_insert_with(|| json!({}));
        let Some(tables) = tables.as_object_mut() else { return };
        whole["Keys"] = json!([]);
        let keys = tables.entry(table).or_insert(whole).get_mut("Keys").and_then(Value::as_array_mut);
        if let Some(keys) = keys {
            keys.push(key);
        }
    }
}
