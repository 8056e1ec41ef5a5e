//! Positions in the list indexes: the state, then the status time and the task id in an order that text keeps.
//!
//! Each state is a range of its own. A list of one state reads one range, a list of all of them merges nine;
//! and a change of status moves an item within its two indexes, whatever lists may ask for.

use a2a::{Task, TaskState};
use a2a_core::{BackendError, Cursor, Result};
use chrono::{DateTime, Utc};

/// Every state, and the name under which it is stored.
const STATES: [(TaskState, &str); 9] = [
    (TaskState::Unspecified, "UNSPECIFIED"),
    (TaskState::Submitted, "SUBMITTED"),
    (TaskState::Working, "WORKING"),
    (TaskState::Completed, "COMPLETED"),
    (TaskState::Failed, "FAILED"),
    (TaskState::Canceled, "CANCELED"),
    (TaskState::InputRequired, "INPUT_REQUIRED"),
    (TaskState::Rejected, "REJECTED"),
    (TaskState::AuthRequired, "AUTH_REQUIRED"),
];

/// Makes every time that chrono knows a positive number of seconds of 14 digits.
const EPOCH: i64 = 10_000_000_000_000;

/// Returns the stored name of a state.
pub(crate) fn name_of(state: &TaskState) -> &'static str {
    STATES.iter().find(|(known, _)| known == state).map_or("UNSPECIFIED", |(_, name)| name)
}

/// Returns the state with this stored name.
pub(crate) fn state_named(name: &str) -> Result<TaskState> {
    STATES
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(state, _)| state.clone())
        .ok_or_else(|| BackendError::corrupt("the name of a state"))
}

/// The states that a filter lets pass.
pub(crate) fn states(filter: Option<&TaskState>) -> Vec<TaskState> {
    match filter {
        Some(state) => vec![state.clone()],
        None => STATES.iter().map(|(state, _)| state.clone()).collect(),
    }
}

/// The position of a task.
pub(crate) fn position(task: &Task) -> String {
    at(&task.status.state, &Cursor::of(task))
}

/// The position that a task in this state has at a cursor.
pub(crate) fn at(state: &TaskState, cursor: &Cursor) -> String {
    format!("{}{}", since(state, cursor.timestamp), cursor.task_id)
}

/// The first position of a state at a time.
pub(crate) fn since(state: &TaskState, time: DateTime<Utc>) -> String {
    let seconds = time.timestamp().saturating_add(EPOCH);
    format!("{}#{seconds:014}.{:09}#", name_of(state), time.timestamp_subsec_nanos())
}

/// What the positions of a state come before.
pub(crate) fn end(state: &TaskState) -> String {
    // The sign after `#` in the order of bytes.
    format!("{}$", name_of(state))
}

/// What the positions of a state begin with.
pub(crate) fn begin(state: &TaskState) -> String {
    format!("{}#", name_of(state))
}

/// Reads a position back.
pub(crate) fn cursor(position: &str) -> Result<Cursor> {
    let parsed = || {
        let (_, rest) = position.split_once('#')?;
        let (time, task_id) = rest.split_once('#')?;
        let (seconds, nanos) = time.split_once('.')?;
        let seconds = seconds.parse::<i64>().ok()?.checked_sub(EPOCH)?;
        let timestamp = DateTime::from_timestamp(seconds, nanos.parse().ok()?)?;
        Some(Cursor { timestamp, task_id: task_id.to_owned() })
    };
    parsed().ok_or_else(|| BackendError::corrupt("a position in an index"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursors() -> impl Strategy<Value = Cursor> {
        (-8_000_000_000_000_i64..8_000_000_000_000, 0_u32..1_000_000_000, ".*").prop_map(
            |(seconds, nanos, id)| Cursor {
                timestamp: DateTime::from_timestamp(seconds, nanos).unwrap(),
                task_id: id,
            },
        )
    }

    proptest! {
        #[test]
        fn positions_sort_like_times_and_ids(a in cursors(), b in cursors()) {
            let state = TaskState::Working;
            let expected = (a.timestamp, &a.task_id).cmp(&(b.timestamp, &b.task_id));
            prop_assert_eq!(at(&state, &a).cmp(&at(&state, &b)), expected);
        }

        #[test]
        fn a_position_reads_back_and_lies_in_its_state(a in cursors()) {
            for state in states(None) {
                let position = at(&state, &a);
                prop_assert_eq!(&cursor(&position).unwrap(), &a);
                prop_assert!(begin(&state) <= position && position < end(&state));
                prop_assert!(since(&state, a.timestamp) <= position);
            }
        }
    }

    #[test]
    fn every_state_has_a_name_of_its_own() {
        for state in states(None) {
            assert_eq!(state_named(name_of(&state)).unwrap(), state);
        }
        assert!(state_named("HAPPY").is_err());
    }
}
