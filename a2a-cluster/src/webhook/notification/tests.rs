use a2a::{Task, TaskState};

use super::super::sample_log::{chunk, drawn, log, status, task};
use super::*;

fn fold<'a>(events: impl IntoIterator<Item = &'a StreamResponse>) -> Task {
    let mut folded = task();
    events.into_iter().for_each(|event| reduce::apply(&mut folded, event));
    folded
}

/// All notifications of a log, from its beginning.
fn told(log: &[Arc<CommitRecord>], together: impl Fn(Cursor) -> Together) -> Vec<Notification> {
    let mut cursor = Cursor::after(Version::ABSENT);
    let mut told = Vec::new();
    loop {
        let rest = log.iter().filter(|record| record.version > cursor.version);
        match next(rest, cursor, together(cursor), WebhookDetail::Everything) {
            Ok(notification) => {
                assert!(notification.then > cursor);
                cursor = notification.then;
                told.push(notification);
            }
            Err(end) => {
                assert!(end.version == log.last().unwrap().version, "{end:?}");
                return told;
            }
        }
    }
}

#[test]
fn what_is_told_together_makes_the_same_task_and_leaves_no_number_out() {
    let mut merged = 0;
    for seed in 0..200 {
        let log = drawn(seed);
        let events: Vec<_> = log.iter().flat_map(|record| record.events.iter()).collect();
        let streamed = events.iter().filter(|event| reduce::is_streamed(event)).count() as u64;
        let whole = fold(events.iter().copied().filter(|event| reduce::is_streamed(event)));
        for together in [
            (|_| Together::Nothing) as fn(Cursor) -> Together,
            |_| Together::ACommit,
            |cursor| Together::Until(Version::new((cursor.version.get() / 16 + 1) * 16)),
            |_| Together::Until(Version::new(1000)),
        ] {
            let told = told(&log, together);
            let mut number = 0;
            for notification in &told {
                assert_eq!(notification.first.get(), number + 1, "seed {seed}");
                assert!(notification.last >= notification.first);
                number = notification.last.get();
                merged += usize::from(notification.is_merged());
            }
            assert_eq!(number, streamed, "seed {seed}");
            assert_eq!(fold(told.iter().map(|told| &told.event)), whole, "seed {seed}");
        }
    }
    assert!(merged > 1000, "{merged}");
}

#[test]
fn an_event_has_the_same_numbers_wherever_one_begins_within_its_commit() {
    let log = log(vec![
        vec![StreamResponse::Task(task()), status(TaskState::Working)],
        vec![chunk("a", "0", false, false), chunk("a", "1", true, false), chunk("a", "2", true, true)],
    ]);
    let cursor = Cursor { version: Version::new(1), events: 1 };
    let two = next(&log[1..], cursor, Together::ACommit, WebhookDetail::Everything).unwrap();
    assert_eq!((two.first.get(), two.last.get(), two.then), (4, 5, Cursor::after(Version::new(2))));
    let one = next(&log[1..], cursor, Together::Nothing, WebhookDetail::Everything).unwrap();
    assert_eq!((one.first.get(), one.last.get()), (4, 4));
    assert_eq!(one.then, Cursor { version: Version::new(1), events: 2 });
}

#[test]
fn chunks_that_say_more_than_parts_and_very_heavy_ones_are_told_alone() {
    let mut named = chunk("a", "1", true, false);
    if let StreamResponse::ArtifactUpdate(update) = &mut named {
        update.artifact.description = Some("new".into());
    }
    let heavy = "x".repeat(MOST_TOGETHER);
    for second in [
        named,
        chunk("b", "1", true, false),
        chunk("a", "1", false, false),
        chunk("a", &heavy, true, false),
        status(TaskState::Working),
    ] {
        let log = log(vec![vec![chunk("a", "0", false, false)], vec![second.clone()]]);
        let told = told(&log, |_| Together::Until(Version::new(9)));
        assert_eq!(told.len(), 2, "{second:?}");
    }
    let closed = log(vec![vec![chunk("a", "0", false, true)], vec![chunk("a", "1", true, false)]]);
    assert_eq!(told(&closed, |_| Together::Until(Version::new(9))).len(), 2);
}

#[test]
fn only_what_is_wanted_is_told() {
    let log = log(vec![
        vec![StreamResponse::Task(task()), status(TaskState::Working)],
        vec![chunk("a", "0", false, false), chunk("a", "1", true, true)],
        vec![chunk("a", "2", true, false), status(TaskState::Completed)],
    ]);
    let numbers = |detail| {
        let mut cursor = Cursor::after(Version::ABSENT);
        let mut numbers = Vec::new();
        while let Ok(told) = next(
            log.iter().filter(|record| record.version > cursor.version),
            cursor,
            Together::ACommit,
            detail,
        ) {
            cursor = told.then;
            numbers.push(told.last.get());
        }
        numbers
    };
    assert_eq!(numbers(WebhookDetail::States), [1, 2, 6]);
    assert_eq!(numbers(WebhookDetail::ArtifactEnds), [1, 2, 4, 6]);
    assert_eq!(numbers(WebhookDetail::Everything), [1, 2, 4, 5, 6]);
}
