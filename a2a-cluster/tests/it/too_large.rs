//! What becomes of a task whose agent says more than the store can keep.

use a2a::TaskState;
use a2a_server::RequestHandler;

use crate::world::hooked::{Fate, hooked};
use crate::world::{Bus, World, drain, fold, on_every_bus, params, quick, request, state, texts};

/// The most bytes of JSON that a commit may have.
const LIMIT: usize = 2_000;

/// An instance on a store of small commits only.
async fn narrow(bus: Bus) -> World {
    let (store, world) = hooked(1, bus, quick()).await;
    store.set(|_, _, commit| {
        match commit.map(|commit| serde_json::to_vec(&**commit.record()).unwrap().len()) {
            Some(bytes) if bytes > LIMIT => Fate::TooLarge(bytes, LIMIT),
            _ => Fate::Answered,
        }
    });
    world
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn what_is_too_large_only_as_a_whole_is_committed_in_pieces(bus) {
        let world = narrow(bus).await;
        let task = world.nodes[0].send("burst 50").await;
        assert_eq!(state(&task), TaskState::Completed);
        assert_eq!(texts(&task).len(), 50);
        assert_eq!(world.nodes[0].get(&task.id).await.unwrap(), task);

        let streamed = fold(&drain(world.nodes[0].stream("burst 50").await).await);
        assert_eq!(texts(&streamed).len(), 50);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_is_too_large_by_itself_fails_its_task_and_loses_nothing_before(bus) {
        let world = narrow(bus).await;
        for (command, before) in [("stream 1 0 3000", 0), ("stream 1 100 3000", 0)] {
            let task = world.nodes[0].send(command).await;
            assert_eq!(state(&task), TaskState::Failed);
            assert_eq!(texts(&task).len(), before);
            assert_eq!(world.nodes[0].get(&task.id).await.unwrap(), task);
            let streamed = fold(&drain(world.nodes[0].stream(command).await).await);
            assert_eq!(state(&streamed), TaskState::Failed);
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_too_large_to_be_kept_is_refused(bus) {
        let world = narrow(bus).await;
        let request = request(&format!("echo {}", "x".repeat(3_000)));
        let refused = world.nodes[0].handler.send_message(&params(), request).await;
        assert_eq!(refused.unwrap_err().code, a2a::error_code::INVALID_PARAMS);
        world.shutdown().await;
    }
}
