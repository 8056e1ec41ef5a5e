//! Claims: made, kept, handed on and ended.

use a2a::{A2AError, TaskState};
use a2a_core::{ClaimChange, Version};

use super::bench::*;
use crate::actor::core::*;

#[test]
fn a_follow_up_leaves_the_agent_alone_until_its_claim_is_known() {
    let mut bench = Bench::new();
    let (asked, _) = bench.run(TaskState::InputRequired);
    let fx = bench.follow_up(2, &asked);
    assert_eq!(words(&fx), ["Commit"]);
    let claim = commit_of(&fx).unwrap();
    assert!(matches!(claim.claim, ClaimChange::Make { .. }));
    let fx = bench.written(&claim, Written::Refused(A2AError::internal("no")));
    assert_eq!(replies(&fx, 2), ["Refused"]);
    assert!(bench.actor.is_running() && !words(&fx).contains(&"StopAgent".to_owned()));
}

#[test]
fn what_the_agent_said_meanwhile_is_committed_once_the_claim_is_refused() {
    let mut bench = Bench::new();
    let (asked, _) = bench.run(TaskState::InputRequired);
    let claim = commit_of(&bench.follow_up(2, &asked)).unwrap();
    assert!(commit_of(&bench.say(1, vec![status(TaskState::Completed)])).is_none());
    let call = commit_of(&bench.written(&claim, Written::Refused(A2AError::internal("no")))).unwrap();
    assert_eq!((states_of(&call), call.after), (vec![TaskState::Completed], record(&asked).tip()));
}

#[test]
fn a_follow_up_to_a_task_that_has_changed_is_told_so_and_writes_nothing() {
    let mut bench = Bench::new();
    let (asked, _) = bench.run(TaskState::InputRequired);
    bench.say(1, vec![status(TaskState::Working)]);
    let call = CommitCall { after: a2a_core::Tip::ABSENT, ..asked.clone() };
    let more = commit_of(&bench.say(1, vec![])).is_none();
    assert!(more);
    let fx = bench.follow_up(2, &call);
    assert!(replies(&fx, 2).is_empty(), "it waits for the commit that is on its way");
}

#[test]
fn those_who_watch_are_sent_the_claim_itself() {
    let mut bench = Bench::new();
    let (asked, _) = bench.run(TaskState::InputRequired);
    bench.say(1, vec![AgentOutput::Ended]);
    bench.tell(Input::Written { record: None, outcome: Written::Applied });
    let claim = commit_of(&bench.follow_up(2, &asked)).unwrap();
    assert!(words(&bench.applied(&claim)).contains(&"ReadWatchers".to_owned()));
    let watchers = vec![(instance(2), a2a_core::Reach::Direct)];
    let fx = bench.tell(Input::Watchers(watchers, record(&asked).version));
    let sent = fx.iter().find_map(|effect| match effect {
        Effect::Send { news: a2a_core::News::Commits(commits), .. } => Some(commits.len()),
        _ => None,
    });
    assert_eq!(sent, Some(1), "{fx:?}");
}

#[test]
fn an_unknown_claim_is_told_once_and_looked_after() {
    let mut bench = Bench::new();
    bench.tell(Input::Attach { joined: true });
    let (asked, _) = bench.run(TaskState::InputRequired);
    let claim = commit_of(&bench.follow_up(2, &asked)).unwrap();
    assert_eq!(replies(&bench.wait(s(6)), 2), ["Unknown"]);
    let fx = bench.written(&claim, Written::Unknown);
    assert!(replies(&fx, 2).is_empty());
    assert!(words(&fx).contains(&"Load".to_owned()));
}

#[test]
fn a_claim_that_was_made_late_starts_the_agent_and_answers_nobody() {
    let mut bench = Bench::new();
    let (asked, _) = bench.run(TaskState::InputRequired);
    bench.say(1, vec![AgentOutput::Ended]);
    let claim = commit_of(&bench.follow_up(2, &asked));
    let Some(claim) = claim else {
        // The claim of the turn before is released first.
        let fx = bench.tell(Input::Written { record: None, outcome: Written::Applied });
        let claim = commit_of(&fx).unwrap();
        assert_eq!(replies(&bench.wait(s(6)), 2), ["Unknown"]);
        let fx = bench.applied(&claim);
        assert!(words(&fx).contains(&"Start".to_owned()) && replies(&fx, 2).is_empty());
        return;
    };
    panic!("one write at a time: {claim:?}");
}

