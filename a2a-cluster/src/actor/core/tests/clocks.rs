//! Deadlines: each is dealt with when it comes, and asks for nothing while an answer is on its way.

use a2a::TaskState;

use super::bench::*;
use crate::actor::core::*;

#[test]
fn a_task_whose_agent_is_silent_is_created_after_a_while() {
    let mut bench = Bench::new();
    bench.begin(1);
    let call = commit_of(&bench.wait(s(1))).unwrap();
    assert!(states_of(&call).is_empty());
}

#[test]
fn a_creation_on_its_way_is_no_deadline() {
    let mut bench = Bench::new();
    bench.begin(1);
    bench.wait(s(1));
    assert!(bench.actor.deadline().is_none_or(|due| due > bench.now));
}

#[test]
fn an_agent_that_has_ended_has_no_limits() {
    let mut bench = Bench::new();
    bench.run(TaskState::Working);
    bench.say(1, vec![status(TaskState::Completed), AgentOutput::Ended]);
    assert_eq!(bench.actor.deadline(), None);
}

#[test]
fn an_agent_that_says_nothing_for_too_long_is_asked_to_stop_and_then_stopped() {
    let mut bench = Bench::new();
    bench.run(TaskState::Working);
    assert!(words(&bench.wait(s(60))).contains(&"CancelAgent".to_owned()));
    let fx = bench.wait(s(5));
    assert!(words(&fx).contains(&"StopAgent".to_owned()));
    assert_eq!(states_of(&commit_of(&fx).unwrap()), [TaskState::Failed]);
}

#[test]
fn a_parked_agent_may_be_silent_for_as_long_as_its_caller() {
    let mut bench = Bench::new();
    bench.run(TaskState::InputRequired);
    assert!(!words(&bench.wait(s(1_000))).contains(&"CancelAgent".to_owned()));
}

#[test]
fn a_stream_that_was_told_that_nobody_knows_is_no_reader_once_its_claim_is_applied() {
    let mut bench = Bench::new();
    let (parked, _) = bench.run(TaskState::InputRequired);
    let claim = commit_of(&bench.follow_up_for(2, AnswerAt::Opening, &parked)).unwrap();
    let fx = bench.wait(settings().request_patience);
    assert_eq!(replies(&fx, 2).len(), 1);
    bench.applied(&claim);
    assert!(bench.actor.is_running() && !bench.actor.has_readers());
}
