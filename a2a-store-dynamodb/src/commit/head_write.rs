//! What a commit makes of the head, as requests: in one transaction with the log entry, both or neither; behind the entry;
//! or put anew, with the entry in it.

use std::collections::HashMap;

use a2a_core::{BackendError, Result, Version};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};

use crate::commit::prepared::PreparedCommit;
use crate::items::attributes::{Change, EXPIRES, FREE, Item, PK, SK, number, text};
use crate::items::claim;
use crate::items::entry::Entry;
use crate::items::head;
use crate::items::head_update::HeadUpdate;
use crate::items::keys;
use crate::items::order::{self, Range};
use crate::items::shards;
use crate::items::snapshot;
use crate::items::update::expression;
use crate::log_stats::LogStats;
use crate::requests::calls::Calls;
use crate::retention::Times;

/// The condition of every update: the head is of this life of the task, and of an earlier version.
const EARLIER: &str = "g = :g AND attribute_not_exists(del) AND v < :v";

/// The condition of one that follows its entry: or it lacks the snapshot of this version, or says that it does.
const EARLIER_OR_LACKING: &str = "g = :g AND attribute_not_exists(del) AND (v < :v OR (v = :v AND \
    (attribute_not_exists(sv) OR sv < :v OR ex = :nobody)))";

/// Makes the actions of the transaction: the entry first, the head last.
///
/// `creation` makes the head anew, in the place of the head of an earlier life where it names one.
pub(crate) fn transaction(
    calls: &Calls,
    prepared: &PreparedCommit<'_>,
    entry: &Entry,
    stats: &LogStats,
    creation: Option<Option<u64>>,
    times: &Times,
) -> Result<Vec<TransactWriteItem>> {
    let put = Put::builder()
        .table_name(calls.table())
        .set_item(Some(entry.item(&prepared.pk)?))
        .condition_expression(FREE)
        .expression_attribute_values(":g", number(stats.incarnation))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuilt)?;
    let entry = TransactWriteItem::builder().put(put).build();
    let head = match creation {
        Some(replaced) => create(calls, prepared, stats, replaced, times)?,
        None => update(calls, prepared, stats, times)?,
    };
    Ok(vec![entry, head])
}

/// What a commit makes of the head while a turn goes on: the state, and where lists have it.
fn status_changes(update: &HeadUpdate<'_>, stats: &LogStats) -> Vec<Change> {
    let task = update.task;
    let partition = shards::of_task(&stats.caller, Range::of(&task.status.state), &task.id);
    vec![
        (head::VERSION, Some(number(update.tip.version))),
        (head::GENERATION, Some(number(update.tip.generation))),
        (head::STATE, Some(text(order::name_of(&task.status.state)))),
        (head::POSITION, Some(text(order::position(task)))),
        (head::BY_CALLER, Some(text(partition))),
    ]
}

fn changes(update: &HeadUpdate<'_>, stats: &LogStats, times: &Times) -> Vec<Change> {
    let (task, version) = (update.task, update.tip.version);
    let mut changes = status_changes(update, stats);
    changes.push((EXPIRES, times.head.map(number)));
    if let Some(claim) = &update.claim {
        let awaits = claim.is_none() && update.ends_turn() && !stats.is_covered_at(version);
        changes.extend(match awaits {
            true => claim::awaiting_snapshot(),
            false => claim::attributes(claim.as_ref(), &task.id),
        });
    }
    changes.extend(update.caller.clone());
    if let Some(snapshot) = stats.snapshot.as_ref().filter(|snapshot| snapshot.covers == version) {
        changes.extend(snapshot.attributes());
    }
    if let Some(covers) = stats.first_covers.filter(|covers| *covers == version && version > Version::new(1))
    {
        changes.push((snapshot::COVERS, Some(number(covers))));
    }
    changes
}

/// Begins the update of a head behind an entry that has been applied, unless a later one is there.
pub(crate) fn behind_entry(
    calls: &Calls,
    pk: &str,
    update: &HeadUpdate<'_>,
    stats: &LogStats,
    times: &Times,
) -> UpdateItemFluentBuilder {
    behind(calls, pk, update, stats, changes(update, stats, times))
}

/// The same, of a status of a turn that goes on.
pub(crate) fn status(
    calls: &Calls,
    pk: &str,
    update: &HeadUpdate<'_>,
    stats: &LogStats,
) -> UpdateItemFluentBuilder {
    behind(calls, pk, update, stats, status_changes(update, stats))
}

/// Begins the update that has everybody look after a task without a claim whose last turn has no snapshot.
pub(crate) fn await_snapshot(
    calls: &Calls,
    pk: &str,
    incarnation: u64,
    version: Version,
) -> UpdateItemFluentBuilder {
    let (expression, values) = expression(claim::awaiting_snapshot().into(), false);
    calls
        .update(pk, keys::HEAD)
        .update_expression(expression)
        .condition_expression(
            "g = :g AND attribute_not_exists(del) AND v = :v AND attribute_not_exists(ex) \
             AND (attribute_not_exists(sv) OR sv < :v)",
        )
        .set_expression_attribute_values(Some(values))
        .expression_attribute_values(":g", number(incarnation))
        .expression_attribute_values(":v", number(version))
}

fn behind(
    calls: &Calls,
    pk: &str,
    update: &HeadUpdate<'_>,
    stats: &LogStats,
    changes: Vec<Change>,
) -> UpdateItemFluentBuilder {
    let (expression, values) = expression(changes, update.keeps_expiry());
    calls
        .update(pk, keys::HEAD)
        .update_expression(expression)
        .condition_expression(EARLIER_OR_LACKING)
        .set_expression_attribute_values(Some(values))
        .expression_attribute_values(":nobody", text(shards::of_nobody()))
        .expression_attribute_values(":g", number(stats.incarnation))
}

/// The head of a task that this commit creates.
pub(crate) fn new_head(prepared: &PreparedCommit<'_>, stats: &LogStats, times: &Times) -> Item {
    let principal = prepared.commit.principal();
    let mut item = head::new_item(&prepared.pk, prepared.key, stats.incarnation, prepared.task(), principal);
    let changes = changes(&prepared.head_update(), stats, times).into_iter();
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
    prepared: &PreparedCommit<'_>,
    stats: &LogStats,
    replaced: Option<u64>,
    times: &Times,
) -> Result<TransactWriteItem> {
    let (condition, values) = vacancy(replaced, times);
    let put = Put::builder()
        .table_name(calls.table())
        .set_item(Some(new_head(prepared, stats, times)))
        .condition_expression(condition)
        .set_expression_attribute_values(values)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(unbuilt)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn update(
    calls: &Calls,
    prepared: &PreparedCommit<'_>,
    stats: &LogStats,
    times: &Times,
) -> Result<TransactWriteItem> {
    let head = prepared.head_update();
    let (expression, values) = expression(changes(&head, stats, times), head.keeps_expiry());
    // Nobody goes on with a task that has expired since it was read.
    let condition = format!("{EARLIER} AND (attribute_not_exists(x) OR x > :now)");
    let update = Update::builder()
        .table_name(calls.table())
        .key(PK, text(&prepared.pk))
        .key(SK, text(keys::HEAD))
        .update_expression(expression)
        .condition_expression(condition)
        .set_expression_attribute_values(Some(values))
        .expression_attribute_values(":g", number(stats.incarnation))
        .expression_attribute_values(":now", number(times.now))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    Ok(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build())
}

fn unbuilt(error: aws_sdk_dynamodb::error::BuildError) -> BackendError {
    BackendError::Rejected { reason: "a request that cannot be built".to_owned(), cause: Some(error.into()) }
}
