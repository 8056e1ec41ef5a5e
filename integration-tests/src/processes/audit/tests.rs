use a2a::{StreamResponse, Task, TaskArtifactUpdateEvent, TaskState, TaskStatus, TaskStatusUpdateEvent};
use a2a_core::{CommitId, Generation, SystemEnv, Version};

use super::*;
use crate::processes::listener::{Heard, Hop};

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

fn counted(hops: &[&[StreamResponse]]) -> Count {
    let heard = |event: &StreamResponse| Heard { event: event.clone(), at: DateTime::UNIX_EPOCH };
    let hops = hops.iter().map(|events| Hop { events: events.iter().map(heard).collect() }).collect();
    let recording = Recording { task: "t".into(), hops, ..Recording::default() };
    Script::of(&log()).unwrap().count(&recording)
}

fn wrong(count: Count) -> [usize; 3] {
    [count.missing, count.doubled, count.strange]
}

#[test]
fn a_log_says_how_many_events_there_are_and_what_became_of_the_task() {
    let script = Script::of(&log()).unwrap();
    assert_eq!(
        (script.events(), script.state(), script.chunks()),
        (4, &TaskState::Completed, &[1, 2, 3][..])
    );
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
