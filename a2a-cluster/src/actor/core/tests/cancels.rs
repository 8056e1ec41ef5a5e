//! Cancelling.

use a2a::{A2AError, TaskState};
use a2a_core::{CancelKey, InstanceId, MemberState, News};
use uuid::Uuid;

use super::bench::*;
use crate::actor::core::*;

const ELSEWHERE: u128 = 2;

fn refuses() -> AgentOutput {
    AgentOutput::CancelFailed(A2AError::task_not_cancelable("task"))
}

fn elsewhere() -> InstanceId {
    instance(ELSEWHERE)
}

#[test]
fn an_agent_here_is_asked_at_once_also_while_a_commit_is_on_its_way() {
    let mut bench = Bench::new();
    bench.run(TaskState::Working);
    bench.say(1, vec![status(TaskState::Working)]);
    assert!(words(&bench.cancel(2)).contains(&"CancelAgent".to_owned()));
}

#[test]
fn a_refusal_is_heard_at_once_also_while_a_commit_is_on_its_way() {
    let mut bench = Bench::new();
    bench.run(TaskState::Working);
    let commit = commit_of(&bench.say(1, vec![status(TaskState::Working)])).unwrap();
    bench.cancel(2);
    assert_eq!(replies(&bench.say(1, vec![refuses()]), 2), ["NotCancelable"]);
    assert!(!words(&bench.wait(s(20))).contains(&"StopAgent".to_owned()));
    bench.applied(&commit);
    assert!(bench.actor.is_running());
}

#[test]
fn an_agent_that_does_not_end_in_time_is_stopped_and_its_task_canceled() {
    let mut bench = Bench::new();
    bench.run(TaskState::Working);
    bench.cancel(2);
    let call = commit_of(&bench.wait(s(5))).unwrap();
    assert_eq!(states_of(&call), [TaskState::Canceled]);
    assert_eq!(replies(&bench.applied(&call), 2), ["Over"]);
}

#[test]
fn an_executor_elsewhere_is_asked_again_and_again_and_then_passed_over() {
    let mut bench = Bench::new();
    let claim = Some(claim_of(elsewhere(), 7));
    bench.cancel(2);
    let load = || Input::Loaded(Ok(Some((stored(TaskState::Working, 3, claim), false))));
    bench.tell(Input::Watched(Ok(Some(Seen::of(&stored(TaskState::Working, 3, claim))))));
    bench.tell(load());
    let asked = bench.wait(s(3));
    let asks = |effect: &&Effect| matches!(effect, Effect::Hint(to, News::Cancel(..)) if *to == elsewhere());
    assert_eq!(asked.iter().filter(asks).count(), 3);
    assert!(fences(&bench.wait(s(1))));
    let call = commit_of(&bench.tell(load())).unwrap();
    assert_eq!(states_of(&call), [TaskState::Canceled]);
    assert_eq!(replies(&bench.applied(&call), 2), ["Over"]);
}

fn fences(fx: &[Effect]) -> bool {
    fx.iter().any(|effect| matches!(effect, Effect::FenceAndLoad(_)))
}

#[test]
fn two_that_pass_an_executor_over_do_not_fence_each_other_for_ever() {
    let mut bench = Bench::new();
    let claim = Some(claim_of(elsewhere(), 7));
    let load = |version| Input::Loaded(Ok(Some((stored(TaskState::Working, version, claim), false))));
    bench.cancel(2);
    bench.tell(Input::Watched(Ok(Some(Seen::of(&stored(TaskState::Working, 3, claim))))));
    bench.tell(load(3));
    assert!(fences(&bench.wait(s(4))));
    // Somebody else's fences come before its verdicts, one a second.
    let mut fenced = vec![];
    for second in 1..=16 {
        let call = commit_of(&bench.tell(load(second + 3))).unwrap();
        bench.wait(s(1));
        let tries = bench.written(&call, Written::Lost);
        fenced.extend(fences(&tries).then_some(second));
    }
    assert_eq!(fenced, [1, 3, 7, 15]);
}

#[test]
fn a_turn_that_was_fenced_is_ended_although_nobody_waits_for_it_any_more() {
    let mut bench = Bench::new();
    let claim = Some(claim_of(elsewhere(), 7));
    let load = || Input::Loaded(Ok(Some((stored(TaskState::Working, 3, claim), false))));
    bench.cancel(2);
    bench.tell(Input::Watched(Ok(Some(Seen::of(&stored(TaskState::Working, 3, claim))))));
    bench.tell(load());
    assert!(fences(&bench.wait(s(4))));
    bench.tell(Input::Abandon(Ticket(2)));
    let call = commit_of(&bench.tell(load())).unwrap();
    assert_eq!(states_of(&call), [TaskState::Canceled]);
    bench.applied(&call);
    assert!(bench.actor.ring().ended());
}

#[test]
fn a_fence_that_failed_is_tried_again_as_soon_as_the_task_may_be_read() {
    let mut bench = Bench::new();
    let claim = Some(claim_of(elsewhere(), 7));
    bench.cancel(2);
    bench.tell(Input::Watched(Ok(Some(Seen::of(&stored(TaskState::Working, 3, claim))))));
    bench.tell(Input::Loaded(Ok(Some((stored(TaskState::Working, 3, claim), false)))));
    for _ in 0..3 {
        assert!(fences(&bench.wait(s(4))));
        bench.tell(Input::Loaded(Err(ReadFailed::ForNow)));
    }
}

