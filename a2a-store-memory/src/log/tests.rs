//! What a log keeps, what it forgets, and that reading changes neither.

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::Generation;
use a2a_testkit::sample::{at, chunk, commit_id, message, status, task};
use proptest::prelude::*;

use super::*;

fn record(version: u64, events: Vec<StreamResponse>) -> Arc<CommitRecord> {
    Arc::new(CommitRecord {
        version: Version::new(version),
        generation: Generation::new(version),
        id: commit_id(),
        events,
    })
}

fn begin() -> (Task, Log) {
    let task = task("t", "c", TaskState::Working, at(0));
    let first = record(1, vec![StreamResponse::Task(task.clone())]);
    (task, Log::new(first))
}

fn versions(log: &Log, after: u64) -> Option<Vec<u64>> {
    let records = log.after(Version::new(after))?;
    Some(records.iter().map(|record| record.version.get()).collect())
}

#[test]
fn the_number_of_commits_has_a_bound() {
    let (task, mut log) = begin();
    for version in 2..=10 {
        log.push(
            record(version, vec![chunk(&task, "a", vec![Part::text("x")], true)]),
            &MemoryStoreConfig::default().log_commits(3),
        );
    }
    assert_eq!(versions(&log, 7), Some(vec![8, 9, 10]));
    assert_eq!(versions(&log, 6), None);
    assert_eq!(versions(&log, 10), Some(vec![]));
    assert_eq!(versions(&log, 11), Some(vec![]));
}

#[test]
fn the_size_of_commits_has_a_bound() {
    let (task, mut log) = begin();
    let config = MemoryStoreConfig::default().log_bytes(25_000);
    for version in 2..=10 {
        let large = vec![Part::text("x".repeat(10_000))];
        log.push(record(version, vec![chunk(&task, "a", large, true)]), &config);
    }
    assert_eq!(versions(&log, 8), Some(vec![9, 10]));
    assert_eq!(versions(&log, 7), None);
}

#[test]
fn the_last_commit_is_kept_whatever_the_bounds() {
    let (task, mut log) = begin();
    let last = record(2, vec![chunk(&task, "a", vec![Part::text("x")], false)]);
    log.push(Arc::clone(&last), &MemoryStoreConfig::default().log_commits(0).log_bytes(0));
    assert_eq!(log.last_id(), Some(last.id));
    assert_eq!(versions(&log, 1), Some(vec![2]));
}

#[test]
fn what_was_read_does_not_change() {
    let (task, mut log) = begin();
    let read = log.task().unwrap();
    log.push(record(2, vec![status(&task, TaskState::Completed, at(1))]), &MemoryStoreConfig::default());
    assert_eq!(log.task().unwrap().status.state, TaskState::Completed);
    assert_eq!(read.status.state, TaskState::Working);
}

#[test]
fn no_commit_copies_the_task() {
    let (task, mut log) = begin();
    let before = Arc::as_ptr(&log.task().unwrap());
    for version in 2..=100 {
        let event = chunk(&task, "a", vec![Part::text("x")], true);
        log.push(record(version, vec![event]), &MemoryStoreConfig::default().log_commits(3));
    }
    assert_eq!(Arc::as_ptr(&log.task().unwrap()), before);
}

#[derive(Debug, Clone)]
enum Step {
    Chunk(bool),
    Say,
    State(TaskState),
    Read,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => any::<bool>().prop_map(Step::Chunk),
        2 => Just(Step::Say),
        2 => Just(Step::State(TaskState::InputRequired)),
        1 => Just(Step::State(TaskState::Failed)),
        3 => Just(Step::Read),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    #[test]
    fn it_does_not_matter_when_a_task_is_read(steps in steps(), kept in 0_usize..6) {
        let config = MemoryStoreConfig::default().log_commits(kept);
        let (mut model, mut log) = begin();
        for step in steps {
            let version = log.tip().version.next().get();
            let event = match step {
                Step::Chunk(append) => chunk(&model, "a", vec![Part::text(version.to_string())], append),
                Step::Say => message(&model, &version.to_string(), vec![Part::text("hello")]),
                Step::State(state) => status(&model, state, at(version as i64)),
                Step::Read => {
                    prop_assert_eq!(&*log.task().unwrap(), &model);
                    continue;
                }
            };
            reduce::apply(&mut model, &event);
            log.push(record(version, vec![event]), &config);
        }
        prop_assert_eq!(&*log.task().unwrap(), &model);
    }
}
