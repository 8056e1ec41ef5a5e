//! Who an instance is: it draws its id, connects in the background, and joins again when it was evicted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use a2a_cluster::BusState;
use a2a_cluster::{Cluster, StartError};
use a2a_core::wire::{self, Seal};
use a2a_core::{
    BackendError, BusMessage, Deployment, Endpoint, EventBus, Eviction, Format, Keys, MemberState, News,
    Reach, Result,
};
use async_trait::async_trait;
use futures::StreamExt;

use super::*;
use crate::world::{Events, card, drain, eventually, fold, state, texts, webhooks};
use a2a_testkit::ScriptedAgent;

/// A bus that a test cuts, and that remembers what it was told.
#[derive(Debug, Default)]
struct Recording {
    inner: MemoryBus,
    refuses: AtomicBool,
    released: Mutex<Vec<InstanceId>>,
    seal: Mutex<Option<Arc<Seal>>>,
}

impl Recording {
    fn refused(&self) -> Result<()> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(BackendError::Unavailable("refused, as it was told".into()));
        }
        Ok(())
    }

    fn has_released(&self, who: InstanceId) -> bool {
        self.released.lock().unwrap().contains(&who)
    }
}

#[async_trait]
impl EventBus for Recording {
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        *self.seal.lock().unwrap() = Some(Arc::clone(seal));
        self.refused()?;
        self.inner.connect(me, seal).await
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.refused()?;
        self.released.lock().unwrap().push(*gone);
        self.inner.release(gone).await
    }
}

async fn start(store: &Arc<MemoryStore>, bus: Option<Arc<Recording>>) -> Node {
    let mut builder = Cluster::builder(Arc::new(ScriptedAgent::default()), card())
        .webhooks(webhooks())
        .store(store.clone());
    if let Some(bus) = bus {
        builder = builder.bus(bus);
    }
    let cluster = builder.start().await.unwrap();
    Node::of(cluster)
}

/// Takes an instance's place away from it.
async fn evict(store: &MemoryStore, who: InstanceId) {
    let member = store.member(&who).await.unwrap().unwrap();
    assert_eq!(store.evict(&who, member.beat).await.unwrap(), Eviction::Evicted);
}

