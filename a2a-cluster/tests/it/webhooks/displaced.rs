//! Deliveries that another one displaces: what they put on record after that does not count.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use a2a::TaskState;
use a2a_core::{
    DeliveryId, GivenUpCursor, GivenUpDelivery, PushConfigs, PushDelivery, PushProgress, PushSubscription,
    Result, SystemEnv, TaskKey,
};
use a2a_server::RequestHandler;
use a2a_store_memory::MemoryStore;
use a2a_testkit::async_trait;
use http::StatusCode;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::receiver::{Answers, Receiver};
use super::{config, create, delete, is_released, mortal, start, webhook, world_of};
use crate::world::{self, World, eventually, follow_up, local_webhooks, on_every_bus, params, texts};

/// How long a slow webhook takes.
const CALL: Duration = Duration::from_millis(300);
/// Less than an instance leaves to another one that may be gone.
const WITHIN: Duration = Duration::from_secs(10);

/// Holds back one write of a webhook's progress, which arrives whoever has left by then.
#[derive(Debug)]
struct Detour {
    inner: Arc<MemoryStore>,
    holds_the_next: AtomicBool,
    lets_go: Arc<Semaphore>,
    arrived: Arc<Mutex<Option<Result<bool>>>>,
}

#[async_trait]
impl PushConfigs for Detour {
    async fn save_config(&self, key: &TaskKey, subscription: &PushSubscription) -> Result<()> {
        self.inner.save_config(key, subscription).await
    }

    async fn get_config(&self, key: &TaskKey, id: &str) -> Result<Option<PushSubscription>> {
        self.inner.get_config(key, id).await
    }

    async fn list_configs(&self, key: &TaskKey) -> Result<Vec<PushSubscription>> {
        self.inner.list_configs(key).await
    }

    async fn remove_config(&self, key: &TaskKey, id: &str) -> Result<()> {
        self.inner.remove_config(key, id).await
    }

    async fn begin_delivery(&self, key: &TaskKey, delivery: &PushDelivery) -> Result<Option<PushProgress>> {
        self.inner.begin_delivery(key, delivery).await
    }

    async fn acknowledge(
        &self,
        key: &TaskKey,
        delivery: &PushDelivery,
        progress: PushProgress,
    ) -> Result<bool> {
        if !self.holds_the_next.swap(false, Ordering::SeqCst) {
            return self.inner.acknowledge(key, delivery, progress).await;
        }
        let (inner, lets_go, arrived) = (self.inner.clone(), self.lets_go.clone(), self.arrived.clone());
        let (key, delivery) = (key.clone(), delivery.clone());
        tokio::spawn(async move {
            lets_go.acquire().await.unwrap().forget();
            *arrived.lock().unwrap() = Some(inner.acknowledge(&key, &delivery, progress).await);
        });
        std::future::pending().await
    }

    async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        self.inner.give_up(delivery).await
    }

    async fn given_up(&self, after: Option<&GivenUpCursor>, limit: usize) -> Result<Vec<GivenUpDelivery>> {
        self.inner.given_up(after, limit).await
    }

    async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()> {
        self.inner.forget_given_up(key, config_id).await
    }
}

