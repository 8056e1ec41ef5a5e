//! What clients saw, event by event, beside what was committed.

use std::time::Duration;

use a2a::{StreamResponse, Task};
use a2a_cluster::{EventIndex, Position};
use a2a_core::reduce;
use a2a_testworld::world::key;
use tokio::time::Instant;

use crate::archive::Life;
use crate::fleet::Fleet;
use crate::seen::{End, Seen, Until};

/// Where nothing goes wrong, a stream shows what was committed so soon.
const PROMPT: Duration = Duration::from_millis(300);

/// A task's life, and what the task was after each commit.
pub(crate) struct LoggedTask {
    pub(crate) life: Life,
    tasks: Vec<Task>,
}

/// One event that streams carry: in which commit, and when that was made.
pub(super) struct Shown<'a> {
    pub(super) event: &'a StreamResponse,
    pub(super) commit: usize,
    pub(super) at: Instant,
}

impl LoggedTask {
    pub(crate) fn of(life: Life) -> Self {
        let mut tasks: Vec<Task> = Vec::new();
        for entry in &life.log {
            let events = &entry.record.events;
            let task = match (tasks.last(), events.first()) {
                (None, Some(StreamResponse::Task(task))) => {
                    let mut task = task.clone();
                    events[1..].iter().for_each(|event| reduce::apply(&mut task, event));
                    task
                }
                (Some(before), _) => {
                    let mut task = before.clone();
                    events.iter().for_each(|event| reduce::apply(&mut task, event));
                    task
                }
                (None, _) => panic!("a log begins with a task: {events:?}"),
            };
            tasks.push(task);
        }
        LoggedTask { life, tasks }
    }

    /// The task as it is in the end.
    pub(crate) fn end(&self) -> &Task {
        self.tasks.last().expect("a life begins with a commit")
    }

    /// After how many commits the task was as this notification shows it.
    pub(super) fn commits_of(&self, event: &serde_json::Value) -> Option<usize> {
        let shows = |task: &Task| super::webhooks::json_of(&StreamResponse::Task(task.clone())) == *event;
        event.get("task").and_then(|_| self.tasks.iter().position(shows)).map(|n| n + 1)
    }

    pub(super) fn shown(&self) -> Vec<Shown<'_>> {
        let commits = self.life.log.iter().enumerate();
        let events = commits.flat_map(|(commit, entry)| {
            let events = entry.record.events.iter().filter(|event| reduce::is_streamed(event));
            events.map(move |event| Shown { event, commit, at: entry.at })
        });
        events.collect()
    }
}

/// Invariants 1, 3 and 4: a stream is a snapshot and then what was committed, event by event, up to its end.
pub(crate) fn check_stream(fleet: &Fleet, seen: &Seen, logged_tasks: &[LoggedTask]) {
    let Some(first) = seen.events.first() else { return };
    let StreamResponse::Task(first) = first else { panic!("a stream begins with a task: {:?}", seen.events) };
    let of_it = logged_tasks.iter().filter(|logged| logged.life.key.task_id == first.id);
    let found = of_it.clone().find_map(|logged| Some((logged, follow(fleet, seen, first, logged)?)));
    let Some((logged, committed)) = found else {
        let logs: Vec<_> = of_it.map(|logged| &logged.life.log).collect();
        panic!(
            "client {} saw what never happened, or not all of it, until {:?}, {:?}: {:#?}\nlogs: {logs:#?}",
            seen.client, seen.until, seen.end, seen.events
        );
    };
    check_positions(seen, logged);
    if seen.end == End::Complete {
        let last = seen.events.iter().rev().find_map(reduce::state_of).expect("a stream begins with a task");
        let over = match seen.until {
            Until::Now => true,
            Until::TurnEnds => reduce::ends_turn(last),
            Until::TaskEnds => last.is_terminal(),
        };
        assert!(over, "client {}: a stream ended in {last:?}", seen.client);
    }
    let is_spoilt = fleet.spoilt.borrow().contains_key(&key(&first.id));
    if fleet.plan.calm && !is_spoilt {
        check_promptness(seen, &committed);
    }
}

/// Follows a stream through a task's life. Gives for each event when it was committed, where it is one of the log.
fn follow(fleet: &Fleet, seen: &Seen, first: &Task, logged: &LoggedTask) -> Option<Vec<Option<Instant>>> {
    let shown = logged.shown();
    // Where the stream goes on after a task that was as these commits made it.
    let after = |task: &Task, from: usize| {
        let made = logged.tasks.iter().enumerate().filter(move |(_, made)| *made == task);
        let place = |commits| shown.iter().position(|shown| shown.commit >= commits).unwrap_or(shown.len());
        made.map(move |(n, _)| place(n + 1)).filter(move |place| *place >= from).collect::<Vec<_>>()
    };
    let creation = (shown.first().map(|shown| shown.event) == seen.events.first()).then_some(1);
    creation.into_iter().chain(after(first, 0)).find_map(|start| {
        let mut place = start;
        let mut committed = vec![None];
        for event in &seen.events[1..] {
            match event {
                _ if shown.get(place).is_some_and(|shown| shown.event == event) => {
                    committed.push(Some(shown[place].at));
                    place += 1;
                }
                // What is no longer kept one by one is shown as a whole.
                StreamResponse::Task(task) if fleet.terms.log.is_some() => {
                    committed.push(None);
                    place = *after(task, place).first()?;
                }
                _ => return None,
            }
        }
        let lacks = seen.end == End::Complete && seen.until == Until::TaskEnds && place < shown.len();
        (!lacks).then_some(committed)
    })
}

/// A position says which event of which commit it is, and how many events came with it: on whichever instance, live or
/// from the store, after however many take-overs. They grow, and no event is passed over.
fn check_positions(seen: &Seen, logged: &LoggedTask) {
    let mut before: Option<Position> = None;
    for (event, position) in seen.events.iter().zip(&seen.positions) {
        let Some(position) = *position else { continue };
        let commit = position.version.get() as usize - 1;
        let (earlier, log) = (&logged.life.log[..commit], &logged.life.log[commit].record.events);
        let behind = match position.index {
            EventIndex::At(index) => {
                assert_eq!(log.get(index as usize), Some(event), "an event stands where its position says");
                let follows = before.map_or(1, |before| before.generation.get() + 1);
                assert_eq!(
                    position.generation.get(),
                    follows,
                    "no event is passed over: {:?}",
                    seen.positions
                );
                &log[..=index as usize]
            }
            EventIndex::All => {
                let made = StreamResponse::Task(logged.tasks[commit].clone());
                assert_eq!(*event, made, "a snapshot stands behind the commit that its position names");
                &log[..]
            }
        };
        let events = earlier.iter().flat_map(|entry| &entry.record.events).chain(behind);
        let streamed = events.filter(|event| reduce::is_streamed(event)).count();
        assert_eq!(position.generation.get(), streamed as u64, "{position:?}");
        // Whoever comes back may be shown the same snapshot again.
        let is_again = position.index == EventIndex::All && before == Some(position);
        assert!(before < Some(position) || is_again, "positions grow: {:?}", seen.positions);
        before = Some(position);
    }
}

/// Whoever reads and waits has an event soon after it was committed: nobody has to ask the store after silence.
fn check_promptness(seen: &Seen, committed: &[Option<Instant>]) {
    for ((event, at), committed) in seen.events.iter().zip(&seen.at).zip(committed) {
        let (Some(at), Some(committed)) = (at, committed) else { continue };
        let late = at.saturating_duration_since((*committed).max(seen.opened));
        assert!(late <= PROMPT, "client {} saw after {late:?} only: {event:?}", seen.client);
    }
}
