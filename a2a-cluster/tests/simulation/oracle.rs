//! What must be true in the end: ARCHITECTURE's invariants, checked against the store's whole log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use a2a::{Role, StreamResponse, Task, TaskState};
use a2a_core::{CommitRecord, Membership, Replay, TaskKey, TaskQuery, TaskStore, Tenant, Version, reduce};
use a2a_testkit::Trace;

use crate::client::{End, Seen};
use crate::fleet::Fleet;
use crate::record::{self, Turn, turn_of, turns_of};

/// Checks everything; panics at the first thing that is wrong.
pub(crate) async fn check(fleet: &Fleet, seen: &[Seen], trace: &Trace) {
    let tasks = all_tasks(fleet).await;
    let turns = fleet.record.turns();
    let mut logs = BTreeMap::new();
    for task in &tasks {
        let key = TaskKey::new(Tenant::default(), task.id.clone());
        let log = log(fleet, &key).await;
        check_log(task, &log);
        check_owner(fleet, &key).await;
        let turns = turns_of(&turns, &task.id);
        let heard = check_record(&log, &turns);
        if fleet.plan.calm {
            check_calm(task, &turns, &heard);
        }
        trace.note(format_args!("a task of {} commits is {:?}", log.len(), task.status.state));
        logs.insert(task.id.clone(), log);
    }
    check_messages(&tasks);
    if fleet.plan.calm {
        assert_eq!(fleet.refusals.get(), 0, "where nothing goes wrong, nobody is told to come again");
    }
    for seen in seen {
        if let Some(StreamResponse::Task(first)) = seen.events.first() {
            check_stream(seen, first, logs.get(&first.id).expect("only tasks that exist are shown"));
        } else {
            assert!(seen.events.is_empty(), "a stream begins with a task: {:?}", seen.events);
        }
    }
}

async fn all_tasks(fleet: &Fleet) -> Vec<Task> {
    let mut query = TaskQuery::new(Tenant::default(), None, 100);
    query.artifacts = true;
    let page = fleet.store.list(&query).await.expect("the memory store reads");
    assert_eq!(page.total, page.tasks.len() as u64);
    page.tasks
}

async fn log(fleet: &Fleet, key: &TaskKey) -> Vec<Arc<CommitRecord>> {
    match fleet.store.commits_after(key, Version::ABSENT).await.expect("the memory store reads") {
        Replay::Commits(commits) => commits,
        Replay::Snapshot(_) => panic!("the simulation's store keeps all commits"),
    }
}

/// Invariants 2 and 6: no hole in the versions, nothing after a terminal state; the task is its log's fold.
fn check_log(task: &Task, log: &[Arc<CommitRecord>]) {
    for (n, record) in log.iter().enumerate() {
        assert_eq!(record.version.get(), n as u64 + 1, "versions have no holes");
    }
    let events: Vec<_> = log.iter().flat_map(|record| &record.events).collect();
    let terminal =
        events.iter().position(|event| reduce::state_of(event).is_some_and(a2a::TaskState::is_terminal));
    assert!(terminal.is_none_or(|at| at + 1 == events.len()), "a terminal state is never left");
    let folded = a2a_core::fold(None, log.iter().map(Arc::as_ref)).expect("a log begins with a task");
    assert_eq!(folded.as_ref().map(|task| &task.status), Some(&task.status));
}

/// The log holds of each turn what its agent said first, once and in order, and two turns are not mixed. Returns how
/// much was heard of each.
fn check_record(log: &[Arc<CommitRecord>], turns: &BTreeMap<usize, &Turn>) -> BTreeMap<usize, usize> {
    let mut heard = BTreeMap::new();
    let mut executes = None;
    for event in log.iter().flat_map(|record| &record.events) {
        let Some(number) = turn_of(event) else { continue };
        let turn = turns.get(&number).expect("a task shows what an agent of its own said");
        let known = heard.contains_key(&number);
        let next = heard.entry(number).or_insert(0);
        assert_eq!(
            turn.said.get(*next).map(bare),
            Some(bare(event)),
            "what an agent says is heard once and in order"
        );
        *next += 1;
        if !turn.cancels {
            assert!(!known || executes == Some(number), "agents of two turns are heard one after the other");
            executes = Some(number);
        }
    }
    heard
}