#[test]
fn an_evicted_instance_tells_whoever_waits_for_a_write_that_nobody_knows() {
    let mut bench = Bench::new();
    let (asked, _) = bench.run(TaskState::InputRequired);
    let claim = commit_of(&bench.follow_up(2, &asked)).unwrap();
    let fx = bench.tell(Input::Leave(Leave::Evicted));
    assert_eq!(replies(&fx, 2), ["Unknown"]);
    assert!(words(&bench.written(&claim, Written::Lost)).is_empty());
}

#[test]
fn one_write_is_on_its_way_at_a_time() {
    let mut bench = Bench::new();
    let (asked, _) = bench.run(TaskState::InputRequired);
    let first = bench.follow_up(2, &asked);
    let second = bench.follow_up(3, &asked);
    assert_eq!((words(&first), words(&second)), (vec!["Commit".to_owned()], vec![]));
    let fx = bench.applied(&commit_of(&first).unwrap());
    assert_eq!(replies(&fx, 3), ["Stale"]);
}

#[test]
fn a_take_over_of_a_task_that_has_changed_hands_writes_nothing() {
    // At work, parked with its agent open, and over with webhooks that lack something.
    for state in [TaskState::Working, TaskState::InputRequired, TaskState::Completed] {
        let mut bench = Bench::new();
        bench.tell(Input::TakeOver { ticket: Some(Ticket(9)), from: Some(instance(2)), handed_over: false });
        let claim = Some(claim_of(instance(3), 7));
        let fx = bench.tell(Input::Loaded(Ok(Some((stored(state, 3, claim), false)))));
        assert_eq!((replies(&fx, 9), commit_of(&fx).is_none()), (vec!["TakeOver".to_owned()], true));
        assert!(bench.actor.is_done());
    }
}

#[test]
fn the_claim_of_a_dead_executor_on_a_parked_task_is_ended_by_a_commit() {
    let mut bench = Bench::new();
    bench.tell(Input::TakeOver { ticket: None, from: Some(instance(2)), handed_over: false });
    let claim = Some(claim_of(instance(2), 7));
    let fx = bench.tell(Input::Loaded(Ok(Some((stored(TaskState::InputRequired, 3, claim), false)))));
    let call = commit_of(&fx).unwrap();
    assert_eq!((call.claim, call.events.len()), (ClaimChange::End, 0));
}

#[test]
fn an_agent_is_begun_again_as_often_as_it_may_be() {
    for (attempts, handed_over, resumes) in
        [(0, false, false), (1, false, false), (2, false, true), (0, true, false), (1, true, true)]
    {
        let mut bench = Bench::with(Settings { attempts, ..settings() });
        bench.tell(Input::TakeOver { ticket: None, from: Some(instance(2)), handed_over });
        let claim = Some(claim_of(instance(2), 7));
        let fx = bench.tell(Input::Loaded(Ok(Some((stored(TaskState::Working, 3, claim), false)))));
        let attempt = if handed_over { 1 } else { 2 };
        let made = ClaimChange::Make { instance: instance(1), attempt };
        let call = commit_of(&fx).unwrap();
        assert_eq!(call.claim == made, resumes, "{attempts} {handed_over}");
    }
}

#[test]
fn those_who_watch_are_sent_what_a_take_over_writes() {
    // Failed, and begun again.
    for attempts in [0, 2] {
        let mut bench = Bench::with(Settings { attempts, ..settings() });
        bench.tell(Input::TakeOver { ticket: None, from: Some(instance(2)), handed_over: false });
        let claim = Some(claim_of(instance(2), 7));
        let fx = bench.tell(Input::Loaded(Ok(Some((stored(TaskState::Working, 3, claim), false)))));
        let fx = bench.applied(&commit_of(&fx).unwrap());
        let reads = |effect: &Effect| matches!(effect, Effect::ReadWatchers(after) if after.get() == 3);
        assert!(fx.iter().any(reads), "{attempts}: {fx:?}");
        let watchers = vec![(instance(3), a2a_core::Reach::Direct)];
        bench.tell(Input::Sent { gone: vec![] });
        let fx = bench.tell(Input::Watchers(watchers, Version::new(3)));
        assert!(words(&fx).contains(&"Send".to_owned()), "{attempts}: {fx:?}");
    }
}
