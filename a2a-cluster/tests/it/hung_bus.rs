//! A bus of which single calls are never answered: what comes after them is served all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a::StreamResponse;
use a2a_cluster::BusState;
use a2a_cluster::Cluster;
use a2a_core::{BusMessage, News, Recipient};
use a2a_store_memory::MemoryStore;
use async_trait::async_trait;
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use crate::world::tapped::{Tap, tapped};
use crate::world::{Bus, World, card, eventually, webhooks};
use a2a_testkit::ScriptedAgent;

/// How many calls hang from now on: connecting, and sending commits.
#[derive(Debug, Default)]
struct Hangs {
    connects: AtomicUsize,
    commits: AtomicUsize,
}

async fn hang_once(left: &AtomicUsize) {
    if left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok() {
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Tap for Hangs {
    async fn before_connect(&self) {
        hang_once(&self.connects).await;
    }

    async fn before_send(&self, _: &[Recipient], message: &BusMessage) {
        if let News::Commits(_) = message.news {
            hang_once(&self.commits).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_one_send_that_hangs_the_bus_carries_the_next_commits_again() {
    let hangs = Arc::<Hangs>::default();
    let world = World::over(2, Bus::Plugged, |bus| tapped(bus, &hangs)).await;
    // Each number is said at a full second, and checks after silence come at odd times.
    let task = world.nodes[0].start("do work; talk 0 1000").await;
    let said = Instant::now();
    let mut events = world.nodes[1].subscribe(&task.id).await.unwrap();
    sleep(Duration::from_secs(3)).await;
    hangs.commits.store(1, Ordering::Release);
    sleep(Duration::from_secs(20)).await;
    while timeout(Duration::from_millis(1), events.next()).await.is_ok() {}
    for _ in 0..20 {
        let event = events.next().await.unwrap().unwrap();
        assert!(matches!(event, StreamResponse::ArtifactUpdate(_)));
        assert_eq!(said.elapsed().as_millis() % 1_000, 0, "it comes by the bus");
    }
    drop(events);
    world.nodes[0].cancel(&task.id).await.unwrap();
    world.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_never_answered_is_tried_again() {
    let hangs = Arc::new(Hangs { connects: AtomicUsize::new(1), ..Hangs::default() });
    let bus = tapped(Arc::new(a2a_bus_memory::MemoryBus::new()), &hangs);
    let builder = Cluster::builder(Arc::new(ScriptedAgent::default()), card())
        .webhooks(webhooks())
        .store(Arc::new(MemoryStore::new()));
    let cluster = builder.bus(bus).start().await.unwrap();
    sleep(Duration::from_secs(150)).await;
    eventually("it is connected", || async { cluster.readiness().bus() == BusState::Connected }).await;
    cluster.shutdown(Duration::ZERO).await;
}
