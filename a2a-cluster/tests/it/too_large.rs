//! What becomes of a task whose agent says more than the store can keep.

use std::sync::Arc;

use a2a::TaskState;
use a2a_core::{BackendError, Commit};
use a2a_store_memory::MemoryStore;

use crate::world::checked::Checked;
use crate::world::{Bus, World, drain, fold, on_every_bus, quick, state, texts};

/// The most bytes of JSON that a commit may have.
const LIMIT: usize = 2_000;

/// A store of small commits only.
fn small_commits() -> Checked {
    Checked::new(MemoryStore::new(), |_, commit: &Commit<'_>| {
        let actual = serde_json::to_vec(&**commit.record()).unwrap().len();
        (actual > LIMIT).then_some(Err(BackendError::TooLarge { what: "a commit", actual, limit: LIMIT }))
    })
}

async fn narrow(bus: Bus) -> World {
    World::build(1, bus, |builder| builder.config(quick()).tasks(Arc::new(small_commits()))).await
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
