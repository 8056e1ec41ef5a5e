//! The answer of a query on an index that lags: what is not to be seen yet is taken out of it, what is still to be seen
//! is put back.
//!
//! The endpoint is asked for whole entries without a filter; filter, projection and count are applied here, after that.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::{Map, Value};

use super::expression::{self, Condition, Scope, tokens};
use super::item::{self, Item};
use super::schema::{Index, Schema};

/// A query whose answer is edited.
#[derive(Debug)]
pub(super) struct Edit {
    key: Condition,
    filter: Option<Condition>,
    /// The attributes at the top that the client wants; `None` are all.
    attributes: Option<Vec<String>>,
    counts_only: bool,
    forward: bool,
    limit: Option<usize>,
    /// Where the page begins.
    start: Option<Item>,
}

impl Edit {
    /// Makes a query ask for what editing needs. `None` where an expression is not understood: the query is unchanged.
    pub(super) fn prepare(query: &mut Map<String, Value>) -> Option<Self> {
        let scope = Scope::of(query);
        let text = |name: &str| query.get(name).and_then(Value::as_str);
        let key_expression = text("KeyConditionExpression")?.to_owned();
        let filter = match text("FilterExpression") {
            Some(filter) => Some(expression::parse(filter, &scope)?),
            None => None,
        };
        let attributes = match text("ProjectionExpression") {
            Some(projection) => Some(top_level(projection, &scope)?),
            None => None,
        };
        let edit = Edit {
            key: expression::parse(&key_expression, &scope)?,
            filter,
            attributes,
            counts_only: text("Select") == Some("COUNT"),
            forward: query.get("ScanIndexForward").and_then(Value::as_bool).unwrap_or(true),
            limit: query.get("Limit").and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok()),
            start: query.get("ExclusiveStartKey").and_then(Value::as_object).cloned(),
        };
        for name in ["FilterExpression", "ProjectionExpression", "Select"] {
            query.remove(name);
        }
        // Names and values that nothing uses are refused.
        let used = tokens(&key_expression);
        for name in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
            let left = query.get_mut(name).and_then(Value::as_object_mut);
            let empty = left.is_some_and(|all| {
                all.retain(|word, _| used.contains(&word.as_str()));
                all.is_empty()
            });
            if empty {
                query.remove(name);
            }
        }
        Some(edit)
    }

    /// Edits an answer.
    pub(super) fn apply(
        &self,
        answer: &mut Map<String, Value>,
        schema: &Schema,
        index: &Index,
        shown: &HashMap<String, Option<Item>>,
    ) {
        let items = answer.remove("Items");
        let items = items.as_ref().and_then(Value::as_array).into_iter().flatten();
        let mut items: Vec<Item> = items.filter_map(Value::as_object).cloned().collect();
        let is_current = |item: &Item| schema.key.identity(item).is_none_or(|id| !shown.contains_key(&id));
        items.retain(is_current);
        let end = answer.get("LastEvaluatedKey").and_then(Value::as_object);
        let place = |item: &Item| {
            (index.key.range.as_ref().and_then(|range| item.get(range)).cloned(), schema.key.identity(item))
        };
        let after = |item: &Item, mark: Option<&Item>| {
            mark.is_none_or(|mark| self.order(&place(item), &place(mark)).is_gt())
        };
        let earlier = shown.values().flatten().filter(|entry| {
            expression::holds(&self.key, entry)
                && after(entry, self.start.as_ref())
                && end.is_none_or(|end| self.order(&place(entry), &place(end)).is_le())
        });
        items.extend(earlier.cloned());
        items.sort_by(|a, b| self.order(&place(a), &place(b)));
        if let Some(limit) = self.limit.filter(|limit| items.len() > *limit) {
            items.truncate(limit);
            let names = schema.key.names().chain(index.key.names());
            let last = items.last();
            let mark: Item =
                names.filter_map(|name| Some((name.to_owned(), last?.get(name)?.clone()))).collect();
            answer.insert("LastEvaluatedKey".to_owned(), Value::Object(mark));
        }
        answer.insert("ScannedCount".to_owned(), items.len().into());
        items.retain(|item| self.filter.as_ref().is_none_or(|filter| expression::holds(filter, item)));
        answer.insert("Count".to_owned(), items.len().into());
        if !self.counts_only {
            for item in &mut items {
                item.retain(|name, _| self.attributes.as_ref().is_none_or(|wanted| wanted.contains(name)));
            }
            answer.insert("Items".to_owned(), items.into_iter().map(Value::Object).collect());
        }
    }

    fn order(&self, a: &(Option<Value>, Option<String>), b: &(Option<Value>, Option<String>)) -> Ordering {
        let sorted = match (&a.0, &b.0) {
            (Some(a), Some(b)) => item::compare(a, b).unwrap_or(Ordering::Equal),
            _ => Ordering::Equal,
        };
        let order = sorted.then_with(|| a.1.cmp(&b.1));
        if self.forward { order } else { order.reverse() }
    }
}

/// The attributes of a projection; `None` where it reaches into one.
fn top_level(projection: &str, scope: &Scope<'_>) -> Option<Vec<String>> {
    projection
        .split(',')
        .map(str::trim)
        .map(|word| (!word.contains(['.', '['])).then(|| scope.name(word))?)
        .collect()
}
