//! Readers of a task that runs elsewhere.

use a2a::TaskState;
use a2a_core::{InstanceId, News, Reach, Version};

use super::bench::*;
use crate::actor::core::*;

fn elsewhere() -> InstanceId {
    instance(2)
}

/// An actor with a reader of a task that runs elsewhere, at version 3.
fn reader() -> Bench {
    let mut bench = Bench::new();
    bench.tell(Input::Attach { joined: false });
    let seen = Seen::of(&stored(TaskState::Working, 3, Some(claim_of(elsewhere(), 7))));
    bench.tell(Input::Joined { seen, registered: true });
    bench
}

#[test]
fn whoever_joins_tells_the_executor_at_once() {
    let mut bench = Bench::new();
    bench.tell(Input::Attach { joined: false });
    let seen = Seen::of(&stored(TaskState::Working, 3, Some(claim_of(elsewhere(), 7))));
    let fx = bench.tell(Input::Joined { seen, registered: true });
    let tells =
        |effect: &Effect| matches!(effect, Effect::Hint(to, News::Watch { .. }) if *to == elsewhere());
    assert!(fx.iter().any(tells));
}

#[test]
fn a_reader_that_is_behind_one_who_joins_later_is_woken() {
    for state in [TaskState::Working, TaskState::InputRequired, TaskState::Failed] {
        let mut bench = reader();
        bench.tell(Input::Attach { joined: false });
        let seen = Seen::of(&stored(state.clone(), 9, None));
        let fx = bench.tell(Input::Joined { seen: seen.clone(), registered: false });
        assert!(fx.iter().any(|effect| matches!(effect, Effect::WakeReaders)), "{state:?}");
        // Nobody is behind the next one.
        bench.tell(Input::Attach { joined: false });
        let fx = bench.tell(Input::Joined { seen, registered: false });
        assert!(!fx.iter().any(|effect| matches!(effect, Effect::WakeReaders)), "{state:?}");
    }
}

#[test]
fn one_that_joins_unregistered_is_registered_before_it_is_read_for() {
    let mut bench = Bench::new();
    bench.tell(Input::Attach { joined: false });
    let seen = Seen::of(&stored(TaskState::Working, 3, None));
    assert_eq!(words(&bench.tell(Input::Joined { seen: seen.clone(), registered: false })), ["Watch"]);
    assert_eq!(words(&bench.tell(Input::Watched(Ok(Some(seen))))), ["Read"]);
}

#[test]
fn a_reader_is_read_for_also_while_it_cannot_be_registered() {
    let mut bench = Bench::new();
    bench.tell(Input::Attach { joined: false });
    let seen = Seen::of(&stored(TaskState::Working, 3, None));
    bench.tell(Input::Joined { seen: seen.clone(), registered: false });
    assert_eq!(words(&bench.tell(Input::Watched(Err(ReadFailed::ForNow)))), ["Read"]);
    let retry_max = settings().retry_max;
    assert_eq!(words(&bench.wait(retry_max)), ["Watch"], "while that is under way");
    // What the first read brings may be from before the registration.
    assert_eq!(words(&bench.tell(Input::Watched(Ok(Some(seen))))), Vec::<String>::new());
    assert_eq!(words(&bench.tell(Input::Read(Ok(Later::Commits(vec![]))))), ["Read"]);
}

#[test]
fn a_reader_whose_agent_has_lost_the_task_is_followed_for() {
    let mut bench = Bench::new();
    bench.begin(1);
    bench.tell(Input::Attach { joined: true });
    let call = commit_of(&bench.say(1, vec![status(TaskState::Working)])).unwrap();
    bench.applied(&call);
    let more = commit_of(&bench.say(1, vec![status(TaskState::Working)])).unwrap();
    assert!(words(&bench.written(&more, Written::Lost)).contains(&"Watch".to_owned()));
}

#[test]
fn a_reader_of_a_parked_task_is_followed_for_although_its_agent_is_open() {
    let mut bench = Bench::new();
    bench.begin(1);
    bench.tell(Input::Attach { joined: true });
    let call = commit_of(&bench.say(1, vec![status(TaskState::InputRequired)])).unwrap();
    assert!(words(&bench.applied(&call)).contains(&"Watch".to_owned()));
}

#[test]
fn silence_is_followed_by_a_read_and_lasting_silence_by_a_look_at_the_executor() {
    let mut bench = reader();
    assert_eq!(words(&bench.wait(s(2))), ["Read"]);
    assert_eq!(words(&bench.tell(Input::Read(Ok(Later::Commits(vec![]))))), ["FindMember"]);
}

#[test]
fn in_a_long_silence_the_head_is_read_every_other_time() {
    let mut bench = reader();
    let mut heads = vec![];
    for _ in 0..6 {
        assert!(words(&bench.wait(s(8))).contains(&"Read".to_owned()));
        let fx = bench.tell(Input::Read(Ok(Later::Commits(vec![]))));
        heads.push(words(&fx).contains(&"ReadHead".to_owned()));
        let head = stored(TaskState::Working, 3, Some(claim_of(elsewhere(), 7))).head;
        bench.tell(Input::Head(Ok(Some(head))));
    }
    assert_eq!(heads, [false, true, false, true, false, true]);
}

