//! A store of our own, in some 360 lines: plain maps under one lock.
//!
//! Run it with `cargo run -p a2a-testkit --example custom_store`, and the contracts with
//! `cargo test -p a2a-testkit --example custom_store`. `docs/custom-store.md` walks through it.
#![allow(clippy::print_stderr, reason = "an example shows what it does")]

mod store;

use a2a::{StreamResponse, Task, TaskState, TaskStatus};
use a2a_core::{
    Commit, CommitId, Deployment, Env, Replay, SystemEnv, TaskKey, TaskStore, Tenant, Tip, Version, reduce,
};

use store::MapStore;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (store, env) = (MapStore::default(), SystemEnv);
    store.set_up();
    store.format().await?.check()?;
    let key = TaskKey::new(Tenant::default(), "t-1");
    let status = TaskStatus { state: TaskState::Submitted, message: None, timestamp: Some(env.now()) };
    let mut task = Task {
        id: key.task_id.clone(),
        context_id: "c-1".into(),
        status,
        artifacts: None,
        history: None,
        metadata: None,
    };

    // A commit says what happened, and what the task is after it.
    let birth =
        Commit::new(Tip::ABSENT, CommitId::generate(&env), vec![StreamResponse::Task(task.clone())], &task);
    let tip = birth.tip();
    eprintln!("created:  {:?}", store.commit(&key, birth).await?);

    let done = reduce::status(&task, TaskState::Completed, None, &env);
    reduce::apply(&mut task, &done);
    let end = Commit::new(tip, CommitId::generate(&env), vec![done.clone()], &task);
    eprintln!("ended:    {:?}", store.commit(&key, end).await?);

    // Whoever expects a version that has passed loses, and learns the actual one.
    let late = Commit::new(tip, CommitId::generate(&env), vec![done], &task);
    eprintln!("too late: {:?}", store.commit(&key, late).await?);

    if let Replay::Commits(commits) = store.commits_after(&key, Version::ABSENT).await? {
        commits.iter().for_each(|record| {
            eprintln!("in the log: {} with {} events", record.version, record.events.len())
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use a2a_core::Store;
    use a2a_testkit::{Fixture, StoreFixture, async_trait};

    use super::*;

    /// Maps of its own for each test.
    struct Maps(MapStore);

    #[async_trait]
    impl Fixture for Maps {
        async fn open() -> Option<Self> {
            let store = MapStore::default();
            store.set_up();
            Some(Maps(store))
        }

        async fn close(&self) {}
    }

    #[async_trait]
    impl StoreFixture for Maps {
        async fn handle(&self) -> Arc<dyn Store> {
            Arc::new(self.0.clone())
        }

        async fn unprepared_handle(&self) -> Option<Arc<dyn Store>> {
            Some(Arc::new(MapStore::default()))
        }
    }

    a2a_testkit::task_store_suite!(Maps);
    a2a_testkit::membership_suite!(Maps);
    a2a_testkit::push_configs_suite!(Maps);
    a2a_testkit::deployment_suite!(Maps);
}
