//! The reads that a request asks for, read from its JSON.

use serde_json::{Map, Value};

use super::expression::{self, Scope};
use super::item::{self, Item};
use super::line::{Axis, Line, table_name};
use super::schema::Schema;

/// One item, or one range of a table or an index, that is to be read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    pub(super) table: String,
    pub(super) index: Option<String>,
    /// The key, where a single item is read.
    pub(super) key: Option<Item>,
    pub(super) consistent: bool,
}

/// The tables and keys of an operation, in order; `None` where it reads no items, or is not understood.
pub(super) fn of(operation: &str, request: &Map<String, Value>) -> Option<Vec<Read>> {
    let consistent = |of: &Value| of.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false);
    match operation {
        "GetItem" => Some(vec![single(request, request.get("ConsistentRead").is_some_and(|it| it == true))?]),
        "TransactGetItems" => {
            let gets = request.get("TransactItems")?.as_array()?.iter();
            gets.map(|get| single(get.get("Get")?.as_object()?, true)).collect()
        }
        "BatchGetItem" => {
            let mut found = Vec::new();
            for (table, of) in request.get("RequestItems")?.as_object()? {
                for key in of.get("Keys")?.as_array()? {
                    let (table, key) = (table_name(table).to_owned(), key.as_object().cloned());
                    found.push(Read { table, index: None, key, consistent: consistent(of) });
                }
            }
            Some(found)
        }
        "Query" | "Scan" => {
            let text = |name: &str| request.get(name).and_then(Value::as_str);
            let table = table_name(text("TableName")?).to_owned();
            let index = text("IndexName").map(str::to_owned);
            let consistent = request.get("ConsistentRead").is_some_and(|it| it == true);
            Some(vec![Read { table, index, key: None, consistent }])
        }
        _ => None,
    }
}

fn single(get: &Map<String, Value>, consistent: bool) -> Option<Read> {
    let table = table_name(get.get("TableName")?.as_str()?).to_owned();
    Some(Read { table, index: None, key: Some(get.get("Key")?.as_object()?.clone()), consistent })
}

impl Read {
    /// The partition that is read; of a query it stands in the condition. A scan has none.
    pub(super) fn partition(&self, schema: &Schema, request: &Map<String, Value>) -> Option<String> {
        if let Some(key) = &self.key {
            return schema.key.partition(key);
        }
        let condition = request.get("KeyConditionExpression")?.as_str()?;
        let condition = expression::parse(condition, &Scope::of(request))?;
        let key = match &self.index {
            Some(index) => &schema.index(index)?.key,
            None => &schema.key,
        };
        condition.equal_to(&key.hash).map(item::text)
    }

    /// A line with the least that the read costs.
    pub(super) fn line(&self, partition: Option<String>, factor: f64) -> Line {
        let units = factor * item::read_units(0, self.consistent);
        Line { table: self.table.clone(), index: self.index.clone(), partition, axis: Axis::Read, units }
    }
}
