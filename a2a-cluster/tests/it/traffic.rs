//! What goes over the bus, and what does not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use a2a_core::wire::Seal;
use a2a_core::{BusMessage, Delivery, Endpoint, EventBus, InstanceId, Reach, Recipient, Result};
use a2a_server::RequestHandler;
use async_trait::async_trait;

use crate::world::{Bus, World, drain, expect_task, follow_up, on_every_bus, params, quick};

/// The messages sent to each instance.
type Sent = Arc<Mutex<BTreeMap<InstanceId, usize>>>;

/// Counts what an instance sends, whether it arrives or not.
#[derive(Debug)]
struct Counting {
    inner: Arc<dyn EventBus>,
    sent: Sent,
}

#[derive(Debug)]
struct CountingEndpoint {
    inner: Arc<dyn Endpoint>,
    sent: Sent,
}

#[async_trait]
impl EventBus for Counting {
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        let inner = self.inner.connect(me, seal).await?;
        Ok(Arc::new(CountingEndpoint { inner, sent: Arc::clone(&self.sent) }))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.inner.release(gone).await
    }
}

#[async_trait]
impl Endpoint for CountingEndpoint {
    fn me(&self) -> InstanceId {
        self.inner.me()
    }

    fn reach(&self) -> Reach {
        self.inner.reach()
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        for to in to {
            *self.sent.lock().unwrap().entry(to.instance).or_default() += 1;
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

async fn counted(instances: usize, bus: Bus) -> (World, Sent) {
    let sent = Sent::default();
    let count = Arc::clone(&sent);
    let world = World::over(instances, bus, quick(), move |inner| {
        Arc::new(Counting { inner, sent: Arc::clone(&count) }) as Arc<dyn EventBus>
    })
    .await;
    (world, sent)
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn with_no_remote_stream_a_task_causes_no_bus_traffic(bus) {
        let (world, sent) = counted(3, bus).await;
        let node = &world.nodes[0];
        drain(node.stream("stream 50 0").await).await;
        let task = node.start("stream 20 2").await;
        drain(node.subscribe(&task.id).await.unwrap()).await;
        let parked = node.send("ask").await;
        expect_task(node.handler.send_message(&params(), follow_up(&parked, "enough")).await.unwrap());
        let running = node.start("hang").await;
        node.cancel(&running.id).await.unwrap();
        world.nodes[1].get(&task.id).await.unwrap();
        assert_eq!(*sent.lock().unwrap(), BTreeMap::new());
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn messages_go_to_watchers_only(bus) {
        let (world, sent) = counted(5, bus).await;
        let task = world.nodes[0].start("stream 30 5").await;
        let events = drain(world.nodes[1].subscribe(&task.id).await.unwrap()).await;
        assert!(!events.is_empty());
        let sent = sent.lock().unwrap().clone();
        let [executor, watcher] = [0, 1].map(|n| world.nodes[n].cluster.id());
        assert!(sent.keys().all(|to| [executor, watcher].contains(to)), "nobody else is sent anything");
        if bus == Bus::Plugged {
            assert_eq!(sent[&executor], 1, "the watcher's own request");
            assert!(sent[&watcher] <= 32, "a commit per event at most: {}", sent[&watcher]);
        }
        world.shutdown().await;
    }
}
