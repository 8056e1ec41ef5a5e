//! The writes that a request asks for, read from its JSON.

use serde_json::{Map, Value};

use super::expression::{self, Assignment, Effect, Scope};
use super::item::Item;
use super::line::table_name;

/// One item that is to be written, or checked within a transaction.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Write {
    pub(super) table: String,
    pub(super) change: Change,
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    Put(Item),
    Update(Item, Vec<Assignment>),
    Delete(Item),
    Check(Item),
}

impl Change {
    /// The attributes among which the item's key is.
    pub(super) fn key(&self) -> &Item {
        match self {
            Change::Put(item) | Change::Update(item, _) | Change::Delete(item) | Change::Check(item) => item,
        }
    }

    /// What the item becomes, as far as the request tells.
    pub(super) fn after(&self, before: Option<&Item>) -> Option<Item> {
        match self {
            Change::Put(item) => Some(item.clone()),
            Change::Delete(_) => None,
            Change::Check(_) => before.cloned(),
            Change::Update(key, assignments) => {
                let mut item = before.unwrap_or(key).clone();
                assignments.iter().for_each(|assignment| assignment.apply(&mut item));
                Some(item)
            }
        }
    }

    /// Whether only a look at the item tells what it became.
    pub(super) fn is_update(&self) -> bool {
        matches!(self, Change::Update(..))
    }
}

/// The writes of an operation, in order; `None` where it writes no items, or is not understood.
pub(super) fn of(operation: &str, request: &Map<String, Value>) -> Option<Vec<Write>> {
    match operation {
        "PutItem" => Some(vec![write("Put", request)?]),
        "UpdateItem" => Some(vec![write("Update", request)?]),
        "DeleteItem" => Some(vec![write("Delete", request)?]),
        "TransactWriteItems" => {
            let actions = request.get("TransactItems")?.as_array()?.iter();
            let action = |one: &Value| {
                let (kind, action) = one.as_object()?.iter().find(|(_, action)| !action.is_null())?;
                write(kind, action.as_object()?)
            };
            actions.map(action).collect()
        }
        "BatchWriteItem" => batch(request).map(|all| all.into_iter().map(|(_, write)| write).collect()),
        _ => None,
    }
}

/// The writes of a batch, each beside the request that makes it.
pub(super) fn batch(request: &Map<String, Value>) -> Option<Vec<(Value, Write)>> {
    let mut found = Vec::new();
    for (table, requests) in request.get("RequestItems")?.as_object()? {
        for one in requests.as_array()? {
            let part = |kind: &str, of: &str| one.get(kind)?.get(of)?.as_object().cloned();
            let put = part("PutRequest", "Item").map(Change::Put);
            let change = put.or_else(|| part("DeleteRequest", "Key").map(Change::Delete))?;
            found.push((one.clone(), Write { table: table_name(table).to_owned(), change }));
        }
    }
    Some(found)
}

fn write(kind: &str, action: &Map<String, Value>) -> Option<Write> {
    let part = |name: &str| action.get(name)?.as_object().cloned();
    let change = match kind {
        "Put" => Change::Put(part("Item")?),
        "Update" => Change::Update(part("Key")?, updates(action)),
        "Delete" => Change::Delete(part("Key")?),
        _ => Change::Check(part("Key")?),
    };
    Some(Write { table: table_name(action.get("TableName")?.as_str()?).to_owned(), change })
}

fn updates(action: &Map<String, Value>) -> Vec<Assignment> {
    if let Some(expression) = action.get("UpdateExpression").and_then(Value::as_str) {
        return expression::assignments(expression, &Scope::of(action));
    }
    // The older form of an update.
    let all = action.get("AttributeUpdates").and_then(Value::as_object).into_iter().flatten();
    let one = |(attribute, update): (&String, &Value)| {
        let value = || update.get("Value").cloned();
        let effect = match update.get("Action").and_then(Value::as_str) {
            None | Some("PUT") => Effect::Set(value()?),
            Some("DELETE") if value().is_none() => Effect::Remove,
            Some("ADD") => Effect::SetIfAbsent(value()?),
            Some(_) => return None,
        };
        Some(Assignment { attribute: attribute.clone(), effect })
    };
    all.filter_map(one).collect()
}
