use a2a::{TaskArtifactUpdateEvent, TaskStatus, TaskStatusUpdateEvent};
use a2a_core::{CommitId, Generation, SystemEnv, Version};

use super::*;

fn status(state: TaskState, second: i64) -> TaskStatus {
    TaskStatus { state, message: None, timestamp: DateTime::from_timestamp(second, 0) }
}

fn created() -> Task {
    Task {
        id: "t".into(),
        context_id: "c".into(),
        status: status(TaskState::Working, 1),
        artifacts: None,
        history: None,
        metadata: None,
    }
}

fn part(number: u32) -> StreamResponse {
    StreamResponse::ArtifactUpdate(TaskArtifactUpdateEvent {
        task_id: "t".into(),
        context_id: "c".into(),
        artifact: Artifact {
            artifact_id: "out".into(),
            name: None,
            description: None,
            parts: vec![Part::text(format!("{number:06}|{number}|xx"))],
            metadata: None,
            extensions: None,
        },
        append: (number > 1).then_some(true),
        last_chunk: None,
        metadata: None,
    })
}

fn end() -> StreamResponse {
    StreamResponse::StatusUpdate(TaskStatusUpdateEvent {
        task_id: "t".into(),
        context_id: "c".into(),
        status: status(TaskState::Completed, 9),
        metadata: None,
    })
}

/// Three parts and the end, in two commits.
fn log() -> Vec<Arc<CommitRecord>> {
    let commits = [vec![StreamResponse::Task(created()), part(1)], vec![part(2), part(3), end()]];
    let record = |(at, events)| {
        Arc::new(CommitRecord {
            version: Version::new(at),
            id: CommitId::generate(&SystemEnv),
            generation: Generation::NONE,
            events,
        })
    };
    (1..).zip(commits).map(record).collect()
}

/// The task after so many events.
fn task(events: usize) -> StreamResponse {
    let mut task = created();
    [part(1), part(2), part(3), end()].iter().take(events).for_each(|event| reduce::apply(&mut task, event));
    StreamResponse::Task(task)
}

fn counted(connections: &[&[StreamResponse]]) -> Findings {
    TaskLog::of(&log()).unwrap().audit(connections.iter().copied())
}

fn wrong(findings: Findings) -> [usize; 3] {
    [findings.missing, findings.doubled, findings.strange]
}

#[test]
fn a_log_says_how_many_events_there_are_and_what_became_of_the_task() {
    let log = TaskLog::of(&log()).unwrap();
    assert_eq!((log.events(), &log.task().status.state), (4, &TaskState::Completed));
    assert_eq!(log.place_of(&part(3)), Some(2));
}

#[test]
fn whole_streams_are_right_in_one_piece_reconnected_and_resumed() {
    let whole = counted(&[&[task(0), part(1), part(2), part(3), end()]]);
    assert_eq!((whole.is_right(), whole.committed, whole.received), (true, 4, 4));
    assert!(counted(&[&[task(0), part(1)], &[task(1), part(2)], &[task(4)]]).is_right());
    assert!(counted(&[&[task(0), part(1)], &[part(2), part(3)], &[end()]]).is_right());
    // Joined late: what was before is in the snapshot.
    let late = counted(&[&[task(3), end()]]);
    assert_eq!((late.is_right(), late.committed, late.received), (true, 1, 1));
}

#[test]
fn gaps_are_missing_wherever_they_are() {
    assert_eq!(wrong(counted(&[&[task(0), part(1), part(3), end()]])), [1, 0, 0]);
    assert_eq!(wrong(counted(&[&[task(0), part(1)], &[part(3), end()]])), [1, 0, 0]);
    assert_eq!(wrong(counted(&[&[task(0), part(1)]])), [3, 0, 0]);
    assert_eq!(wrong(counted(&[])), [4, 0, 0]);
}

#[test]
fn repeats_are_doubled_wherever_they_come_from() {
    assert_eq!(wrong(counted(&[&[task(0), part(1), part(1), part(2), part(3), end()]])), [0, 1, 0]);
    assert_eq!(wrong(counted(&[&[task(0), part(1), part(2)], &[part(2), part(3), end()]])), [0, 1, 0]);
    assert_eq!(wrong(counted(&[&[task(1), part(1), part(2), part(3), end()]])), [0, 1, 0]);
    // A snapshot from before what the client had.
    assert_eq!(wrong(counted(&[&[task(0), part(1), part(2)], &[task(1), part(3), end()]])), [0, 1, 0]);
}

#[test]
fn what_nobody_committed_is_strange() {
    assert_eq!(wrong(counted(&[&[task(0), part(1), part(2), part(7), part(3), end()]])), [0, 0, 1]);
    let StreamResponse::Task(mut never) = task(1) else { panic!("not a task") };
    never.status.state = TaskState::InputRequired;
    let never = StreamResponse::Task(never);
    assert_eq!(wrong(counted(&[&[task(0), part(1)], &[never], &[task(4)]])), [0, 0, 1]);
}

#[test]
fn what_comes_after_the_end_is_never_right() {
    let whole = [task(0), part(1), part(2), part(3), end()];
    for more in [part(3), end(), part(4)] {
        let told: Vec<_> = whole.iter().cloned().chain([more]).collect();
        assert!(!counted(&[&told]).is_right_so_far());
    }
}

#[test]
fn another_order_is_a_gap_and_a_repeat() {
    assert_eq!(wrong(counted(&[&[task(0), part(2), part(1), part(3), end()]])), [1, 1, 0]);
}

#[test]
fn a_snapshot_amid_a_connection_is_counted_and_its_texts_are_compared() {
    let restarted = counted(&[&[task(0), part(1), task(3), end()]]);
    assert_eq!((restarted.is_right(), restarted.restarted), (true, 1));
    let StreamResponse::Task(mut other) = task(1) else { panic!("not a task") };
    other.artifacts.as_mut().unwrap()[0].parts = vec![Part::text("other")];
    let other = StreamResponse::Task(other);
    assert_eq!(
        counted(&[&[other, part(2), part(3), end()]]).strange,
        4,
        "nothing is right before a snapshot is"
    );
}
