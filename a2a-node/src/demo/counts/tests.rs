use std::sync::Arc;

use a2a::{TaskState, TaskStatus};
use a2a_core::SystemEnv;
use a2a_server::AgentExecutor;
use futures::StreamExt;

use super::*;
use crate::agent::BuiltIn;
use crate::agent::tests::saying;

const PERFECT: Counts = Counts { committed: 6, received: 6, missing: 0, duplicated: 0, out_of_order: 0 };

/// The log of a task that streams four chunks: created, WORKING, the chunks, COMPLETED.
async fn log() -> Vec<StreamResponse> {
    let agent = BuiltIn::new(Arc::new(SystemEnv));
    let events = agent.execute(saying("stream 4 0")).map(Result::unwrap);
    futures::stream::iter([StreamResponse::Task(created())]).chain(events).collect().await
}

fn created() -> Task {
    Task {
        id: "t".into(),
        context_id: "c".into(),
        status: TaskStatus { state: TaskState::Submitted, message: None, timestamp: None },
        artifacts: None,
        history: None,
        metadata: None,
    }
}

/// The task after the first `events` of its log.
fn snapshot(log: &[StreamResponse], events: usize) -> StreamResponse {
    let mut task = created();
    log[1..events].iter().for_each(|event| reduce::apply(&mut task, event));
    StreamResponse::Task(task)
}

#[tokio::test]
async fn a_stream_that_got_everything_is_perfect() {
    let log = log().await;
    assert_eq!(Counts::of(&log, &log), PERFECT);
    assert!(PERFECT.is_perfect());
}

#[tokio::test]
async fn a_stream_owes_only_what_came_after_its_snapshot() {
    let log = log().await;
    for joined in 1..=log.len() {
        let mut stream = vec![snapshot(&log, joined)];
        stream.extend_from_slice(&log[joined..]);
        let counts = Counts::of(&log, &stream);
        assert!(counts.is_perfect(), "{counts:?}");
        assert_eq!(counts.committed, log.len() - joined);
    }
}

#[tokio::test]
async fn every_lost_event_is_missing() {
    let log = log().await;
    for lost in 1..log.len() {
        let mut stream = log.clone();
        stream.remove(lost);
        let counts = Counts::of(&log, &stream);
        assert_eq!(counts, Counts { received: 5, missing: 1, ..PERFECT }, "without event {lost}");
        assert!(!counts.is_perfect());
    }
}

#[tokio::test]
async fn every_repeated_event_is_duplicated() {
    let log = log().await;
    for again in 1..log.len() {
        for at in again..=log.len() {
            let mut stream = log.clone();
            stream.insert(at, log[again].clone());
            let counts = Counts::of(&log, &stream);
            assert_eq!(
                counts,
                Counts { received: 7, duplicated: 1, ..PERFECT },
                "event {again} again at {at}"
            );
            assert!(!counts.is_perfect());
        }
    }
}

#[tokio::test]
async fn two_swapped_events_are_out_of_order() {
    let log = log().await;
    for early in 2..log.len() {
        let mut stream = log.clone();
        stream.swap(early - 1, early);
        let counts = Counts::of(&log, &stream);
        assert_eq!(counts, Counts { out_of_order: 1, ..PERFECT });
        assert!(!counts.is_perfect());
    }
}

#[tokio::test]
async fn an_event_that_the_snapshot_already_told_is_duplicated() {
    let log = log().await;
    let mut stream = vec![snapshot(&log, 4)];
    stream.extend_from_slice(&log[3..]);
    let counts = Counts::of(&log, &stream);
    assert_eq!((counts.committed, counts.duplicated, counts.missing), (3, 1, 0));
}

#[tokio::test]
async fn a_stream_without_a_true_snapshot_misses_it() {
    let log = log().await;
    let without = Counts::of(&log, &log[1..]);
    assert_eq!(without, Counts { missing: 1, ..PERFECT });

    let StreamResponse::Task(mut wrong) = snapshot(&log, 4) else { panic!() };
    wrong.artifacts.as_mut().unwrap()[0].parts.swap(0, 1);
    let stream: Vec<_> = [StreamResponse::Task(wrong)].into_iter().chain(log[1..].to_vec()).collect();
    assert_eq!(Counts::of(&log, &stream), Counts { missing: 1, ..PERFECT });
}

#[tokio::test]
async fn a_second_snapshot_or_an_event_of_nobody_is_too_much() {
    let log = log().await;
    let mut stream = log.clone();
    stream.insert(3, snapshot(&log, 3));
    assert_eq!(Counts::of(&log, &stream).duplicated, 1);
}

#[tokio::test]
async fn a_stream_that_brought_nothing_misses_everything() {
    let log = log().await;
    let counts = Counts::of(&log, &[]);
    assert_eq!(counts, Counts { committed: 6, received: 0, missing: 7, duplicated: 0, out_of_order: 0 });
    assert!(!Counts::of(&[], &[]).is_perfect(), "no log is no success");
}
