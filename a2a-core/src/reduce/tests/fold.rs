//! Folding a log's entries.

use super::*;
use crate::fold;
use crate::samples::{document, record, says};
use crate::{BackendError, CommitRecord};

fn log() -> [CommitRecord; 4] {
    [
        record(
            1,
            vec![StreamResponse::Task(task(TaskState::Submitted)), status_update(TaskState::Working, None)],
        ),
        record(2, vec![]),
        record(3, vec![artifact_update(document("a", "x"), None)]),
        record(4, vec![status_update(TaskState::Completed, Some(says("done", ".")))]),
    ]
}

#[test]
fn a_log_begins_with_the_whole_task() {
    let task = fold(None, &log()).unwrap().unwrap();
    assert_eq!(task.status.state, TaskState::Completed);
    assert_eq!(texts(&task, "a"), ["x"]);
}

#[test]
fn an_empty_log_is_no_task() {
    assert_eq!(fold(None, &[]).unwrap(), None);
    assert_eq!(fold(None, &[record(1, vec![])]).unwrap(), None);
}

#[test]
fn a_log_that_begins_otherwise_is_corrupt() {
    let tail = &log()[1..];
    assert!(matches!(fold(None, tail), Err(BackendError::Corrupt { .. })));
}

#[test]
fn a_record_tells_the_state_that_its_last_status_set() {
    let [first, idle, artifact, last] = log();
    assert_eq!(first.state(), Some(&TaskState::Working));
    assert_eq!((idle.state(), artifact.state()), (None, None));
    assert_eq!(last.state(), Some(&TaskState::Completed));
    assert_eq!([&first, &idle, &artifact, &last].map(CommitRecord::is_terminal), [false, false, false, true]);
}
