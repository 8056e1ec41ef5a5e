//! A bus of which single calls are never answered: what comes after them is served all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a::StreamResponse;
use a2a_cluster::BusState;
use a2a_cluster::Cluster;
use a2a_core::wire::Seal;
use a2a_core::{BusMessage, Delivery, Endpoint, EventBus, InstanceId, News, Reach, Recipient, Result};
use a2a_store_memory::MemoryStore;
use async_trait::async_trait;
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{Bus, World, card, eventually, webhooks};
use a2a_testkit::ScriptedAgent;

/// How many calls hang from now on.
#[derive(Debug, Clone, Default)]
struct Hangs(Arc<AtomicUsize>);

impl Hangs {
    async fn one(&self) {
        if self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok() {
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Debug)]
struct HungBus {
    inner: Arc<dyn EventBus>,
    connects: Hangs,
    commits: Hangs,
}

#[derive(Debug)]
struct HungEndpoint {
    inner: Arc<dyn Endpoint>,
    commits: Hangs,
}

#[async_trait]
impl EventBus for HungBus {
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        self.connects.one().await;
        let inner = self.inner.connect(me, seal).await?;
        Ok(Arc::new(HungEndpoint { inner, commits: self.commits.clone() }))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.inner.release(gone).await
    }
}

#[async_trait]
impl Endpoint for HungEndpoint {
    fn me(&self) -> InstanceId {
        self.inner.me()
    }

    fn reach(&self) -> Reach {
        self.inner.reach()
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        if let News::Commits(_) = message.news {
            self.commits.one().await;
        }
        self.inner.send(to, message).await
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        self.inner.receive().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[tokio::test(start_paused = true)]
async fn after_one_send_that_hangs_the_bus_carries_the_next_commits_again() {
    let commits = Hangs::default();
    let wrap = |inner| -> Arc<dyn EventBus> {
        Arc::new(HungBus { inner, connects: Hangs::default(), commits: commits.clone() })
    };
    let world = World::over(2, Bus::Plugged, wrap).await;
    // Each number is said at a full second, and checks after silence come at odd times.
    let task = world.nodes[0].start("do work; talk 0 1000").await;
    let said = Instant::now();
    let mut events = world.nodes[1].subscribe(&task.id).await.unwrap();
    sleep(Duration::from_secs(3)).await;
    commits.0.store(1, Ordering::Release);
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
    let connects = Hangs(Arc::new(AtomicUsize::new(1)));
    let inner = Arc::new(a2a_bus_memory::MemoryBus::new());
    let bus = HungBus { inner, connects, commits: Hangs::default() };
    let builder = Cluster::builder(Arc::new(ScriptedAgent::default()), card())
        .webhooks(webhooks())
        .store(Arc::new(MemoryStore::new()));
    let cluster = builder.bus(Arc::new(bus)).start().await.unwrap();
    sleep(Duration::from_secs(150)).await;
    eventually("it is connected", || async { cluster.readiness().bus() == BusState::Connected }).await;
    cluster.shutdown(Duration::ZERO).await;
}
