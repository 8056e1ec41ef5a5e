//! Deletion leaves nothing behind that a later task under the same key could stumble over.

use a2a::{Part, TaskState};
use a2a_core::{CallerContext, Outcome, Replay, Store, TaskKey, TaskQuery, Tenant, Version};

use super::walk::{assert_holds, assert_log, ids};
use crate::StoreFixture;
use crate::expect::eventually;
use crate::push_configs::subscription;
use crate::sample::{Draft, TaskModel, at, awkward_metadata, chunk, claim, instance, message, noise, status};

/// After a delete the task is as if it had never been: log, snapshots, watchers, claim, caller,
/// principal and push configs. The same key can be created anew and begins at version 1. All other tasks stay.
pub async fn delete_removes_everything_of_a_task(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let neighbours = ["", "t", "t1", "t#", "t#C"].map(|id| TaskKey::new(Tenant::new("neighbour"), id));
    let near = ["", "t1", "t#", "t#C", "T"].map(|id| TaskKey::new(Tenant::default(), id));
    let mut others = Vec::new();
    for key in neighbours.into_iter().chain(near) {
        others.push(eventful(&*store, TaskModel::about(key, "c").by("ann"), 3).await);
    }

    let absent = TaskModel::new("t");
    assert!(!store.delete(&absent.key).await.unwrap(), "deleting what is not there");
    for commits in [140, 2, 0] {
        let model = eventful(&*store, TaskModel::new("t").by("ann"), commits).await;
        let id = model.key.task_id.clone();
        assert_holds(&*other, &model).await;
        assert!(store.delete(&model.key).await.unwrap(), "deleting what is there");
        assert_gone(&*store, &absent).await;
        assert_gone(&*other, &absent).await;
        assert!(!other.delete(&model.key).await.unwrap(), "deleting it again");

        let late = model.draft(vec![status(&model.task, TaskState::Failed, at(9))]);
        let outcome = late.send(&*other, &model.key).await;
        assert_eq!(outcome, Outcome::Conflict { actual: Version::ABSENT }, "of a commit to a deleted task");

        let executor = model.claim.expect("a claim").instance;
        let (ann, nobody) = (TaskQuery::new(Tenant::default(), model.principal, 100), list_of_nobody());
        eventually(fixture.patience(), (false, Vec::new(), false), async || {
            let listed = ids(&*other, &ann).await.contains(&id);
            let executing = other.executing(&executor, None).await.unwrap();
            (listed, executing.tasks, ids(&*other, &nobody).await.contains(&id))
        })
        .await;

        let mut anew = TaskModel::new("t");
        anew.task.context_id = "another".into();
        let anew = anew.begin(&*other).await;
        assert_holds(&*store, &anew).await;
        assert_log(&*store, &anew, Version::ABSENT).await;
        assert_eq!(store.list_configs(&anew.key).await.unwrap(), Vec::new(), "configs of the new task");
        assert!(store.delete(&anew.key).await.unwrap());
    }
    for model in others {
        assert_holds(&*other, &model).await;
        assert_eq!(other.list_configs(&model.key).await.unwrap(), [subscription(&model.key, "hook")]);
        assert_log(&*other, &model, Version::ABSENT).await;
    }
}

fn list_of_nobody() -> TaskQuery {
    TaskQuery::new(Tenant::default(), None, 100)
}

async fn eventful(store: &dyn Store, model: TaskModel, commits: i64) -> TaskModel {
    let mut model = model.begin(store).await;
    let caller =
        Some(CallerContext { claims: awkward_metadata().into_iter().collect(), ..Default::default() });
    let draft = Draft { change: claim(instance()), caller, ..model.draft(Vec::new()) };
    assert_eq!(draft.send(store, &model.key).await, Outcome::Applied(draft.next()));
    model.accept(&draft);
    for n in 0..commits {
        let event = match n % 3 {
            0 => status(&model.task, TaskState::Working, at(n)),
            1 => chunk(&model.task, "a", vec![Part::text(noise(n as u64, 4_000))], true),
            _ => message(&model.task, &n.to_string(), vec![Part::text("x")]),
        };
        model.tell(store, vec![event]).await;
    }
    let watcher = instance();
    store.watch(&model.key, &watcher).await.unwrap();
    model.watchers.insert(watcher);
    store.save_config(&model.key, &subscription(&model.key, "hook")).await.unwrap();
    model
}

async fn assert_gone(store: &dyn Store, absent: &TaskModel) {
    assert_holds(store, absent).await;
    let replay = store.commits_after(&absent.key, Version::ABSENT).await.unwrap();
    assert_eq!(replay, Replay::Commits(Vec::new()), "the log of a deleted task");
    assert_eq!(store.list_configs(&absent.key).await.unwrap(), Vec::new(), "configs of a deleted task");
    assert_eq!(store.get_config(&absent.key, "hook").await.unwrap(), None, "a config of a deleted task");
    assert_eq!(store.watch(&absent.key, &instance()).await.unwrap(), None, "watching a deleted task");
}
