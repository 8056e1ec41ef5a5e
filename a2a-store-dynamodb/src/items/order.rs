//! Positions in the list indexes: the range of the state, then the status time and the task id in an order that text
//! keeps.
//!
//! States that last make a range each, so that a list of one state reads no other's tasks; those of a running turn share
//! one, for few tasks are in them at a time. A list of one state reads one range, a list of all merges them; and a change
//! of status moves an item within its two indexes, whatever lists may ask for.

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

/// States whose tasks lie together in an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    /// The turn goes on.
    Active,
    InputRequired,
    AuthRequired,
    Completed,
    Failed,
    Canceled,
    Rejected,
}

impl Range {
    pub(crate) const ALL: [Range; 7] = [
        Range::Active,
        Range::InputRequired,
        Range::AuthRequired,
        Range::Completed,
        Range::Failed,
        Range::Canceled,
        Range::Rejected,
    ];

    /// The range of a state.
    pub(crate) fn of(state: &TaskState) -> Self {
        match state {
            TaskState::Unspecified | TaskState::Submitted | TaskState::Working => Range::Active,
            TaskState::InputRequired => Range::InputRequired,
            TaskState::AuthRequired => Range::AuthRequired,
            TaskState::Completed => Range::Completed,
            TaskState::Failed => Range::Failed,
            TaskState::Canceled => Range::Canceled,
            TaskState::Rejected => Range::Rejected,
        }
    }

    /// The ranges that a filter lets pass.
    pub(crate) fn passing(filter: Option<&TaskState>) -> Vec<Self> {
        filter.map_or_else(|| Range::ALL.to_vec(), |state| vec![Range::of(state)])
    }

    /// What its positions, and the names of its partitions, begin with.
    pub(crate) fn letter(self) -> char {
        match self {
            Range::Active => 'A',
            Range::InputRequired => 'I',
            Range::AuthRequired => 'U',
            Range::Completed => 'C',
            Range::Failed => 'F',
            Range::Canceled => 'X',
            Range::Rejected => 'R',
        }
    }

    /// The position that a task in this range has at a cursor.
    pub(crate) fn at(self, cursor: &Cursor) -> String {
        format!("{}{}", self.since(cursor.timestamp), cursor.task_id)
    }

    /// The first position at a time.
    pub(crate) fn since(self, time: DateTime<Utc>) -> String {
        let seconds = time.timestamp().saturating_add(EPOCH);
        format!("{}#{seconds:014}.{:09}#", self.letter(), time.timestamp_subsec_nanos())
    }

    /// What all positions come before.
    pub(crate) fn end(self) -> String {
        // The sign after `#` in the order of bytes.
        format!("{}$", self.letter())
    }

    /// What all positions begin with.
    pub(crate) fn begin(self) -> String {
        format!("{}#", self.letter())
    }
}

/// The position of a task.
pub(crate) fn position(task: &Task) -> String {
    Range::of(&task.status.state).at(&Cursor::of(task))
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
            let expected = (a.timestamp, &a.task_id).cmp(&(b.timestamp, &b.task_id));
            prop_assert_eq!(Range::Active.at(&a).cmp(&Range::Active.at(&b)), expected);
        }

        #[test]
        fn a_position_reads_back_and_lies_in_its_range(a in cursors()) {
            for range in Range::ALL {
                let position = range.at(&a);
                prop_assert_eq!(&cursor(&position).unwrap(), &a);
                prop_assert!(range.begin() <= position && position < range.end());
                prop_assert!(range.since(a.timestamp) <= position);
            }
        }
    }

    #[test]
    fn every_state_has_a_name_of_its_own_and_a_range() {
        for (state, name) in STATES {
            assert_eq!(state_named(name).unwrap(), state);
            assert_eq!(name_of(&state), name);
            assert!(Range::passing(None).contains(&Range::of(&state)));
        }
        assert!(state_named("HAPPY").is_err());
    }

    #[test]
    fn no_two_ranges_share_a_letter() {
        let letters: std::collections::HashSet<char> = Range::ALL.map(Range::letter).into();
        assert_eq!(letters.len(), Range::ALL.len());
    }
}
