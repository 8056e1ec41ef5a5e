//! What goes over the bus, and what does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and its runtime ends with it"
)]

mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use a2a_core::{BusMessage, Delivery, EventBus, InstanceId, Result};
use a2a_server::RequestHandler;
use async_trait::async_trait;
use world::{World, drain, expect_task, follow_up, params};

/// Counts what an instance sends, each recipient once.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn EventBus>,
    sent: Arc<AtomicUsize>,
}

#[async_trait]
impl EventBus for Counting {
    fn me(&self) -> InstanceId {
        self.inner.me()
    }

    async fn send(&self, to: &[InstanceId], message: &BusMessage) -> Result<Delivery> {
        self.sent.fetch_add(to.len(), Ordering::Relaxed);
        self.inner.send(to, message).await
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        self.inner.receive().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

async fn counted(instances: usize) -> (World, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let world = World::over(instances, move |inner| {
        Arc::new(Counting { inner, sent: Arc::clone(&count) }) as Arc<dyn EventBus>
    })
    .await;
    (world, sent)
}

#[tokio::test]
async fn with_no_remote_stream_a_task_causes_no_bus_traffic() {
    let (world, sent) = counted(3).await;
    let node = &world.nodes[0];
    drain(node.stream("stream 50 0").await).await;
    let task = node.start("stream 20 2").await;
    drain(node.subscribe(&task.id).await.unwrap()).await;
    let parked = node.send("ask").await;
    expect_task(node.handler.send_message(&params(), follow_up(&parked, "enough")).await.unwrap());
    let running = node.start("hang").await;
    node.cancel(&running.id).await.unwrap();
    world.nodes[1].get(&task.id).await.unwrap();
    assert_eq!(sent.load(Ordering::Relaxed), 0);
    world.shutdown().await;
}

#[tokio::test]
async fn messages_go_to_watchers_only() {
    let (world, sent) = counted(5).await;
    let task = world.nodes[0].start("stream 30 5").await;
    let events = drain(world.nodes[1].subscribe(&task.id).await.unwrap()).await;
    assert!(!events.is_empty());
    // A commit per event at most, to one watcher of four, and the watcher's own request.
    let sent = sent.load(Ordering::Relaxed);
    assert!((1..=33).contains(&sent), "{sent} messages");
    world.shutdown().await;
}
