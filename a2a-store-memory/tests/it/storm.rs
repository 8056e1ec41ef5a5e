//! Many threads at once: nothing waits for itself, and the indexes agree with the tasks afterwards.

use std::thread;

use a2a::{StreamResponse, TaskState};
use a2a_core::{ClaimChange, Commit, InstanceId, Membership, TaskKey, TaskQuery, TaskStore, Tenant, Tip};
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use a2a_testkit::sample::{at, claim, commit_id, instance, status, task};
use tokio::runtime::Builder;

const THREADS: usize = 4;
const KEYS: usize = 24;
const FINISHED: usize = 5;
const STATES: [TaskState; 3] = [TaskState::Working, TaskState::InputRequired, TaskState::Failed];

fn key(number: usize) -> TaskKey {
    TaskKey::new(Tenant::default(), (number % KEYS).to_string())
}

async fn create(store: &MemoryStore, key: &TaskKey, me: InstanceId, context: usize) {
    let whole = task(&key.task_id, &context.to_string(), TaskState::Submitted, at(0));
    let events = vec![StreamResponse::Task(whole.clone())];
    let commit = Commit::new(Tip::ABSENT, commit_id(), events, &whole);
    let _ = store.commit(key, commit.claim(claim(me))).await.unwrap();
}

async fn change(store: &MemoryStore, key: &TaskKey, me: InstanceId, step: usize) {
    let Some(stored) = store.load(key).await.unwrap() else { return };
    if stored.task.status.state.is_terminal() {
        return;
    }
    let event = status(&stored.task, STATES[step % STATES.len()].clone(), at(step as i64));
    let tip = stored.tip();
    let mut next = stored.task;
    a2a_core::reduce::apply(&mut next, &event);
    let commit = Commit::new(tip, commit_id(), vec![event], &next);
    let change = match step % 2 {
        0 => ClaimChange::End,
        _ => claim(me),
    };
    let _ = store.commit(key, commit.claim(change)).await.unwrap();
}

async fn release(store: &MemoryStore, key: &TaskKey) {
    if let Some(held) = store.head(key).await.unwrap().and_then(|head| head.claim) {
        store.release(key, &held).await.unwrap();
    }
}

async fn weather(store: MemoryStore, me: InstanceId, thread: usize) {
    for step in 0..3_000 {
        let key = key(step * (thread + 3) + thread);
        match step % 7 {
            0 | 1 => create(&store, &key, me, step % 3).await,
            2..=4 => change(&store, &key, me, step).await,
            5 => assert!(store.list(&TaskQuery::new(key.tenant, None, 4)).await.unwrap().tasks.len() <= 4),
            _ if step % 14 == 6 => assert!(store.delete(&key).await.is_ok()),
            _ => release(&store, &key).await,
        }
    }
}

#[test]
fn the_indexes_agree_with_the_tasks_after_a_storm() {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().finished_tasks(FINISHED));
    let instances: Vec<InstanceId> = (0..THREADS).map(|_| instance()).collect();
    thread::scope(|scope| {
        for (thread, me) in instances.iter().enumerate() {
            let weather = weather(store.clone(), *me, thread);
            scope.spawn(move || Builder::new_current_thread().build().unwrap().block_on(weather));
        }
    });

    Builder::new_current_thread().build().unwrap().block_on(async {
        let mut tasks = Vec::new();
        for number in 0..KEYS {
            tasks.extend(store.load(&key(number)).await.unwrap());
        }
        let finished = tasks.iter().filter(|stored| stored.task.status.state.is_terminal()).count();
        assert!(finished <= FINISHED, "{finished} finished tasks");

        for context in [None, Some("0"), Some("1"), Some("2")] {
            for state in [None, Some(TaskState::Submitted), Some(STATES[0].clone()), Some(STATES[2].clone())]
            {
                let context_id = context.map(str::to_owned);
                let everything = TaskQuery::new(Tenant::default(), None, KEYS);
                let query = TaskQuery { context_id, state, ..everything };
                let page = store.list(&query).await.unwrap();
                let expected = tasks.iter().filter(|stored| query.matches(&stored.task)).count();
                assert_eq!((page.tasks.len(), page.total), (expected, expected as u64), "{query:?}");
            }
        }
        for me in &instances {
            let theirs =
                |stored: &&a2a_core::StoredTask| stored.head.claim.is_some_and(|claim| claim.instance == *me);
            let mut expected: Vec<TaskKey> =
                tasks.iter().filter(theirs).map(|s| TaskKey::new(Tenant::default(), &*s.task.id)).collect();
            expected.sort();
            assert_eq!(store.executing(me, None).await.unwrap().tasks, expected);
        }
    });
}
