//! The head in a commit that changes it: in one transaction with the log entry, both or neither; or put alone,
//! where it holds the entry.

use std::collections::HashMap;

use a2a_core::{BackendError, ClaimChange, Result};
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use crate::attributes::{Change, EXPIRES, FREE, Item, PK, SK, number, text};
use crate::calls::Calls;
use crate::draft::Draft;
use crate::head;
use crate::keys;
use crate::log::Entry;
use crate::order;
use crate::tally::Tally;

/// When what a commit writes beside the log expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// The epoch second that it is.
    pub(crate) now: i64,
    /// When the task expires.
    pub(crate) head: Option<i64>,
    /// When a snapshot of it expires.
    pub(crate) snapshot: Option<i64>,
}

/// Makes the actions of the transaction: the entry first, the head last.
///
/// `creation` makes the head anew, in the place of the head of an earlier life where it names one.
pub(crate) fn transaction(
    calls: &Calls,
    draft: &Draft<'_>,
    entry: &Entry,
    tally: &Tally,
    creation: Option<Option<u64>>,
    times: &Times,
) -> Result<Vec<TransactWriteItem>> {
    let put = Put::builder()
        .table_name(calls.table())
        .set_item(Some(entry.item(&draft.pk)?))
        .condition_expression(FREE)
        .expression_attribute_values(":g", number(tally.incarnation))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuilt)?;
    let entry = TransactWriteItem::builder().put(put).build();
    let head = match creation {
        Some(replaced) => create(calls, draft, tally, replaced, times)?,
        None => update(calls, draft, tally, changes(draft, tally, times))?,
    };
    Ok(vec![entry, head])
}

fn changes(draft: &Draft<'_>, tally: &Tally, times: &Times) -> Vec<Change> {
    let task = draft.task();
    let mut changes = vec![
        (head::VERSION, Some(number(draft.version()))),
        (head::GENERATION, Some(number(draft.tip().generation))),
        (head::STATE, Some(text(order::name_of(&task.status.state)))),
        (head::POSITION, Some(text(order::position(task)))),
    ];
    // Whoever takes an ended task over to deliver what is left of it does not prolong it: its snapshot stays no longer.
    if !task.status.state.is_terminal() || !draft.commit.record().events.is_empty() {
        changes.push((EXPIRES, times.head.map(number)));
    }
    if draft.commit.claim_change() != ClaimChange::Keep {
        // In the same write as the log entry: the index of executors must not miss a task that somebody runs.
        changes.extend(head::claim_attributes(draft.commit.claim_after(None).as_ref()));
    }
    changes.extend(draft.caller.clone());
    if let Some(snapshot) = tally.snapshot.as_ref().filter(|snapshot| snapshot.covers == draft.version()) {
        changes.extend(snapshot.attributes());
    }
    if let Some(covers) = tally.whole.filter(|covers| *covers == draft.version()) {
        changes.push((head::COVERS, Some(number(covers))));
    }
    changes
}

/// The head of a task that this commit creates.
pub(crate) fn new_head(draft: &Draft<'_>, tally: &Tally, times: &Times) -> Item {
    let principal = draft.commit.principal();
    let mut item = head::new_item(&draft.pk, draft.key, tally.incarnation, draft.task(), principal);
    let changes = changes(draft, tally, times).into_iter();
    item.extend(changes.filter_map(|(name, value)| Some((name.to_owned(), value?))));
    item
}

/// The condition under which a new head may be put, with its values: nothing is there, or what is left of this
/// earlier life.
pub(crate) fn vacancy(
    replaced: Option<u64>,
    times: &Times,
) -> (&'static str, Option<HashMap<String, AttributeValue>>) {
    let Some(incarnation) = replaced else { return ("attribute_not_exists(pk)", None) };
    let values = [(":old".to_owned(), number(incarnation)), (":now".to_owned(), number(times.now))];
    ("g = :old AND (attribute_exists(del) OR x <= :now)", Some(values.into()))
}

fn create(
    calls: &Calls,
    draft: &Draft<'_>,
    tally: &Tally,
    replaced: Option<u64>,
    times: &Times,
) -> Result<TransactWriteItem> {
    let (condition, values) = vacancy(replaced, times);
    let put = Put::builder()
        .table_name(calls.table())
        .set_item(Some(new_head(draft, tally, times)))
        .condition_expression(condition)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuilt)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn update(
    calls: &Calls,
    draft: &Draft<'_>,
    tally: &Tally,
    changes: Vec<Change>,
) -> Result<TransactWriteItem> {
    let (expression, values) = expression(changes);
    let update = Update::builder()
        .table_name(calls.table())
        .key(PK, text(&draft.pk))
        .key(SK, text(keys::HEAD))
        .update_expression(expression)
        .condition_expression("g = :g AND attribute_not_exists(del)")
        .set_expression_attribute_values(Some(values))
        .expression_attribute_values(":g", number(tally.incarnation))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    Ok(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build())
}

/// Makes an update expression that sets what has a value and removes what has none.
pub(crate) fn expression(changes: Vec<Change>) -> (String, HashMap<String, AttributeValue>) {
    let mut set = Vec::new();
    let mut remove = Vec::new();
    let mut values = HashMap::new();
    for (name, value) in changes {
        match value {
            Some(value) => {
                set.push(format!("{name} = :{name}"));
                values.insert(format!(":{name}"), value);
            }
            None => remove.push(name),
        }
    }
    let mut expression = format!("SET {}", set.join(", "));
    if !remove.is_empty() {
        expression.push_str(" REMOVE ");
        expression.push_str(&remove.join(", "));
    }
    (expression, values)
}

fn unbuilt(error: aws_sdk_dynamodb::error::BuildError) -> BackendError {
    BackendError::Rejected { reason: "a request that cannot be built".to_owned(), cause: Some(error.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_sets_values_and_removes_the_rest() {
        let (expression, values) =
            expression(vec![("a", Some(number(1))), ("b", None), ("c", Some(text("x")))]);
        assert_eq!(expression, "SET a = :a, c = :c REMOVE b");
        assert_eq!(values.len(), 2);
    }
}
