//! What the store forgets, and what it never does.

use a2a::{Part, StreamResponse, TaskState};
use a2a_core::{
    Commit, ConfigRevision, GivenUpDelivery, Membership, Outcome, PushConfigs, PushSubscription, Replay,
    SystemEnv, TaskQuery, TaskStore, Tenant, Tip, Version,
};
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use a2a_testkit::sample::{TaskModel, at, chunk, claim, commit_id, instance, status};

async fn ended(store: &MemoryStore, id: &str, state: TaskState) -> TaskModel {
    let mut model = TaskModel::new(id).begin(store).await;
    let event = status(&model.task, state, at(1));
    model.tell(store, vec![event]).await;
    model
}

async fn exists(store: &MemoryStore, model: &TaskModel) -> bool {
    store.head(&model.key).await.unwrap().is_some()
}

async fn listed(store: &MemoryStore) -> u64 {
    store.list(&TaskQuery::new(Tenant::default(), None, 1)).await.unwrap().total
}

fn webhook(task_id: &str) -> PushSubscription {
    let config = serde_json::from_value(serde_json::json!({"url": "http://x", "id": "w", "taskId": task_id}));
    PushSubscription::new(config.unwrap(), ConfigRevision::generate(&SystemEnv), Version::ABSENT)
}

#[tokio::test]
async fn the_tasks_that_finished_first_are_deleted() {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().finished_tasks(2));
    let states = [TaskState::Failed, TaskState::Completed, TaskState::Canceled, TaskState::Rejected];
    let mut models = Vec::new();
    for (id, state) in states.into_iter().enumerate() {
        models.push(ended(&store, &id.to_string(), state).await);
    }
    assert!(!exists(&store, &models[0]).await);
    assert!(!exists(&store, &models[1]).await);
    assert!(exists(&store, &models[2]).await);
    assert!(exists(&store, &models[3]).await);
    assert_eq!(listed(&store).await, 2);
}

#[tokio::test]
async fn running_and_parked_tasks_are_never_deleted() {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().finished_tasks(1));
    let running = ended(&store, "running", TaskState::Working).await;
    let parked = ended(&store, "parked", TaskState::InputRequired).await;
    for id in 0..10 {
        ended(&store, &id.to_string(), TaskState::Completed).await;
    }
    assert!(exists(&store, &running).await);
    assert!(exists(&store, &parked).await);
    assert_eq!(listed(&store).await, 3);
}

#[tokio::test]
async fn a_store_may_keep_no_finished_task() {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().finished_tasks(0));
    let model = ended(&store, "t", TaskState::Completed).await;
    assert!(!exists(&store, &model).await);
    assert_eq!(listed(&store).await, 0);
}

#[tokio::test]
async fn all_that_belongs_to_a_deleted_task_goes_with_it() {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().finished_tasks(1));
    let me = instance();
    let mut model = TaskModel::new("t").begin(&store).await;
    store.save_config(&model.key, &webhook("t")).await.unwrap();
    let event = status(&model.task, TaskState::Completed, at(1));
    model.tell_with(&store, vec![event], claim(me)).await;
    assert_eq!(store.executing(&me, None).await.unwrap().tasks, [model.key.clone()]);

    ended(&store, "next", TaskState::Completed).await;
    assert!(!exists(&store, &model).await);
    assert!(store.executing(&me, None).await.unwrap().tasks.is_empty());
    assert!(store.list_configs(&model.key).await.unwrap().is_empty());
    assert_eq!(store.commits_after(&model.key, Version::ABSENT).await.unwrap(), Replay::Commits(vec![]));
}

#[tokio::test]
async fn a_task_that_was_deleted_and_made_anew_is_not_deleted_for_its_past() {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().finished_tasks(2));
    let first = ended(&store, "again", TaskState::Completed).await;
    assert!(store.delete(&first.key).await.unwrap());
    let again = TaskModel::new("again").begin(&store).await;
    for id in 0..5 {
        ended(&store, &id.to_string(), TaskState::Completed).await;
    }
    assert!(exists(&store, &again).await);
    assert_eq!(listed(&store).await, 3);
}

#[tokio::test]
async fn a_terminal_state_is_never_left() {
    let store = MemoryStore::new();
    let model = ended(&store, "t", TaskState::Completed).await;
    let mut wrong = model.draft(vec![status(&model.task, TaskState::Working, at(9))]);
    wrong.task.status.state = TaskState::Working;
    assert_eq!(wrong.send(&store, &model.key).await, Outcome::Applied(Version::new(3)));

    let stored = store.load(&model.key).await.unwrap().unwrap();
    assert_eq!(stored.task, model.task);
    assert_eq!(stored.head.state, TaskState::Completed);
    let query = TaskQuery { state: Some(TaskState::Working), ..TaskQuery::new(Tenant::default(), None, 9) };
    assert_eq!(store.list(&query).await.unwrap().total, 0);
}

#[tokio::test]
async fn commits_that_left_the_log_are_replaced_by_a_snapshot() {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().log_commits(3));
    let mut model = TaskModel::new("t").begin(&store).await;
    for number in 0..9 {
        let event = chunk(&model.task, "a", vec![Part::text(number.to_string())], number > 0);
        model.tell(&store, vec![event]).await;
    }
    let replay = store.commits_after(&model.key, Version::new(6)).await.unwrap();
    assert_eq!(replay, Replay::Snapshot(Box::new(model.stored().unwrap())));
    let replay = store.commits_after(&model.key, Version::new(7)).await.unwrap();
    assert_eq!(replay, Replay::Commits(model.log[7..].to_vec()));
}

