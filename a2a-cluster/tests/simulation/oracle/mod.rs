//! What must be true in the end: ARCHITECTURE's invariants, checked against everything that was ever committed.

mod losses;
mod permits;
mod streams;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use a2a::{Role, StreamResponse, Task, TaskState};
use a2a_core::{Membership, TaskStore, reduce};
use a2a_testkit::Trace;

use crate::archive::{Entry, Life};
use crate::fleet::{Fleet, Spoilt};
use crate::record::{self, Turn, turn_of, turns_of};
use crate::seen::Seen;
use crate::words::counts;
use streams::LoggedTask;

/// Checks everything; panics at the first thing that is wrong.
pub(crate) async fn check(fleet: &Fleet, seen: &[Seen], trace: &Trace) {
    assert!(!fleet.has_lost_pace(), "an instance called its store without a pause");
    let turns = fleet.record.turns();
    let mut logged_tasks = Vec::new();
    let mut alive = alive(fleet).await;
    for life in fleet.archive.lives() {
        let turns = turns_of(&turns, &life.key.task_id);
        check_log(&life.log);
        let heard = check_record(&life.log, &turns);
        check_standing(fleet, &life, &mut alive).await;
        let logged = LoggedTask::of(life);
        if fleet.plan.calm && logged.life.gone.is_none() {
            check_calm(logged.end(), &turns, &heard);
        }
        losses::check_failure(fleet, &logged, &turns);
        trace.note(format_args!(
            "a task of {} commits is {:?}",
            logged.life.log.len(),
            logged.end().status.state
        ));
        logged_tasks.push(logged);
    }
    losses::check_evictions(fleet);
    check_messages(&logged_tasks);
    check_refused(fleet, &logged_tasks);
    if fleet.plan.calm {
        assert_eq!(fleet.refusals.get(), 0, "where nothing goes wrong, nobody is told to come again");
    }
    webhooks::check_webhooks(fleet, &logged_tasks).await;
    for seen in seen {
        streams::check_stream(fleet, seen, &logged_tasks);
    }
    // In some of the simulations, for it takes time.
    if fleet.terms.probes && !fleet.plan.disasters {
        permits::check_permits(fleet).await;
    }
}

/// Invariants 2 and 6: no hole in the versions, nothing after a terminal state.
fn check_log(log: &[Entry]) {
    for (n, entry) in log.iter().enumerate() {
        assert_eq!(entry.record.version.get(), n as u64 + 1, "versions have no holes");
    }
    let events: Vec<_> = log.iter().flat_map(|entry| &entry.record.events).collect();
    let terminal =
        events.iter().position(|event| reduce::state_of(event).is_some_and(TaskState::is_terminal));
    assert!(terminal.is_none_or(|at| at + 1 == events.len()), "a terminal state is never left");
}

/// The log holds of each turn what its agent said first, once and in order, and two turns are not mixed. Returns how
/// much was heard of each.
fn check_record(log: &[Entry], turns: &BTreeMap<usize, &Turn>) -> BTreeMap<usize, usize> {
    let mut heard = BTreeMap::new();
    let mut executes = None;
    for event in log.iter().flat_map(|entry| &entry.record.events) {
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
    if task.status.state == TaskState::Canceled {
        let is_heard = turns.values().any(|turn| turn.said.iter().any(is_canceled));
        assert!(is_heard, "no agent heard of the cancel: {task:#?}\n{turns:#?}");
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

fn is_canceled(event: &StreamResponse) -> bool {
    reduce::state_of(event) == Some(&TaskState::Canceled)
}

async fn alive(fleet: &Fleet) -> BTreeSet<a2a_core::InstanceId> {
    let members = fleet.store.roster(None, 1_000).await.expect("the memory store reads");
    members.into_iter().filter(|member| !member.state.is_final()).map(|member| member.id).collect()
}

/// The store has what was committed; and invariant 5: no task stays at work without a live executor, nor keeps one that
/// it does not need. Agents here end, so none works any more.
async fn check_standing(fleet: &Fleet, life: &Life, alive: &mut BTreeSet<a2a_core::InstanceId>) {
    let key = &life.key;
    let stored = fleet.store.load(key).await.expect("the memory store reads");
    if life.gone.is_some() {
        return;
    }
    let Some(stored) = stored else {
        assert!(fleet.terms.finished.is_some() && life.is_over(), "the task {key} is lost");
        return;
    };
    assert_eq!(stored.version.get(), life.log.len() as u64, "{key}");
    let head = stored.head;
    if fleet.spoilt.borrow().get(key) == Some(&Spoilt::ForGood) {
        return;
    }
    let rests = head.state.is_terminal() || reduce::is_interrupted(&head.state);
    assert!(rests, "the task {key} is still {:?}, executor {:?}", head.state, head.claim);
    let executor = head.claim.map(|claim| claim.instance);
    assert!(executor.is_none_or(|executor| alive.contains(&executor)), "the task {key} has a dead executor");
    assert_eq!(head.claim, None, "the task {key} keeps an executor that it does not need: {:?}", head.state);
}

/// A message that was refused each time has changed nothing. One that is known again is told to come again also where it
/// was taken: then it meets its task.
fn check_refused(fleet: &Fleet, logged_tasks: &[LoggedTask]) {
    let tries = fleet.tries.borrow();
    let messages = logged_tasks.iter().flat_map(|logged| logged.end().history.iter().flatten());
    for message in messages.filter(|message| !counts(message)) {
        let is_refused = tries.get(&message.message_id).is_some_and(|tries| tries.sent == tries.refused);
        assert!(!is_refused, "a message was refused, and is in its task nevertheless: {message:?}");
    }
}

/// A message that its caller sent again made no second task while the first was there. After that nothing ties its
/// copies together.
fn check_messages(logged_tasks: &[LoggedTask]) {
    let mut made = BTreeMap::<_, &Life>::new();
    for logged in logged_tasks {
        let life = &logged.life;
        let message = logged.end().history.iter().flatten().next().expect("a task begins with a message");
        if !counts(message) {
            continue;
        }
        let name = (&life.principal, &message.message_id);
        let first = made.entry(name).or_insert(life);
        let was_gone = first.gone.is_some_and(|gone| gone <= life.log[0].at);
        assert!(was_gone || first.key == life.key, "two tasks of one message: {}, {}", first.key, life.key);
    }
}
