//! Queries, positions and the tokens that name them.

use proptest::prelude::*;

use super::*;
use crate::samples::{document, says, task};

fn query() -> TaskQuery {
    TaskQuery::new(Tenant::new("acme"), Some(Principal::new("ann")), 50)
}

proptest! {
    #[test]
    fn a_token_names_its_position(micros in 0_i64..4_102_444_800_000_000, id in ".*", total: u64) {
        let timestamp = DateTime::from_timestamp_micros(micros).unwrap();
        let cursor = Cursor { timestamp, task_id: id };
        let token = PageToken::new(&query(), &cursor, total).into_string();
        prop_assert_eq!(PageToken::parse(&query(), &token), Ok((cursor, total)));
    }

    #[test]
    fn foreign_text_is_no_token(text in ".*") {
        prop_assert_eq!(PageToken::parse(&query(), &text), Err(BadPageToken));
    }
}

#[test]
fn a_token_fits_only_its_own_query() {
    let cursor = Cursor { timestamp: DateTime::UNIX_EPOCH, task_id: "t".into() };
    let token = PageToken::new(&query(), &cursor, 3).into_string();
    let other = |change: fn(&mut TaskQuery)| {
        let mut query = query();
        change(&mut query);
        PageToken::parse(&query, &token)
    };
    assert_eq!(other(|q| q.limit = 7), Ok((cursor.clone(), 3)));
    assert_eq!(other(|q| q.tenant = Tenant::new("other")), Err(BadPageToken));
    assert_eq!(other(|q| q.principal = None), Err(BadPageToken));
    assert_eq!(other(|q| q.context_id = Some("c".into())), Err(BadPageToken));
    assert_eq!(other(|q| q.state = Some(TaskState::Working)), Err(BadPageToken));
    assert_eq!(other(|q| q.updated_since = Some(DateTime::UNIX_EPOCH)), Err(BadPageToken));
}

fn dated(id: &str, millis: i64) -> Task {
    let mut task = Task { id: id.to_owned(), ..task(TaskState::Working) };
    task.status.timestamp = DateTime::from_timestamp_millis(millis);
    task
}

#[test]
fn a_position_precedes_older_tasks_and_smaller_ids_of_the_same_time() {
    let cursor = Cursor::of(&dated("m", 5));
    let precedes = |id, millis| cursor.precedes(&dated(id, millis));
    assert!(precedes("z", 4) && precedes("l", 5) && precedes("", 5));
    assert!(!precedes("m", 5) && !precedes("n", 5) && !precedes("a", 6));
}

#[test]
fn a_query_matches_by_context_state_and_time() {
    let matches = |change: fn(&mut TaskQuery)| {
        let mut query = query();
        change(&mut query);
        query.matches(&dated("t", 5))
    };
    assert!(matches(|_| ()));
    assert!(matches(|q| q.context_id = Some("context".into())));
    assert!(!matches(|q| q.context_id = Some(String::new())));
    assert!(matches(|q| q.state = Some(TaskState::Working)));
    assert!(!matches(|q| q.state = Some(TaskState::Completed)));
    assert!(matches(|q| q.updated_since = DateTime::from_timestamp_millis(5)));
    assert!(!matches(|q| q.updated_since = DateTime::from_timestamp_micros(5_001)));
}

#[test]
fn a_task_is_cut_down_to_what_the_query_asks_for() {
    let full = Task {
        artifacts: Some(vec![document("a", "x")]),
        history: Some(vec![says("one", "1"), says("two", "2")]),
        ..task(TaskState::Working)
    };
    let trimmed = |task: &Task, history, artifacts| {
        let mut task = task.clone();
        TaskQuery { history, artifacts, ..query() }.trim(&mut task);
        task
    };
    assert_eq!(trimmed(&full, None, true), full);
    assert_eq!(trimmed(&full, None, false), Task { artifacts: None, ..full.clone() });
    assert_eq!(trimmed(&full, Some(1), true).history, Some(vec![says("two", "2")]));
    assert_eq!(trimmed(&full, Some(0), true).history, None);

    // Asked for and none there is an empty list, not an absent one.
    assert_eq!(trimmed(&task(TaskState::Working), None, true).artifacts, Some(vec![]));
}