#[tokio::test]
async fn replays_share_the_commits_with_their_writer() {
    let store = MemoryStore::new();
    let model = TaskModel::new("t");
    let events = vec![StreamResponse::Task(model.task.clone())];
    let commit = Commit::new(Tip::ABSENT, commit_id(), events, &model.task);
    let record = std::sync::Arc::clone(commit.record());
    assert_eq!(store.commit(&model.key, commit).await.unwrap(), Outcome::Applied(Version::new(1)));

    let replay = store.commits_after(&model.key, Version::ABSENT).await.unwrap();
    let Replay::Commits(commits) = replay else { panic!("a snapshot of a short log") };
    assert!(std::sync::Arc::ptr_eq(&commits[0], &record));
}

#[tokio::test]
async fn a_log_that_does_not_begin_with_the_task_is_rejected() {
    let store = MemoryStore::new();
    let model = TaskModel::new("t");
    for events in [vec![], vec![status(&model.task, TaskState::Working, at(0))]] {
        let commit = Commit::new(Tip::ABSENT, commit_id(), events, &model.task);
        assert!(matches!(
            store.commit(&model.key, commit).await,
            Err(a2a_core::BackendError::Rejected { .. })
        ));
        assert!(!exists(&store, &model).await);
    }
}

#[tokio::test]
async fn a_page_of_what_an_instance_executes_is_as_large_as_configured() {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().executing_page(2));
    let me = instance();
    for id in ["a", "b", "c"] {
        let mut model = TaskModel::new(id).begin(&store).await;
        model.tell_with(&store, Vec::new(), claim(me)).await;
    }
    let first = store.executing(&me, None).await.unwrap();
    assert_eq!(first.tasks.len(), 2);
    let last = store.executing(&me, first.next.as_ref()).await.unwrap();
    assert_eq!((last.tasks.len(), last.next), (1, None));
}

#[tokio::test]
async fn the_deliveries_that_were_given_up_first_are_forgotten() {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().given_up_deliveries(2));
    let key = TaskModel::new("t").key;
    let delivery = |id: u64| GivenUpDelivery {
        task: key.clone(),
        config_id: id.to_string(),
        version: Version::new(id),
        host: "example.com".into(),
        reason: "status 410".into(),
        at: at(id as i64),
    };
    let listed = async || {
        let listed = store.given_up(None, 10).await.unwrap();
        listed.into_iter().map(|delivery| delivery.version.get()).collect::<Vec<_>>()
    };
    // The one that is given up again is the latest then.
    for id in [1, 2, 1, 3] {
        store.give_up(&delivery(id)).await.unwrap();
    }
    assert_eq!(listed().await, [1, 3]);
    store.forget_given_up(&key, "3").await.unwrap();
    store.give_up(&delivery(4)).await.unwrap();
    assert_eq!(listed().await, [1, 4]);
    store.give_up(&delivery(5)).await.unwrap();
    assert_eq!(listed().await, [4, 5]);
}

#[tokio::test]
async fn debug_output_shows_no_task() {
    let store = MemoryStore::new();
    TaskModel::new("secret").begin(&store).await;
    assert!(!format!("{store:?}").contains("secret"));
}

#[tokio::test]
async fn logs_of_finished_tasks_go_from_the_first_to_finish() {
    let one = {
        let store = MemoryStore::new();
        let model = eventful(&store, "measured").await;
        model.log.iter().map(|record| serde_json::to_vec(&**record).unwrap().len()).sum::<usize>()
    };
    // Room for some of them, however the store weighs content.
    let store = MemoryStore::with_config(MemoryStoreConfig::default().finished_log_bytes(6 * one));
    let mut models = Vec::new();
    for n in 0..40 {
        models.push(eventful(&store, &format!("t{n}")).await);
    }
    let mut kept = Vec::new();
    for model in &models {
        // The content stays, whatever becomes of the log.
        assert_eq!(store.load(&model.key).await.unwrap(), model.stored());
        kept.push(match store.commits_after(&model.key, Version::ABSENT).await.unwrap() {
            Replay::Commits(commits) => {
                assert_eq!(commits, model.log);
                true
            }
            Replay::Snapshot(stored) => {
                assert_eq!(Some(*stored), model.stored());
                false
            }
        });
    }
    let first = kept.iter().position(|kept| *kept).unwrap();
    assert!((1..40).contains(&first), "{kept:?}");
    assert!(kept[first..].iter().all(|kept| *kept), "{kept:?}");
    // Who has all but the last commit still gets that alone.
    let early = &models[0];
    let last = early.log.last().cloned().unwrap();
    let before = Version::new(early.version.get() - 1);
    assert_eq!(store.commits_after(&early.key, before).await.unwrap(), Replay::Commits(vec![last]));
}

async fn eventful(store: &MemoryStore, id: &str) -> TaskModel {
    let mut model = TaskModel::new(id).begin(store).await;
    for n in 0..20 {
        let said =
            a2a_testkit::sample::message(&model.task, &n.to_string(), vec![a2a::Part::text("x".repeat(200))]);
        model.tell(store, vec![said]).await;
    }
    let done = status(&model.task, TaskState::Completed, at(1));
    model.tell(store, vec![done]).await;
    model
}