on_every_bus! {
    #[tokio::test]
    async fn what_a_dead_sender_wrote_arrives_too_late_to_count(bus) {
        let store = Arc::new(MemoryStore::new());
        let detour = Arc::new(Detour {
            inner: store.clone(),
            holds_the_next: AtomicBool::new(false),
            lets_go: Arc::new(Semaphore::new(0)),
            arrived: Arc::default(),
        });
        let mut world = World::build(2, bus, |builder| {
            builder.config(mortal()).store(store.clone()).push_configs(detour.clone()).webhooks(local_webhooks())
        })
        .await;
        world.store = store;
        let receiver = Receiver::new(Answers::Well).await;
        let task = start(&world.nodes[0], "stream 100000 2", webhook(&receiver.url())).await;
        eventually("many calls", || async { receiver.requests() > 50 }).await;
        detour.holds_the_next.store(true, Ordering::SeqCst);
        eventually("a write", || async { !detour.holds_the_next.load(Ordering::SeqCst) }).await;
        drop(world.nodes.remove(0));

        receiver.sees(TaskState::Failed).await;
        is_released(&world, &task.id).await;
        let key = world::key(&task.id);
        let before = world.store.list_configs(&key).await.unwrap();
        detour.lets_go.add_permits(1);
        eventually("the late write", || async { detour.arrived.lock().unwrap().is_some() }).await;
        assert!(matches!(*detour.arrived.lock().unwrap(), Some(Ok(false))));
        assert_eq!(world.store.list_configs(&key).await.unwrap(), before);
        assert_eq!(before[0].progress.acknowledged, world.load(&task.id).await.version);
        world.shutdown().await;
    }

    #[tokio::test]
    async fn whoever_has_the_task_begins_again_where_another_one_got(bus) {
        let world = world_of(2, bus, config()).await;
        let away = Answers::With(StatusCode::BAD_GATEWAY, Vec::new());
        for (script, answers) in [("stream 300 2", Answers::Well), ("stream 30 0", away)] {
            let receiver = Receiver::new(answers).await;
            let task = start(&world.nodes[0], script, webhook(&receiver.url())).await;
            eventually("the first call", || async { receiver.requests() > 0 }).await;
            let key = world::key(&task.id);
            let config = async || world.store.list_configs(&key).await.unwrap().remove(0);
            let known = config().await;
            let another = PushDelivery {
                id: DeliveryId::generate(&SystemEnv),
                config_id: known.config.id.unwrap(),
                revision: known.revision,
            };
            world.store.begin_delivery(&key, &another).await.unwrap().unwrap();
            eventually("it begins again", || async { config().await.delivery != Some(another.id) }).await;
            receiver.answer(Answers::Well);
            receiver.sees(TaskState::Completed).await;
            is_released(&world, &task.id).await;
            let stored = world.load(&task.id).await;
            assert_eq!(config().await.progress.acknowledged, stored.version, "{script}");
            // Some of it may have come twice.
            let told = receiver.fold().unwrap();
            let told: BTreeSet<_> = texts(&told).into_iter().collect();
            assert_eq!(told, texts(&stored.task).into_iter().collect(), "{script}");
        }
        world.shutdown().await;
    }

    #[tokio::test]
    async fn whoever_leaves_a_webhook_to_another_instance_holds_nothing_else_up(bus) {
        for what in ["a turn", "a shutdown", "a deletion"] {
            let mut world = world_of(2, bus, config()).await;
            let (slow, good) = (Receiver::new(Answers::Slowly(CALL)).await, Receiver::new(Answers::Well).await);
            let task = world.nodes[0].send("ask").await;
            is_released(&world, &task.id).await;
            // Nobody has the task: both instances deliver, and what the first one puts on record does not count.
            let config = create(&world.nodes[0], &task, webhook(&slow.url())).await;
            eventually("the first call", || async { slow.requests() > 0 }).await;
            if what == "a deletion" {
                delete(&world.nodes[1], &task, &config).await;
            } else {
                create(&world.nodes[1], &task, webhook(&good.url())).await;
                eventually("the others' calls", || async { slow.requests() > 1 }).await;
            }
            let ends = async {
                if what == "a turn" {
                    world.on(0).send_message(&params(), follow_up(&task, "more")).await.unwrap();
                    slow.sees(TaskState::Completed).await;
                    good.sees(TaskState::Completed).await;
                    is_released(&world, &task.id).await;
                }
                let first = world.nodes.remove(0);
                first.cluster.shutdown(Duration::from_secs(60)).await;
            };
            timeout(WITHIN, ends).await.expect(what);
            world.shutdown().await;
        }
    }
}
