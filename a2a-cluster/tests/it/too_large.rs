//! What becomes of a task whose agent says more than the store can keep.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_core::{
    BackendError, Claim, Commit, InstanceId, Outcome, Replay, Result, StoredTask, TaskHead, TaskKey,
    TaskPage, TaskQuery, TaskStore, Version,
};
use a2a_store_memory::MemoryStore;
use async_trait::async_trait;

use crate::world::{Bus, World, drain, fold, on_every_bus, quick, state, texts};

/// The most bytes of JSON that a commit may have.
const LIMIT: usize = 2_000;

/// A store of small commits only.
#[derive(Debug, Default)]
struct Narrow(MemoryStore);

#[async_trait]
impl TaskStore for Narrow {
    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        let actual = serde_json::to_vec(&**commit.record()).unwrap().len();
        if actual > LIMIT {
            return Err(BackendError::TooLarge { what: "a commit", actual, limit: LIMIT });
        }
        self.0.commit(key, commit).await
    }

    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.0.load(key).await
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        self.0.head(key).await
    }

    fn commit_spacing(&self) -> Duration {
        self.0.commit_spacing()
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.0.commits_after(key, after).await
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        self.0.watch(key, watcher).await
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.0.watchers(key).await
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.0.unwatch(key, watcher).await
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        self.0.release(key, claim).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.0.list(query).await
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.0.delete(key).await
    }
}

async fn narrow(bus: Bus) -> World {
    World::build(1, bus, |builder| builder.config(quick()).tasks(Arc::new(Narrow::default()))).await
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_task_whose_first_commit_is_too_large_exists_and_has_failed(bus) {
        let world = narrow(bus).await;
        let task = world.nodes[0].send("burst 50").await;
        assert_eq!(state(&task), TaskState::Failed);
        assert!(texts(&task).is_empty());
        assert_eq!(world.nodes[0].get(&task.id).await.unwrap(), task);
        assert_eq!(task.history.unwrap().len(), 1);

        let streamed = fold(&drain(world.nodes[0].stream("burst 50").await).await);
        assert_eq!(state(&streamed), TaskState::Failed);
        world.shutdown().await;
    }
}