/// An event without what the cluster adds or puts into its usual form: the time, and whether an artifact's first part is
/// appended.
fn bare(event: &StreamResponse) -> StreamResponse {
    let mut event = event.clone();
    match &mut event {
        StreamResponse::StatusUpdate(update) => update.status.timestamp = None,
        StreamResponse::ArtifactUpdate(update) => update.append = None,
        StreamResponse::Task(_) | StreamResponse::Message(_) => {}
    }
    event
}

/// Where nothing goes wrong, a task fails only where its agent does, and an agent that nobody interrupts is heard to
/// the end.
fn check_calm(task: &Task, turns: &BTreeMap<usize, &Turn>, heard: &BTreeMap<usize, usize>) {
    if task.status.state == TaskState::Failed {
        assert!(turns.values().any(|turn| turn.fails()), "nobody failed the task: {task:#?}\n{turns:#?}");
    }
    let messages = task.history.iter().flatten().filter(|message| message.role == Role::User).count();
    if messages > 1 || turns.values().any(|turn| turn.cancels) {
        return;
    }
    for (number, heard) in heard {
        let turn = turns[number];
        let over =
            turn.said.iter().position(|event| reduce::state_of(event).is_some_and(TaskState::is_terminal));
        let all = over.map_or(turn.said.len(), |at| at + 1);
        assert!(turn.end != record::End::Silent || *heard == all, "not all of a turn was heard: {turn:#?}");
    }
}

/// Invariant 5: no running task stays without a live executor; agents here end, so none runs any more.
async fn check_owner(fleet: &Fleet, key: &TaskKey) {
    let head = fleet.store.head(key).await.expect("the memory store reads").expect("the task exists");
    let rests = head.state.is_terminal() || reduce::is_interrupted(&head.state);
    assert!(rests, "the task {key} is still {:?}, executor {:?}", head.state, head.claim);
    let alive: BTreeSet<_> = fleet
        .store
        .roster(None, 1_000)
        .await
        .expect("the memory store reads")
        .into_iter()
        .filter(|member| !member.state.is_final())
        .map(|member| member.id)
        .collect();
    let owner = head.claim.map(|executor| executor.instance);
    assert!(owner.is_none_or(|owner| alive.contains(&owner)), "the task {key} has a dead executor");
}

/// A message that was sent again made no second task.
fn check_messages(tasks: &[Task]) {
    let mut first_messages = BTreeSet::new();
    for task in tasks {
        let first = task.history.iter().flatten().next().expect("a task begins with a message");
        assert!(first_messages.insert(&first.message_id), "two tasks of one message");
    }
}

/// Invariants 1, 3 and 4: a stream is a snapshot and then the log, event by event, up to its end.
fn check_stream(seen: &Seen, first: &Task, log: &[Arc<CommitRecord>]) {
    let rest = &seen.events[1..];
    let starts = (1..=log.len()).filter(|n| shows(first, &log[..*n]));
    let matches = |start: usize| {
        let mut expected =
            log[start..].iter().flat_map(|record| &record.events).filter(|event| reduce::is_streamed(event));
        rest.iter().all(|event| expected.next() == Some(event))
            && (seen.end == End::Broken || !seen.until_task_ends || expected.next().is_none())
    };
    let begins_the_log = log[0].events.first() == seen.events.first() && follows_creation(rest, log, seen);
    assert!(
        begins_the_log || starts.clone().any(matches),
        "client {} saw what never happened, or not all of it: {:#?}\nlog: {:#?}",
        seen.client,
        seen.events,
        log
    );
    if seen.end == End::Complete {
        let last = seen.events.iter().rev().find_map(reduce::state_of).expect("a stream begins with a task");
        let over = if seen.until_task_ends { last.is_terminal() } else { reduce::ends_turn(last) };
        assert!(over, "client {}: a stream ended in {last:?}", seen.client);
    }
}

/// Whether a snapshot is what these commits make.
fn shows(snapshot: &Task, commits: &[Arc<CommitRecord>]) -> bool {
    a2a_core::fold(None, commits.iter().map(Arc::as_ref)).is_ok_and(|task| task.as_ref() == Some(snapshot))
}

/// Whether a stream that began with the log's first event goes on with what follows it.
fn follows_creation(rest: &[StreamResponse], log: &[Arc<CommitRecord>], seen: &Seen) -> bool {
    let mut expected =
        log.iter().flat_map(|record| &record.events).skip(1).filter(|event| reduce::is_streamed(event));
    rest.iter().all(|event| expected.next() == Some(event))
        && (seen.end == End::Broken || !seen.until_task_ends || expected.next().is_none())
}
