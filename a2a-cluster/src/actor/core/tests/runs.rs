//! Agents that begin, speak and end.

use a2a::TaskState;

use super::bench::*;
use crate::actor::core::*;

#[test]
fn a_message_that_is_repeated_starts_no_second_agent() {
    let mut bench = Bench::new();
    assert_eq!(words(&bench.begin(1)), ["Start"]);
    assert_eq!(words(&bench.begin(2)), Vec::<String>::new());
}

#[test]
fn whoever_repeats_a_message_is_answered_with_whoever_sent_it_first() {
    let mut bench = Bench::new();
    bench.begin(1);
    bench.begin(2);
    let fx = bench.say(1, vec![status(TaskState::Completed), AgentOutput::Ended]);
    let fx = bench.applied(&commit_of(&fx).unwrap());
    assert_eq!((replies(&fx, 1), replies(&fx, 2)), (vec!["Task".to_owned()], vec!["Task".to_owned()]));
}

#[test]
fn a_message_that_is_repeated_while_its_task_is_being_created_waits_for_that() {
    let mut bench = Bench::new();
    bench.begin(1);
    let call = commit_of(&bench.say(1, vec![status(TaskState::Completed)])).unwrap();
    assert!(replies(&bench.begin(2), 2).is_empty(), "nobody would find a task yet");
    let fx = bench.applied(&call);
    assert_eq!((replies(&fx, 1), replies(&fx, 2)), (vec!["Task".to_owned()], vec!["Task".to_owned()]));
}

#[test]
fn whoever_lost_the_race_to_create_the_task_is_told() {
    let mut bench = Bench::new();
    bench.begin(1);
    let call = commit_of(&bench.say(1, vec![status(TaskState::Working)])).unwrap();
    let fx = bench.written(&call, Written::Lost);
    assert_eq!(replies(&fx, 1), ["Lost"]);
    assert!(words(&fx).contains(&"StopAgent".to_owned()));
}

#[test]
fn a_turn_ends_its_claim_with_its_last_commit() {
    for last in [TaskState::Completed, TaskState::InputRequired] {
        let mut bench = Bench::new();
        bench.run(TaskState::Working);
        let call = commit_of(&bench.say(1, vec![status(last), AgentOutput::Ended])).unwrap();
        assert_eq!(call.claim, a2a_core::ClaimChange::End);
        bench.applied(&call);
        assert!(bench.actor.is_done());
    }
}

#[test]
fn what_an_agent_says_during_a_commit_is_the_next_one() {
    let mut bench = Bench::new();
    bench.begin(1);
    let first = commit_of(&bench.say(1, vec![status(TaskState::Working)])).unwrap();
    assert!(commit_of(&bench.say(1, vec![status(TaskState::Completed)])).is_none());
    let second = commit_of(&bench.applied(&first)).unwrap();
    assert_eq!((second.after, states_of(&second)), (record(&first).tip(), vec![TaskState::Completed]));
}

#[test]
fn an_agent_that_ends_without_a_word_fails_its_task() {
    let mut bench = Bench::new();
    bench.run(TaskState::Working);
    let call = commit_of(&bench.say(1, vec![AgentOutput::Ended])).unwrap();
    assert_eq!(states_of(&call), [TaskState::Failed]);
}

#[test]
fn another_agent_waits_while_one_is_dropped_and_for_a_second_at_most() {
    let mut bench = Bench::new();
    let (asked, _) = bench.run(TaskState::InputRequired);
    let claim = commit_of(&bench.follow_up(2, &asked)).unwrap();
    let fx = bench.applied(&claim);
    assert!(words(&fx).contains(&"StopAgent".to_owned()) && !words(&fx).contains(&"Start".to_owned()));
    assert!(words(&bench.wait(s(1))).contains(&"Start".to_owned()));
    assert!(bench.actor.is_busy());
}

#[test]
fn an_actor_waits_for_its_agents_to_be_dropped() {
    let mut bench = Bench::new();
    bench.run(TaskState::Working);
    let call = commit_of(&bench.say(1, vec![status(TaskState::Completed)])).unwrap();
    assert!(words(&bench.applied(&call)).contains(&"StopAgent".to_owned()));
    bench.wait(s(5));
    assert!(!bench.actor.is_done());
    bench.tell(Input::AgentGone(1));
    assert!(bench.actor.is_done());
}
