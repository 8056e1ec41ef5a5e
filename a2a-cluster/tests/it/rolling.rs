//! A rolling restart under load: each instance is drained and replaced in turn, and no client notices.

use std::sync::Arc;
use std::time::Duration;

use a2a::{A2AError, SendMessageRequest, Task, TaskState};
use a2a_cluster::retry_after;
use a2a_cluster::{Cluster, Config};
use a2a_core::{TaskQuery, TaskStore, Tenant, reduce};
use a2a_server::RequestHandler;
use tokio::sync::RwLock;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep;

use crate::world::{
    Bus, Node, World, at_once, drain, expect_task, fold, on_every_bus, params, request, state, texts, visible,
};

const INSTANCES: usize = 3;
const CLIENTS: usize = 8;
const ROUNDS: usize = 12;
const CHUNKS: usize = 20;

/// What a load balancer in front of the instances does: it sends each call to the next one that is up.
struct Balancer {
    storm: World,
    slots: Vec<RwLock<Arc<Node>>>,
}

impl Balancer {
    async fn start(bus: Bus) -> Arc<Self> {
        let mut storm = World::with(INSTANCES, bus, Config::default()).await;
        let nodes = std::mem::take(&mut storm.nodes);
        let slots = nodes.into_iter().map(|node| RwLock::new(Arc::new(node))).collect();
        Arc::new(Balancer { storm, slots })
    }

    async fn pick(&self, call: usize) -> Arc<Node> {
        for n in 0.. {
            let node = Arc::clone(&*self.slots[(call + n) % INSTANCES].read().await);
            if node.cluster.is_ready() {
                return node;
            }
            sleep(Duration::from_millis(1)).await;
        }
        unreachable!()
    }

    /// Replaces every instance once, one after the other.
    async fn roll(&self) {
        for slot in &self.slots {
            sleep(Duration::from_secs(1)).await;
            let old = Arc::clone(&*slot.read().await);
            old.cluster.shutdown(Duration::from_secs(10)).await;
            assert_eq!((old.cluster.running(), old.cluster.streaming()), (0, 0), "nothing runs any more");
            *slot.write().await = Arc::new(self.storm.join().await);
        }
    }
}

/// Does something until an instance does not answer that it is going away.
async fn insist<T>(
    balancer: &Balancer,
    call: &mut usize,
    what: impl AsyncFn(&Node) -> Result<T, A2AError>,
) -> Result<T, A2AError> {
    loop {
        *call += 1;
        match what(&*balancer.pick(*call).await).await {
            Err(error) if retry_after(&error).is_some() => sleep(Duration::from_millis(10)).await,
            answer => return answer,
        }
    }
}

/// Sends one message and sees its task through: every other time on the stream of the send, else on a subscription, which
/// mostly lands elsewhere.
async fn session(balancer: &Balancer, call: &mut usize, round: usize) -> Task {
    let mut request: SendMessageRequest = request(&format!("stream {CHUNKS} 100"));
    let events = if round.is_multiple_of(2) {
        let sent = async |node: &Node| node.handler.send_streaming_message(&params(), request.clone()).await;
        insist(balancer, call, sent).await.unwrap()
    } else {
        request.configuration = at_once();
        let sent = async |node: &Node| node.handler.send_message(&params(), request.clone()).await;
        let id = expect_task(insist(balancer, call, sent).await.unwrap()).id;
        insist(balancer, call, async |node| node.subscribe(&id).await).await.unwrap()
    };
    // The instance may go away meanwhile: its grace is longer than the task.
    let seen = drain(events).await;
    let id = fold(&seen).id;
    let task = insist(balancer, call, async |node| node.get(&id).await).await.unwrap();
    assert_eq!(visible(&fold(&seen)), visible(&task));
    assert!(seen.iter().rev().find_map(reduce::state_of).is_some_and(TaskState::is_terminal));
    task
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_rolling_restart_under_load_loses_doubles_and_cuts_short_nothing(bus) {
        Box::pin(LocalSet::new().run_until(restart_under_load(bus))).await;
    }
}

async fn restart_under_load(bus: Bus) {
    let balancer = Balancer::start(bus).await;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let balancer = Arc::clone(&balancer);
        clients.spawn_local(async move {
            // Out of step: while one client's task ends, those of others are half-way through.
            sleep(Duration::from_millis(230 * client as u64)).await;
            let mut call = client;
            let mut ids = Vec::new();
            for round in 0..ROUNDS {
                let task = session(&balancer, &mut call, round).await;
                let expected: Vec<_> = (0..CHUNKS).map(|n| n.to_string()).collect();
                assert_eq!(state(&task), TaskState::Completed);
                assert_eq!(texts(&task), expected.iter().map(String::as_str).collect::<Vec<_>>());
                ids.push(task.id);
            }
            ids
        });
    }
    balancer.roll().await;
    let ids: Vec<_> = clients.join_all().await.concat();
    assert_eq!(ids.len(), CLIENTS * ROUNDS);
    let all = balancer.storm.store.list(&TaskQuery::new(Tenant::default(), None, 1)).await.unwrap();
    assert_eq!(all.total, ids.len() as u64, "no message made a second task");
    for slot in &balancer.slots {
        let cluster: &Cluster = &slot.read().await.cluster;
        cluster.shutdown(Duration::ZERO).await;
        assert_eq!(cluster.running(), 0);
    }
}
