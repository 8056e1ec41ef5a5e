//! What a commit makes of the head, as requests: in one transaction with the log entry, both or neither; behind the entry;
//! or put anew, with the entry in it.

use std::collections::HashMap;

use a2a_core::{BackendError, Result, Version};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use crate::attributes::{Change, EXPIRES, FREE, Item, PK, SK, number, text};
use crate::calls::Calls;
use crate::draft::Draft;
use crate::head;
use crate::head_update::HeadUpdate;
use crate::keys;
use crate::log::Entry;
use crate::order::{self, Range};
use crate::shards;
use crate::standing::Standing;

/// The condition of every update: the head is of this life of the task, and of an earlier version.
const EARLIER: &str = "g = :g AND attribute_not_exists(del) AND v < :v";

/// The condition of one that follows its entry: or it lacks the snapshot of this version.
const EARLIER_OR_LACKING: &str =
    "g = :g AND attribute_not_exists(del) AND (v < :v OR (v = :v AND (attribute_not_exists(sv) OR sv < :v)))";

/// When what a commit writes beside the log expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// The epoch second that it is.
    pub(crate) now: i64,
    /// When the task expires.
    pub(crate) head: Option<i64>,
    /// When a snapshot of it expires.
    pub(crate) snapshot: Option<i64>,
    /// When its push configs expire, where that is known.
    pub(crate) configs: Option<i64>,
}

/// Makes the actions of the transaction: the entry first, the head last.
///
/// `creation` makes the head anew, in the place of the head of an earlier life where it names one.
pub(crate) fn transaction(
    calls: &Calls,
    draft: &Draft<'_>,
    entry: &Entry,
    standing: &Standing,
    creation: Option<Option<u64>>,
    times: &Times,
) -> Result<Vec<TransactWriteItem>> {
    let put = Put::builder()
        .table_name(calls.table())
        .set_item(Some(entry.item(&draft.pk)?))
        .condition_expression(FREE)
        .expression_attribute_values(":g", number(standing.incarnation))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuilt)?;
    let entry = TransactWriteItem::builder().put(put).build();
    let head = match creation {
        Some(replaced) => create(calls, draft, standing, replaced, times)?,
        None => update(calls, draft, standing, times)?,
    };
    Ok(vec![entry, head])
}

/// What a commit makes of the head while a turn goes on: the state, and where lists have it.
fn status_changes(update: &HeadUpdate<'_>, standing: &Standing) -> Vec<Change> {
    let task = update.task;
    let partition = shards::of_task(&standing.caller, Range::of(&task.status.state), &task.id);
    vec![
        (head::VERSION, Some(number(update.tip.version))),
        (head::GENERATION, Some(number(update.tip.generation))),
        (head::STATE, Some(text(order::name_of(&task.status.state)))),
        (head::POSITION, Some(text(order::position(task)))),
        (head::BY_CALLER, Some(text(partition))),
    ]
}

fn changes(update: &HeadUpdate<'_>, standing: &Standing, times: &Times) -> Vec<Change> {
    let (task, version) = (update.task, update.tip.version);
    let mut changes = status_changes(update, standing);
    changes.push((EXPIRES, times.head.map(number)));
    if let Some(claim) = &update.claim {
        changes.extend(head::claim_attributes(claim.as_ref(), &task.id));
    }
    changes.extend(update.caller.clone());
    if let Some(snapshot) = standing.snapshot.as_ref().filter(|snapshot| snapshot.covers == version) {
        changes.extend(snapshot.attributes());
    }
    if let Some(covers) = standing.whole.filter(|covers| *covers == version && version > Version::new(1)) {
        changes.push((head::COVERS, Some(number(covers))));
    }
    changes
}

/// Begins the update of a head behind an entry that has been applied, unless a later one is there.
pub(crate) fn behind_entry(
    calls: &Calls,
    pk: &str,
    update: &HeadUpdate<'_>,
    standing: &Standing,
    times: &Times,
) -> UpdateItemFluentBuilder {
    behind(calls, pk, update, standing, changes(update, standing, times))
}

/// The same, of a status of a turn that goes on.
pub(crate) fn status(
    calls: &Calls,
    pk: &str,
    update: &HeadUpdate<'_>,
    standing: &Standing,
) -> UpdateItemFluentBuilder {
    behind(calls, pk, update, standing, status_changes(update, standing))
}

fn behind(
    calls: &Calls,
    pk: &str,
    update: &HeadUpdate<'_>,
    standing: &Standing,
    changes: Vec<Change>,
) -> UpdateItemFluentBuilder {
    let (expression, values) = expression(changes, update.keeps_expiry());
    calls
        .update(pk, keys::HEAD)
        .update_expression(expression)
        .condition_expression(EARLIER_OR_LACKING)
        .set_expression_attribute_values(Some(values))
        .expression_attribute_values(":g", number(standing.incarnation))
}

/// The head of a task that this commit creates.
pub(crate) fn new_head(draft: &Draft<'_>, standing: &Standing, times: &Times) -> Item {
    let principal = draft.commit.principal();
    let mut item = head::new_item(&draft.pk, draft.key, standing.incarnation, draft.task(), principal);
    let changes = changes(&draft.head_update(), standing, times).into_iter();
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
    standing: &Standing,
    replaced: Option<u64>,
    times: &Times,
) -> Result<TransactWriteItem> {
    let (condition, values) = vacancy(replaced, times);
    let put = Put::builder()
        .table_name(calls.table())
        .set_item(Some(new_head(draft, standing, times)))
        .condition_expression(condition)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuilt)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn update(calls: &Calls, draft: &Draft<'_>, standing: &Standing, times: &Times) -> Result<TransactWriteItem> {
    let head = draft.head_update();
    let (expression, values) = expression(changes(&head, standing, times), head.keeps_expiry());
    // Nobody goes on with a task that has expired since it was read.
    let condition = format!("{EARLIER} AND (attribute_not_exists(x) OR x > :now)");
    let update = Update::builder()
        .table_name(calls.table())
        .key(PK, text(&draft.pk))
        .key(SK, text(keys::HEAD))
        .update_expression(expression)
        .condition_expression(condition)
        .set_expression_attribute_values(Some(values))
        .expression_attribute_values(":g", number(standing.incarnation))
        .expression_attribute_values(":now", number(times.now))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    Ok(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build())
}

/// Makes an update expression that sets what has a value and removes what has none. `keeps_expiry`: when the item expires
/// stays as it is, if that is said.
pub(crate) fn expression(
    changes: Vec<Change>,
    keeps_expiry: bool,
) -> (String, HashMap<String, AttributeValue>) {
    let mut set = Vec::new();
    let mut remove = Vec::new();
    let mut values = HashMap::new();
    for (name, value) in changes {
        match value {
            Some(value) => {
                set.push(match keeps_expiry && name == EXPIRES {
                    true => format!("{name} = if_not_exists({name}, :{name})"),
                    false => format!("{name} = :{name}"),
                });
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
            expression(vec![("a", Some(number(1))), ("b", None), ("c", Some(text("x")))], false);
        assert_eq!(expression, "SET a = :a, c = :c REMOVE b");
        assert_eq!(values.len(), 2);
        let (expression, _) = super::expression(vec![(EXPIRES, Some(number(1)))], true);
        assert_eq!(expression, "SET x = if_not_exists(x, :x)");
    }
}
