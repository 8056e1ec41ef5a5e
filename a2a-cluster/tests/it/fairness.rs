//! Nothing holds up anything else for long: no number of streams a cancel, no slow bus, no full instance.

use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::Config;
use a2a_core::{BusMessage, Recipient};
use async_trait::async_trait;
use futures::future::join_all;
use tokio::time::{Instant, sleep};

use crate::world::tapped::{Tap, tapped};
use crate::world::{Bus, Shared, World, quick, state, texts};

/// A bus each of whose sends takes so long.
#[derive(Debug)]
struct Slow(Duration);

#[async_trait]
impl Tap for Slow {
    async fn before_send(&self, _: &[Recipient], _: &BusMessage) {
        sleep(self.0).await;
    }
}

async fn slow_bus(instances: usize, millis: u64) -> World {
    slow_bus_with(instances, millis, quick()).await
}

async fn slow_bus_with(instances: usize, millis: u64, config: Config) -> World {
    let slow = Arc::new(Slow(Duration::from_millis(millis)));
    let shared = Shared { config, ..Shared::default() };
    World::start(instances, Bus::Plugged, shared, |bus| tapped(bus, &slow), |builder| builder).await
}

#[tokio::test(start_paused = true)]
async fn thousands_of_streams_that_open_at_once_hold_no_cancel_back() {
    let world = slow_bus(3, 15).await;
    let cancelled = world.nodes[0].start("hang").await;
    let tasks = join_all((0..2_000).map(|_| world.nodes[0].start("hang"))).await;
    let began = Instant::now();
    let opened = join_all(tasks.iter().map(|task| world.nodes[1].subscribe(&task.id))).await;
    let task = world.nodes[1].cancel(&cancelled.id).await.unwrap();
    assert_eq!(state(&task), TaskState::Canceled);
    assert!(began.elapsed() < Duration::from_millis(250), "{:?}", began.elapsed());
    drop(opened);
    world.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn the_agent_hears_a_cancel_in_time_wherever_streams_open() {
    // Streams open where the cancel comes from, or on all instances; the cancel comes before, amid or after them.
    for opens_on in [&[1][..], &[0, 1, 2]] {
        for after in [0, 40] {
            let world = slow_bus_with(3, 15, Config::default()).await;
            let cancelled = world.nodes[0].start("do work; hang / say heard; canceled").await;
            let tasks = join_all((0..2_000).map(|n| world.nodes[n % 2].start("do work; talk 0 400"))).await;
            let opened = tasks.iter().enumerate().map(|(n, task)| {
                let node = &world.nodes[opens_on[n % opens_on.len()]];
                async move { node.subscribe(&task.id).await.unwrap() }
            });
            let cancel = async {
                sleep(Duration::from_millis(after)).await;
                let began = Instant::now();
                let task = world.nodes[1].cancel(&cancelled.id).await.unwrap();
                (task, began.elapsed())
            };
            let (opened, (task, took)) = tokio::join!(join_all(opened), cancel);
            assert_eq!((state(&task), texts(&task)), (TaskState::Canceled, vec!["heard"]));
            assert!(took < Duration::from_millis(250), "{opens_on:?} after {after}: {took:?}");
            drop(opened);
            world.shutdown().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn cancels_of_many_tasks_among_many_streams_all_go_through() {
    let world = slow_bus(2, 15).await;
    let tasks = join_all((0..500).map(|_| world.nodes[0].start("hang"))).await;
    let opened = join_all(tasks.iter().map(|task| world.nodes[1].subscribe(&task.id))).await;
    let began = Instant::now();
    let cancels = join_all(tasks.iter().step_by(5).map(|task| world.nodes[1].cancel(&task.id))).await;
    assert!(
        cancels
            .iter()
            .all(|cancelled| cancelled.as_ref().is_ok_and(|task| state(task) == TaskState::Canceled))
    );
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    drop(opened);
    world.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn news_of_all_tasks_arrive_soon_although_each_send_is_slow() {
    let world = slow_bus(2, 15).await;
    let tasks = join_all((0..200).map(|_| world.nodes[0].start("do work; sleep 2000; done"))).await;
    let opened = join_all(tasks.iter().map(|task| world.nodes[1].subscribe(&task.id))).await;
    sleep(Duration::from_millis(1_500)).await;
    let began = Instant::now();
    for events in opened {
        assert_eq!(
            crate::world::last_state(&crate::world::drain(events.unwrap()).await),
            Some(TaskState::Completed)
        );
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    world.shutdown().await;
}