/// Reads chunks, and returns the longest time between two.
async fn longest_pause(events: &mut Events, chunks: usize) -> Duration {
    let (mut longest, mut last) = (Duration::ZERO, Instant::now());
    for n in 0..chunks {
        events.next().await.unwrap().unwrap();
        if n > 0 {
            longest = longest.max(last.elapsed());
        }
        last = Instant::now();
    }
    longest
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_a_bus_starts_is_ready_and_serves() {
    let store = Arc::new(MemoryStore::new());
    let nodes = [start(&store, None).await, start(&store, None).await];
    assert_eq!(nodes[0].cluster.readiness().to_string(), "ready");
    assert_eq!(nodes[0].cluster.readiness().bus(), BusState::Absent);
    let task = nodes[0].start("stream 20 100").await;
    let elsewhere = fold(&drain(nodes[1].subscribe(&task.id).await.unwrap()).await);
    assert_eq!((state(&elsewhere), texts(&elsewhere).len()), (TaskState::Completed, 20));
    let hanging = nodes[0].start("hang").await;
    assert_eq!(state(&nodes[1].cancel(&hanging.id).await.unwrap()), TaskState::Canceled);
    for node in &nodes {
        node.cluster.shutdown(Duration::ZERO).await;
    }
    assert_eq!(store.roster(None, 9).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn an_instance_serves_while_the_bus_cannot_be_connected_and_uses_it_from_then_on() {
    let (store, bus) = (Arc::new(MemoryStore::new()), Arc::new(Recording::default()));
    let executor = start(&store, Some(bus.clone())).await;
    eventually("connected", || async { executor.cluster.readiness().bus() == BusState::Connected }).await;
    bus.refuses.store(true, Ordering::Relaxed);
    let late = start(&store, Some(bus.clone())).await;
    assert_eq!(late.cluster.readiness().to_string(), "ready; the bus is not connected");
    let reach = async || store.member(&late.cluster.id()).await.unwrap().unwrap().reach;
    let task = executor.start("stream 200 300").await;
    let mut events = late.subscribe(&task.id).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(reach().await, Reach::Nowhere);
    assert!(late.cluster.is_ready(), "the bus is no reason to be unready");
    longest_pause(&mut events, 30).await;

    bus.refuses.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(late.cluster.readiness().to_string(), "ready");
    assert_eq!(reach().await, Reach::Direct);
    // What gathered meanwhile comes at once; then each chunk as soon as it is said.
    longest_pause(&mut events, 40).await;
    let pause = longest_pause(&mut events, 30).await;
    assert!(pause < Duration::from_millis(400), "an open stream is told to the executor again: {pause:?}");
}

#[tokio::test(start_paused = true)]
async fn an_evicted_instance_joins_again_under_a_new_id_behind_the_same_handler() {
    let (store, bus) = (Arc::new(MemoryStore::new()), Arc::new(Recording::default()));
    let node = start(&store, Some(bus.clone())).await;
    let before = node.cluster.id();
    let task = node.start("stream 1000 100").await;
    let stream = node.subscribe(&task.id).await.unwrap();
    evict(&store, before).await;
    let last = stream.collect::<Vec<_>>().await.pop().unwrap();
    let told = last.unwrap_err();
    assert!(a2a_cluster::retry_after(&told).is_some(), "{told:?}");
    eventually("it joined again", || async { node.cluster.id() != before && node.cluster.is_ready() }).await;
    node.send("echo hi").await;
    let key = key(&task.id);
    let failed = async || store.head(&key).await.unwrap().unwrap().state == TaskState::Failed;
    within(LEASE, failed).await;
    eventually("released", || async { bus.has_released(before) }).await;
    let states = store.roster(None, 9).await.unwrap().into_iter().map(|member| member.state);
    assert_eq!(states.collect::<Vec<_>>(), [MemberState::Evicted, MemberState::Serving]);
}

#[tokio::test(start_paused = true)]
async fn a_member_is_starting_before_it_serves() {
    let store = Arc::new(MemoryStore::new());
    let node = start(&store, None).await;
    let state = async || store.member(&node.cluster.id()).await.unwrap().unwrap().state;
    assert_eq!(state().await, MemberState::Starting);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(state().await, MemberState::Serving);
    node.cluster.drain();
    sleep(Duration::from_secs(6)).await;
    assert_eq!(state().await, MemberState::Draining);
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_instance_left_on_the_bus_is_released_before_its_record_goes() {
    let (store, bus) = (Arc::new(MemoryStore::new()), Arc::new(Recording::default()));
    let (dead, _) = left_by_the_dead(&store, 0, 1).await;
    start(&store, Some(bus.clone())).await.cluster.shutdown(Duration::ZERO).await;
    let _observer = start(&store, Some(bus.clone())).await;
    bus.refuses.store(true, Ordering::Relaxed);
    sleep(Duration::from_secs(3 * 3_600)).await;
    assert!(!bus.has_released(dead));
    assert!(store.member(&dead).await.unwrap().is_some(), "the record stays until then");
    bus.refuses.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(1_200)).await;
    assert!(bus.has_released(dead));
    assert!(store.member(&dead).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn an_instance_whose_bus_cannot_be_closed_leaves_that_to_the_others() {
    let (store, bus) = (Arc::new(MemoryStore::new()), Arc::new(Recording::default()));
    bus.refuses.store(true, Ordering::Relaxed);
    // It never got an endpoint, and cannot know whether it made half of one.
    let node = start(&store, Some(bus.clone())).await;
    let (id, _other) = (node.cluster.id(), start(&store, Some(bus.clone())).await);
    node.cluster.shutdown(Duration::ZERO).await;
    assert_eq!(store.member(&id).await.unwrap().unwrap().state, MemberState::Left);
    bus.refuses.store(false, Ordering::Relaxed);
    within(LEASE * 2, || async { bus.has_released(id) }).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_key_of_the_bus_is_known_within_a_few_leases() {
    let (store, bus) = (Arc::new(MemoryStore::new()), Arc::new(Recording::default()));
    let node = start(&store, Some(bus.clone())).await;
    eventually("connected", || async { node.cluster.readiness().bus() == BusState::Connected }).await;
    let seal = bus.seal.lock().unwrap().clone().unwrap();
    let me = node.cluster.id();
    let message = BusMessage { from: me, task: key("t"), news: News::Unwatch, trace: None };
    let accepts = |keys: Keys| wire::decode(&wire::encode(&[me], &message, &Seal::new(keys)), &seal).is_ok();
    let first = store.keys("bus", [0; 32]).await.unwrap();
    assert!(accepts(first));
    assert!(!accepts(Keys::first([7; 32])), "only members can sign");
    let second = store.renew_key("bus", first.current.number, [9; 32]).await.unwrap();
    sleep(LEASE * 4 + Duration::from_secs(1)).await;
    assert!(accepts(second) && accepts(first));
}

/// A deployment whose store a newer build has set up.
#[derive(Debug)]
struct Newer;

#[async_trait]
impl Deployment for Newer {
    async fn format(&self) -> Result<Format> {
        Ok(Format { min_reader: Format::BUILD + 1, min_writer: Format::BUILD + 1 })
    }

    async fn keys(&self, _name: &str, secret: [u8; 32]) -> Result<Keys> {
        Ok(Keys::first(secret))
    }

    async fn renew_key(&self, _name: &str, _from: u32, secret: [u8; 32]) -> Result<Keys> {
        Ok(Keys::first(secret))
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_of_a_newer_format_is_refused_with_words_that_say_what_to_do() {
    let store = Arc::new(MemoryStore::new());
    let builder = Cluster::builder(Arc::new(ScriptedAgent::default()), card())
        .webhooks(webhooks())
        .store(store.clone())
        .deployment(Arc::new(Newer));
    let Err(StartError::Format(refused)) = builder.start().await else { panic!("it should be refused") };
    assert!(refused.to_string().contains("deploy a newer build"), "{refused}");
    assert_eq!(store.roster(None, 9).await.unwrap(), [], "it did not join");
}
