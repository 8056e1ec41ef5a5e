//! Status updates: history, times, ends.

use a2a::{Role, StreamResponse, Task, TaskState, TaskStatus};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::*;
use crate::reduce::{ends_turn, is_interrupted, is_streamed, next_timestamp, state_of, status};
use crate::samples::{document, says};

#[test]
fn the_message_of_a_replaced_status_moves_into_the_history() {
    let task = after([
        status_update(TaskState::Working, Some(says("one", "1"))),
        status_update(TaskState::Working, None),
        status_update(TaskState::InputRequired, Some(says("two", "2"))),
        status_update(TaskState::Completed, Some(says("three", "3"))),
    ]);
    assert_eq!(history(&task), ["one", "two"]);
    assert_eq!(task.status.message, Some(says("three", "3")));
}

#[test]
fn a_message_that_the_new_status_says_again_stays_where_it_is() {
    let again = || status_update(TaskState::Working, Some(says("one", "1")));
    let task = after([again(), again()]);
    assert_eq!(history(&task), [""; 0]);
    assert_eq!(task.status.message, Some(says("one", "1")));
}

#[test]
fn another_message_under_the_same_id_is_not_lost() {
    let task = after([
        status_update(TaskState::Working, Some(says("same", "1"))),
        status_update(TaskState::Working, Some(says("same", "2"))),
    ]);
    assert_eq!(task.history, Some(vec![says("same", "1")]));
    assert_eq!(task.status.message, Some(says("same", "2")));
}

#[test]
fn messages_become_status_messages() {
    let expected = [
        (TaskState::Submitted, TaskState::Working),
        (TaskState::Working, TaskState::Working),
        (TaskState::InputRequired, TaskState::InputRequired),
        (TaskState::AuthRequired, TaskState::AuthRequired),
    ];
    for (state, becomes) in expected {
        let events = admit(&task(state), StreamResponse::Message(says("m", "hello")), &Clock::new()).unwrap();
        let [StreamResponse::StatusUpdate(update)] = &events[..] else { panic!("{events:?}") };
        assert_eq!(update.status.state, becomes);
        assert_eq!(update.status.message, Some(says("m", "hello")));
    }
}

#[test]
fn user_messages_join_the_history_and_are_not_streamed() {
    let mut task = task(TaskState::Working);
    for id in ["one", "two"] {
        let event = StreamResponse::Message(Message { role: Role::User, ..says(id, "hello") });
        assert!(!is_streamed(&event));
        apply(&mut task, &event);
    }
    assert_eq!(history(&task), ["one", "two"]);
    assert_eq!(task.status.message, None);
}

fn at(task: &Task) -> DateTime<Utc> {
    task.status.timestamp.unwrap()
}

#[test]
fn times_are_the_servers_own_in_whole_milliseconds() {
    let claimed = DateTime::from_timestamp_millis(1);
    let StreamResponse::StatusUpdate(mut update) = status_update(TaskState::Working, None) else {
        unreachable!()
    };
    update.status.timestamp = claimed;
    let clock = Clock::new();
    let now = crate::Env::now(&clock);
    assert_ne!(now, now.trunc_subsecs(3), "the clock is finer than what is assigned");
    assert_eq!(at(&after([StreamResponse::StatusUpdate(update)])), now.trunc_subsecs(3));
    let told = status(&task(TaskState::Working), TaskState::Failed, None, &clock);
    let StreamResponse::StatusUpdate(told) = told else { unreachable!() };
    assert_eq!(told.status.timestamp, Some(now.trunc_subsecs(3)));
}

#[test]
fn times_never_go_back_even_when_the_clock_does() {
    let clock = Clock::new();
    let mut task = task(TaskState::Working);
    let mut tell = |moved: i64| {
        clock.advance(moved);
        let events = admit(&task, status_update(TaskState::Working, None), &clock).unwrap();
        events.iter().for_each(|event| apply(&mut task, event));
        at(&task)
    };
    let first = tell(0);
    assert_eq!(tell(5_000_000), first + TimeDelta::seconds(5));
    assert_eq!(tell(-3_600_000_000), first + TimeDelta::seconds(5));
    assert_eq!(tell(3_599_000_000), first + TimeDelta::seconds(5));
    assert_eq!(tell(2_000_000), first + TimeDelta::seconds(6));
}

#[test]
fn the_first_time_is_the_clocks() {
    let clock = Clock::new();
    let status = TaskStatus { timestamp: None, ..task(TaskState::Submitted).status };
    let undated = Task { status, ..task(TaskState::Submitted) };
    assert_eq!(next_timestamp(&undated, &clock), crate::Env::now(&clock).trunc_subsecs(3));
}

#[test]
fn nothing_changes_a_task_that_has_ended() {
    let clock = Clock::new();
    for state in ENDED {
        let ended = task(state);
        let attempts = [
            status_update(TaskState::Working, Some(says("m", "more"))),
            status_update(TaskState::Failed, None),
            artifact_update(document("a", "more"), Some(true)),
            StreamResponse::Message(says("m", "more")),
            StreamResponse::Task(Task { history: Some(vec![says("m", "more")]), ..task(TaskState::Working) }),
        ];
        for event in attempts {
            let mut after = ended.clone();
            apply(&mut after, &event);
            assert_eq!(after, ended);
            assert_eq!(admit(&ended, event, &clock), Ok(vec![]));
        }
    }
}

#[test]
fn interrupted_tasks_go_on() {
    for state in [TaskState::InputRequired, TaskState::AuthRequired] {
        let task = after([status_update(state, None), status_update(TaskState::Working, None)]);
        assert_eq!(task.status.state, TaskState::Working);
    }
}

#[test]
fn a_turn_ends_at_the_end_and_where_the_agent_waits_for_its_caller() {
    for state in ENDED {
        assert!(ends_turn(&state) && !is_interrupted(&state));
    }
    for state in OPEN {
        let waits = matches!(state, TaskState::InputRequired | TaskState::AuthRequired);
        assert_eq!((ends_turn(&state), is_interrupted(&state)), (waits, waits), "{state:?}");
    }
}

#[test]
fn only_tasks_and_status_updates_set_a_state() {
    let set = |event| state_of(&event).cloned();
    assert_eq!(set(status_update(TaskState::Failed, None)), Some(TaskState::Failed));
    assert_eq!(set(StreamResponse::Task(task(TaskState::Working))), Some(TaskState::Working));
    assert_eq!(set(artifact_update(document("a", ""), None)), None);
    assert_eq!(set(StreamResponse::Message(says("m", ""))), None);
}
