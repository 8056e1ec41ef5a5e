//! A store that asks for some time between commits: progress gathers, nothing else waits.

use std::time::Duration;

use a2a::{StreamResponse, TaskState};
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use futures::StreamExt;
use tokio::time::Instant;

use crate::world::{Bus, World, drain, fold, on_every_bus, state, texts};

const LONG: Duration = Duration::from_secs(3600);

async fn spaced(instances: usize, bus: Bus, spacing: Duration) -> World {
    let store = MemoryStore::with_config(MemoryStoreConfig::default().commit_spacing(spacing));
    World::keeping(instances, bus, store).await
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn what_an_agent_says_within_the_spacing_is_one_commit(bus) {
        let world = spaced(2, bus, Duration::from_millis(50)).await;
        let events = drain(world.nodes[0].stream("stream 100 10").await).await;
        let task = fold(&events);
        assert_eq!(texts(&task).len(), 100);
        assert_eq!(events.len(), 103, "the task, its work, its chunks and its end are events of their own");
        let commits = world.load(&task.id).await.version.get();
        assert!((20..=24).contains(&commits), "a second of chunks took {commits} commits");
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_speaks_less_often_than_that_is_never_late(bus) {
        let world = spaced(1, bus, Duration::from_millis(50)).await;
        let mut events = world.nodes[0].stream("stream 5 60").await;
        let begun = Instant::now();
        let mut chunks = 0;
        while let Some(event) = events.next().await {
            if matches!(event.unwrap(), StreamResponse::ArtifactUpdate(_)) {
                chunks += 1;
                let said = Duration::from_millis(60) * chunks;
                assert!(begun.elapsed() < said + Duration::from_millis(10), "chunk {chunks} came late");
            }
        }
        assert_eq!(chunks, 5);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_agent_says_last_before_a_silence_is_late_by_the_spacing_and_no_more(bus) {
        let world = spaced(1, bus, Duration::from_millis(50)).await;
        let mut events = world.nodes[0].stream("do work; sleep 1000; say a; sleep 10; say b; hang").await;
        let begun = Instant::now();
        let mut chunks = 0;
        while chunks < 2 {
            let event = events.next().await.expect("both").unwrap();
            chunks += usize::from(matches!(event, StreamResponse::ArtifactUpdate(_)));
        }
        assert!(begun.elapsed() < Duration::from_millis(1_100), "{:?}", begun.elapsed());
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_a_turn_waits_for_nothing(bus) {
        let world = spaced(1, bus, LONG).await;
        let begun = Instant::now();
        let task = world.nodes[0].send("stream 5 10").await;
        assert_eq!((state(&task), texts(&task).len()), (TaskState::Completed, 5));
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert!(world.load(&task.id).await.version.get() <= 3);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_waits_for_nothing_and_keeps_what_was_said_before(bus) {
        let world = spaced(1, bus, LONG).await;
        let task = world.nodes[0].start("stream 1000 10").await;
        tokio::time::sleep(Duration::from_millis(105)).await;
        let begun = Instant::now();
        let canceled = world.nodes[0].cancel(&task.id).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(state(&canceled), TaskState::Canceled);
        assert!(texts(&canceled).len() >= 10, "{:?}", texts(&canceled));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_that_stops_commits_what_it_holds(bus) {
        let world = spaced(1, bus, LONG).await;
        let task = world.nodes[0].start("stream 1000 10").await;
        tokio::time::sleep(Duration::from_millis(105)).await;
        world.nodes[0].cluster.shutdown(Duration::ZERO).await;
        let stored = world.load(&task.id).await.task;
        assert_eq!(state(&stored), TaskState::Failed);
        assert!(texts(&stored).len() >= 10, "{:?}", texts(&stored));
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_a_commit_holds_waits_for_nothing(bus) {
        let world = spaced(1, bus, LONG).await;
        let task = world.nodes[0].start("stream 3000 1").await;
        tokio::time::sleep(Duration::from_millis(2900)).await;
        let stored = world.load(&task.id).await.task;
        assert!(!texts(&stored).is_empty(), "full commits are applied while the agent goes on");
        world.shutdown().await;
    }
}