#[test]
fn a_cancel_that_was_too_late_tries_again_at_once() {
    let mut bench = Bench::new();
    let claim = Some(claim_of(elsewhere(), 7));
    bench.cancel(2);
    bench.tell(Input::Watched(Ok(Some(Seen::of(&stored(TaskState::Working, 3, claim))))));
    bench.tell(Input::Loaded(Ok(Some((stored(TaskState::Working, 3, claim), false)))));
    bench.wait(s(4));
    for version in 3..9 {
        let load = Input::Loaded(Ok(Some((stored(TaskState::Working, version, claim), false))));
        let call = commit_of(&bench.tell(load)).unwrap();
        assert!(words(&bench.written(&call, Written::Lost)).contains(&"Load".to_owned()));
    }
}

#[test]
fn a_parked_task_is_claimed_so_that_the_agent_hears_of_its_cancel() {
    let mut bench = Bench::new();
    bench.cancel(2);
    let call =
        commit_of(&bench.tell(Input::Loaded(Ok(Some((stored(TaskState::InputRequired, 3, None), false))))));
    let fx = bench.applied(&call.unwrap());
    let start = fx.iter().find_map(|effect| match effect {
        Effect::Start(start) => Some(start.kind),
        _ => None,
    });
    assert_eq!(start, Some(TurnKind::CancelOnly));
}

#[test]
fn nobody_insists_for_one_who_has_left() {
    let mut bench = Bench::new();
    bench.cancel(2);
    bench.tell(Input::Abandon(Ticket(2)));
    bench.tell(Input::Loaded(Ok(None)));
    bench.tell(Input::Watched(Ok(None)));
    assert!(bench.actor.is_done());
}

#[test]
fn an_executor_that_is_gone_is_taken_over_from() {
    let mut bench = Bench::new();
    let claim = Some(claim_of(elsewhere(), 7));
    bench.cancel(2);
    bench.tell(Input::Watched(Ok(Some(Seen::of(&stored(TaskState::Working, 3, claim))))));
    bench.tell(Input::Loaded(Ok(Some((stored(TaskState::Working, 3, claim), false)))));
    let fx = bench.tell(Input::Member(elsewhere(), Ok(Some(MemberState::Evicted))));
    assert!(words(&fx).contains(&"Load".to_owned()));
    let load = Input::Loaded(Ok(Some((stored(TaskState::Working, 3, claim), false))));
    assert_eq!(states_of(&commit_of(&bench.tell(load)).unwrap()), [TaskState::Failed]);
}

/// Asks the executor from elsewhere, under the claim that a commit made or keeps.
fn ask(bench: &mut Bench, claim: &CommitCall, request: u128) -> Vec<Effect> {
    let key = CancelKey { claim: claim.id, request: Uuid::from_u128(request) };
    hear(bench, News::Cancel(key, None))
}

fn hear(bench: &mut Bench, news: News) -> Vec<Effect> {
    let received = bench.now;
    bench.tell(Input::News { from: elsewhere(), news, received })
}

#[test]
fn a_refusal_is_told_at_once_and_again_where_the_question_comes_again_and_a_new_one_asks_the_agent_anew() {
    let mut bench = Bench::new();
    let (claim, _) = bench.run(TaskState::Working);
    let refused = |effects: &[Effect]| {
        let is_refusal = |effect: &&Effect| matches!(effect, Effect::Hint(to, News::CancelRefused(_)) if *to == elsewhere());
        effects.iter().filter(is_refusal).count()
    };
    let first = ask(&mut bench, &claim, 7);
    assert!(words(&first).contains(&"CancelAgent".to_owned()));
    assert_eq!(refused(&first), 0);
    assert_eq!(refused(&bench.say(1, vec![refuses()])), 1);
    bench.wait(s(5));
    let again = ask(&mut bench, &claim, 7);
    assert!(!words(&again).contains(&"CancelAgent".to_owned()));
    assert_eq!(refused(&again), 1);
    assert!(words(&ask(&mut bench, &claim, 8)).contains(&"CancelAgent".to_owned()));
}

#[test]
fn a_question_that_comes_late_does_not_cancel_the_next_turn() {
    let mut bench = Bench::new();
    let (claim, _) = bench.run(TaskState::Working);
    let parked =
        commit_of(&bench.say(1, vec![status(TaskState::InputRequired), AgentOutput::Ended])).unwrap();
    bench.applied(&parked);
    let next = commit_of(&bench.follow_up(2, &parked)).unwrap();
    bench.applied(&next);
    assert!(bench.actor.is_running());
    assert!(!words(&ask(&mut bench, &claim, 7)).contains(&"CancelAgent".to_owned()));
    assert!(words(&ask(&mut bench, &next, 8)).contains(&"CancelAgent".to_owned()));
}

#[test]
fn a_refusal_of_another_cancel_refuses_nobody() {
    let mut bench = Bench::new();
    let claim = Some(claim_of(elsewhere(), 7));
    bench.cancel(2);
    bench.tell(Input::Watched(Ok(Some(Seen::of(&stored(TaskState::Working, 3, claim))))));
    bench.tell(Input::Loaded(Ok(Some((stored(TaskState::Working, 3, claim), false)))));
    let asked = bench.wait(s(1));
    let asks = |effect: &Effect| match effect {
        Effect::Hint(_, News::Cancel(key, _)) => Some(*key),
        _ => None,
    };
    let key = asked.iter().find_map(asks).unwrap();
    let other = CancelKey { request: Uuid::from_u128(9), ..key };
    assert!(replies(&hear(&mut bench, News::CancelRefused(other)), 2).is_empty());
    assert_eq!(replies(&hear(&mut bench, News::CancelRefused(key)), 2), ["NotCancelable"]);
}