#[test]
fn readers_of_a_task_that_cannot_be_read_here_are_told_so_and_the_next_one_tries_again() {
    let mut bench = reader();
    bench.wait(s(2));
    let fx = bench.tell(Input::Read(Err(ReadFailed::ForGood)));
    assert!(bench.actor.is_unreadable() && fx.iter().any(|effect| matches!(effect, Effect::WakeReaders)));
    assert!(words(&fx).contains(&"Unwatch".to_owned()) && bench.actor.deadline().is_none());
    bench.tell(Input::Attach { joined: false });
    let seen = Seen::of(&stored(TaskState::Working, 3, Some(claim_of(elsewhere(), 7))));
    bench.tell(Input::Joined { seen, registered: true });
    assert!(!bench.actor.is_unreadable());
    assert_eq!(words(&bench.wait(s(2))), ["Read"]);
    bench.tell(Input::Read(Err(ReadFailed::ForNow)));
    assert!(!bench.actor.is_unreadable());
    assert_eq!(words(&bench.wait(s(3))), ["Read"]);
}

#[test]
fn a_gap_that_lasts_is_read_from_the_store() {
    let mut bench = reader();
    bench.tell(Input::News { from: elsewhere(), news: News::Changed(Version::new(5)), received: bench.now });
    assert_eq!(words(&bench.wait(s(1))), ["Read"]);
}

#[test]
fn the_last_reader_that_leaves_is_registered_no_longer() {
    let mut bench = reader();
    assert_eq!(words(&bench.tell(Input::Detach { joined: true })), ["Unwatch", "Hint"]);
    assert!(bench.actor.is_done());
}

#[test]
fn news_for_nobody_is_answered_with_unwatch() {
    let mut bench = Bench::new();
    let fx = bench.tell(Input::News {
        from: elsewhere(),
        news: News::Changed(Version::new(5)),
        received: bench.now,
    });
    assert!(matches!(fx[..], [Effect::Hint(to, News::Unwatch)] if to == elsewhere()));
    assert!(bench.actor.is_done());
}

#[test]
fn a_head_that_was_read_for_an_earlier_agent_says_nothing_of_a_later_one() {
    let mut bench = Bench::new();
    let (asked, _) = bench.run(TaskState::InputRequired);
    let news = News::Changed(Version::new(9));
    assert!(
        words(&bench.tell(Input::News { from: elsewhere(), news, received: bench.now }))
            .contains(&"ReadHead".to_owned())
    );
    let head = stored(TaskState::InputRequired, 1, bench.actor.claim()).head;
    let claim = commit_of(&bench.follow_up(2, &asked)).unwrap();
    bench.applied(&claim);
    let fx = bench.tell(Input::Head(Ok(Some(head))));
    assert!(bench.actor.is_running() && !words(&fx).contains(&"StopAgent".to_owned()));
}

#[test]
fn a_read_from_before_the_task_was_created_ends_no_stream_of_it() {
    let mut bench = Bench::new();
    bench.tell(Input::Attach { joined: true });
    bench.run(TaskState::Working);
    bench.tell(Input::Watched(Ok(None)));
    assert!(bench.actor.is_running() && !bench.actor.is_absent());
}

#[test]
fn a_watcher_is_sent_what_it_lacks_and_then_what_comes() {
    let mut bench = Bench::new();
    bench.tell(Input::Attach { joined: true });
    bench.begin(1);
    let call = commit_of(&bench.say(1, vec![status(TaskState::Working)])).unwrap();
    bench.applied(&call);
    let watch = News::Watch { after: Version::ABSENT, reach: Reach::Direct };
    let fx = bench.tell(Input::News { from: elsewhere(), news: watch, received: bench.now });
    assert!(
        fx.iter().any(
            |effect| matches!(effect, Effect::Send { news: News::Commits(sent), .. } if sent.len() == 1)
        )
    );
    bench.tell(Input::Sent { gone: vec![] });
    let call = commit_of(&bench.say(1, vec![status(TaskState::Working)])).unwrap();
    let fx = bench.applied(&call);
    assert!(
        fx.iter().any(
            |effect| matches!(effect, Effect::Send { news: News::Commits(sent), .. } if sent.len() == 1)
        )
    );
}

#[test]
fn a_watcher_that_is_gone_is_forgotten() {
    let mut bench = Bench::new();
    bench.run(TaskState::Working);
    let watch = News::Watch { after: Version::ABSENT, reach: Reach::Direct };
    bench.tell(Input::News { from: elsewhere(), news: watch, received: bench.now });
    let fx = bench.tell(Input::Sent { gone: vec![elsewhere()] });
    assert!(words(&fx).contains(&"ForgetWatcher".to_owned()));
    assert_eq!(bench.actor.watchers(), 0);
}

#[test]
fn an_evicted_instance_asks_for_nothing_more() {
    let mut bench = reader();
    assert!(words(&bench.tell(Input::Leave(Leave::Evicted))).is_empty());
    assert_eq!(bench.actor.deadline(), None);
}
