//! Whom the cluster gave up, and which tasks it failed: only such as were really lost.

use std::collections::BTreeMap;

use a2a::{Message, TaskState};
use a2a_core::InstanceId;

use super::streams::LoggedTask;
use crate::fleet::Fleet;
use crate::record::Turn;
use crate::words::FOR_EVER;

/// Only instances are evicted to which something happened.
pub(crate) fn check_evictions(fleet: &Fleet) {
    let lost = fleet.lost.borrow();
    for evicted in fleet.archive.evicted() {
        assert!(
            lost.contains_key(&evicted),
            "{evicted} was evicted, and nothing had happened to it: {lost:?}"
        );
    }
}

/// A task fails where its agent does, or where its executor was really lost.
pub(crate) fn check_failure(fleet: &Fleet, logged: &LoggedTask, turns: &BTreeMap<usize, &Turn>) {
    let task = logged.end();
    if task.status.state != TaskState::Failed || fleet.plan.calm {
        return;
    }
    let why = task.status.message.as_ref().and_then(Message::text).unwrap_or_default();
    let ends = logged.life.log.iter().rev().find(|entry| entry.record.is_terminal()).expect("it has ended");
    let executor = ends.before.map(|claim| claim.instance);
    let lost = fleet.lost.borrow();
    let is_lost =
        |executor: Option<InstanceId>| executor.is_some_and(|executor| lost.contains_key(&executor));
    let is_right = match why {
        "the server that ran the agent was lost"
        | "the agent was lost with its server each time it was started"
        | "the server could not go on with the task"
        | "the server stopped before the agent finished" => is_lost(executor),
        "the agent said nothing for too long" => {
            is_lost(executor) || turns.values().any(|turn| turn.text.contains("hang"))
        }
        // Also one that an outage held up.
        "the agent took too long" => {
            is_lost(executor) || turns.values().any(|turn| turn.text.contains(FOR_EVER))
        }
        _ => turns.values().any(|turn| turn.fails()),
    };
    assert!(
        is_right,
        "the task {} failed without need: {why:?}, executor {executor:?}, lost {lost:?}",
        logged.life.key
    );
}
