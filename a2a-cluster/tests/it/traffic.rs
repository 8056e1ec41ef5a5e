//! What goes over the bus, and what does not.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use a2a_core::{BusMessage, InstanceId, Recipient};
use a2a_server::RequestHandler;
use async_trait::async_trait;

use crate::world::tapped::{Tap, tapped};
use crate::world::{Bus, World, drain, expect_task, follow_up, on_every_bus, params};

/// Counts the messages that are sent to each instance, whether they arrive or not.
#[derive(Debug, Default)]
struct Sent(Mutex<BTreeMap<InstanceId, usize>>);

#[async_trait]
impl Tap for Sent {
    async fn before_send(&self, to: &[Recipient], _: &BusMessage) {
        for to in to {
            *self.0.lock().unwrap().entry(to.instance).or_default() += 1;
        }
    }
}

impl Sent {
    fn counts(&self) -> BTreeMap<InstanceId, usize> {
        self.0.lock().unwrap().clone()
    }
}

async fn counted(instances: usize, bus: Bus) -> (World, Arc<Sent>) {
    let sent = Arc::<Sent>::default();
    (World::over(instances, bus, |bus| tapped(bus, &sent)).await, sent)
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
        assert_eq!(sent.counts(), BTreeMap::new());
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn messages_go_to_watchers_only(bus) {
        let (world, sent) = counted(5, bus).await;
        let task = world.nodes[0].start("stream 30 5").await;
        let events = drain(world.nodes[1].subscribe(&task.id).await.unwrap()).await;
        assert!(!events.is_empty());
        let sent = sent.counts();
        let [executor, watcher] = [0, 1].map(|n| world.nodes[n].cluster.id());
        assert!(sent.keys().all(|to| [executor, watcher].contains(to)), "nobody else is sent anything");
        if bus == Bus::Plugged {
            assert_eq!(sent[&executor], 1, "the watcher's own request");
            assert!(sent[&watcher] <= 32, "a commit per event at most: {}", sent[&watcher]);
        }
        world.shutdown().await;
    }
}
