//! How many events a task's streams have carried, as its commits counted them.

use a2a::{Part, TaskState};
use a2a_core::{Generation, Replay, Tip, Version};

use super::walk::{assert_holds, assert_log};
use crate::StoreFixture;
use crate::sample::{Draft, TaskModel, at, chunk, claim, commit_id, instance, message, status};

/// The generation is what the commits said, not what the store counts by itself: after each of them, in what `load`
/// and `watch` return and in every entry of the log. The head's may be older, but not than the head's claim.
pub async fn the_generation_is_kept(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut model = TaskModel::new("t").begin(&*store).await;
    assert_eq!(model.generation, Generation::new(1));
    for n in 0..120_i64 {
        let piece = |text: &str| chunk(&model.task, "a", vec![Part::text(text)], n > 0);
        let said = message(&model.task, &n.to_string(), vec![Part::text("x")]);
        let events = match n % 5 {
            0 => vec![piece("one"), piece("two"), piece("three")],
            1 => vec![said],
            2 => vec![],
            3 => vec![status(&model.task, TaskState::Working, at(n))],
            _ => vec![said, piece("four")],
        };
        if n % 40 == 7 {
            model.tell_with(&*store, events, claim(instance())).await;
        } else {
            model.tell(&*store, events).await;
        }
        if n % 10 < 3 {
            assert_holds(&*other, &model).await;
        }
    }
    assert_eq!(model.generation, Generation::new(1 + 24 * 5), "events that streams carry");
    assert_holds(&*other, &model).await;
    assert_log(&*other, &model, Version::ABSENT).await;
    assert_log(&*store, &model, Version::new(100)).await;

    // The writer counts. A task whose streams began elsewhere goes on from where they were.
    let after = Tip { generation: Generation::new(5_000_000_000), ..model.tip() };
    let draft = Draft { after, id: commit_id(), ..model.draft(Vec::new()) };
    let _ = draft.send(&*store, &model.key).await;
    model.accept(&draft);
    let loaded = other.load(&model.key).await.unwrap().map(|stored| (stored.version, stored.generation));
    assert_eq!(loaded, Some((model.version, model.generation)));
    let watched = store.watch(&model.key, &instance()).await.unwrap();
    assert_eq!(watched.map(|stored| stored.generation), Some(model.generation));
    let before = Version::new(model.version.get() - 1);
    match other.commits_after(&model.key, before).await.unwrap() {
        Replay::Commits(commits) => assert_eq!(commits, model.log[model.log.len() - 1..]),
        Replay::Snapshot(stored) => assert_eq!(stored.generation, model.generation),
    }
}
