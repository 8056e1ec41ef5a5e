//! One budget for all retries of an instance: in overload nearly everything is sent once, and nothing is lost for it.

use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::{Config, retry_after};
use futures::future::join_all;
use tokio::time::{sleep, timeout};

use crate::world::hooked::{Call, Fate, hooked};
use crate::world::{eventually, on_every_bus, state};

/// How many ask at once.
const CALLERS: usize = 300;

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn when_nearly_all_fails_few_retries_are_quick(bus) {
        let (store, world) = hooked(1, bus, Config::default()).await;
        let task = world.nodes[0].send("echo x").await;
        let reads = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = reads.clone();
        store.set(move |call, _, _| match call {
            Call::Load => {
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Fate::Refused
            }
            _ => Fate::Answered,
        });
        let asked = join_all((0..CALLERS).map(|_| world.nodes[0].get(&task.id)));
        let answers = timeout(Duration::from_secs(6), asked).await.unwrap();
        assert!(answers.iter().all(|answer| answer.as_ref().is_err_and(|error| retry_after(error).is_some())));
        let reads = reads.load(std::sync::atomic::Ordering::Relaxed);
        // A hundred retries at most are quick; beyond them each caller waits one or two seconds between its own. Without
        // a budget each would send seven or eight in five seconds.
        assert!((CALLERS..CALLERS * 5).contains(&reads), "{reads} reads");
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_budget_a_commit_is_made_all_the_same(bus) {
        let (store, world) = hooked(1, bus, Config::default()).await;
        let mut tasks = Vec::new();
        for _ in 0..50 {
            tasks.push(world.nodes[0].start("do work; sleep 500; say x; done").await);
        }
        store.all(&[Call::Commit], Fate::Refused);
        sleep(Duration::from_secs(20)).await;
        store.heal();
        for task in &tasks {
            eventually("it is completed", || async { state(&world.load(&task.id).await.task) == TaskState::Completed })
                .await;
        }
        world.shutdown().await;
    }
}
