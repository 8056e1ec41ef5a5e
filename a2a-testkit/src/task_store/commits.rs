//! One commit after another: applied, refused, repeated.

use a2a::{Part, TaskState};
use a2a_core::{Outcome, Principal, Version};

use super::walk::{assert_holds, assert_log};
use crate::StoreFixture;
use crate::sample::{Draft, Story, at, claim, commit_id, instance, message, status};

/// A commit that expects the current version makes exactly the next one, on whichever handle.
pub async fn a_commit_that_expects_the_current_version_is_applied(fixture: &dyn StoreFixture) {
    let handles = [fixture.handle().await, fixture.handle().await];
    let mut story = Story::new("t").begin(&*handles[0]).await;
    for n in 1..10 {
        let said = message(&story.task, &n.to_string(), vec![Part::text("more")]);
        story.tell(&*handles[n % 2], vec![said]).await;
        assert_eq!(story.version, Version::new(n as u64 + 1));
    }
    story.tell(&*handles[0], Vec::new()).await;
    assert_holds(&*handles[1], &story).await;
}

/// A commit that expects any other version writes nothing and learns the actual one.
pub async fn a_commit_that_expects_another_version_conflicts(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let me = instance();

    let absent = Story::new("absent");
    let early = absent.draft(vec![]).expecting(1);
    let outcome = early.send(&*store, &absent.key).await;
    assert_eq!(outcome, Outcome::Conflict { actual: Version::ABSENT }, "of a commit to an absent task");
    assert_holds(&*other, &absent).await;

    let mut story = Story::new("t").by("ann").begin(&*store).await;
    for state in [TaskState::Working, TaskState::InputRequired] {
        let event = status(&story.task, state, at(1));
        story.tell_with(&*store, vec![event], claim(me)).await;
    }
    for expected in [0, 1, 2, 4, 5, 1_000_000] {
        let event = status(&story.task, TaskState::Failed, at(9));
        let wrong = Draft {
            change: claim(instance()),
            principal: Some(Principal::new("eve")),
            ..story.draft(vec![event]).expecting(expected)
        };
        let outcome = wrong.send(&*other, &story.key).await;
        assert_eq!(outcome, Outcome::Conflict { actual: story.version }, "of a commit expecting {expected}");
        assert_holds(&*store, &story).await;
        assert_holds(&*other, &story).await;
    }
    assert_log(&*other, &story, Version::ABSENT).await;
    story.tell(&*other, vec![]).await;
}

/// A commit sent again, on any handle and by any number of tasks, counts once and is answered as before.
pub async fn a_repeated_commit_with_the_same_id_is_applied_once(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let me = instance();
    let mut story = Story::new("t");

    let whole = a2a::StreamResponse::Task(story.task.clone());
    let birth = story.draft(vec![whole]);
    for handle in [&store, &other, &store] {
        assert_eq!(birth.send(&**handle, &story.key).await, Outcome::Applied(Version::new(1)));
    }
    story.accept(&birth);

    let said = message(&story.task, "m", vec![Part::text("once")]);
    let draft = Draft { change: claim(me), ..story.draft(vec![said]) };
    let everywhere = (0..8).map(|n| draft.send(if n % 2 == 0 { &*store } else { &*other }, &story.key));
    for outcome in futures::future::join_all(everywhere).await {
        assert_eq!(outcome, Outcome::Applied(Version::new(2)), "of one of eight copies of a commit");
    }
    story.accept(&draft);
    assert_holds(&*other, &story).await;

    // What happened to the claim since then is not undone by its echo.
    let held = story.claim.expect("a claim");
    store.release(&story.key, &held).await.unwrap();
    story.released(&held);
    assert_eq!(draft.send(&*other, &story.key).await, Outcome::Applied(Version::new(2)));
    assert_holds(&*store, &story).await;

    let twin = Draft { id: commit_id(), ..draft.clone() };
    let outcome = twin.send(&*store, &story.key).await;
    assert_eq!(outcome, Outcome::Conflict { actual: story.version }, "of an equal commit under another id");

    story.tell(&*store, vec![message(&story.task, "n", vec![Part::text("later")])]).await;
    match draft.send(&*other, &story.key).await {
        Outcome::Applied(version) => assert_eq!(version, Version::new(2)),
        Outcome::Conflict { actual } => assert_eq!(actual, story.version),
    }
    assert_holds(&*other, &story).await;
    assert_log(&*store, &story, Version::ABSENT).await;
}

/// The creator is whom the first commit names, be it nobody; later commits cannot change it.
pub async fn the_principal_is_set_by_the_first_commit_only(fixture: &dyn StoreFixture) {
    let store = fixture.handle().await;
    let stories = [Story::new("hers").by("ann"), Story::new("nobodys"), Story::new("empty").by("")];
    for story in stories {
        let mut story = story.begin(&*store).await;
        for claimed in [Some("bob"), None, Some("")] {
            let event = status(&story.task, TaskState::Working, at(1));
            let principal = claimed.map(Principal::new);
            let draft = Draft { principal, ..story.draft(vec![event]) };
            assert_eq!(draft.send(&*store, &story.key).await, Outcome::Applied(draft.next()));
            story.accept(&draft);
            assert_holds(&*store, &story).await;
        }
    }
}
