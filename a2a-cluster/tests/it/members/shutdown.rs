//! A shutdown has a hard limit, and says what it left.

use std::sync::atomic::{AtomicBool, Ordering};

use a2a::A2AError;
use a2a_cluster::Cluster;
use a2a_core::MemberState;
use a2a_server::{AgentExecutor, ExecutorContext, RequestHandler};
use a2a_testkit::Delay;
use futures::stream::{self, BoxStream, StreamExt};

use super::*;
use crate::world::{at_once, card, params, request, webhooks};

/// An agent that blocks its thread until it is told to stop.
#[derive(Debug, Clone, Default)]
struct Blocking {
    blocks: Arc<AtomicBool>,
    released: Arc<AtomicBool>,
}

impl AgentExecutor for Blocking {
    fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        let agent = self.clone();
        let working = a2a::TaskStatusUpdateEvent {
            task_id: ctx.task_id,
            context_id: ctx.context_id,
            status: TaskStatus { state: TaskState::Working, message: None, timestamp: None },
            metadata: None,
        };
        let blocks = async move {
            sleep(Duration::from_millis(50)).await;
            agent.blocks.store(true, Ordering::Release);
            while !agent.released.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(A2AError::internal("released"))
        };
        stream::iter([Ok(StreamResponse::StatusUpdate(working))]).chain(stream::once(blocks)).boxed()
    }

    fn cancel(&self, _: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        stream::empty().boxed()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_blocks_its_thread_is_named_and_left() {
    let (store, agent) = (Arc::new(MemoryStore::new()), Blocking::default());
    let mut config = Config::default();
    config.shutdown_limit = Duration::from_secs(2);
    let builder = Cluster::builder(Arc::new(agent.clone()), card())
        .webhooks(webhooks())
        .store(store.clone())
        .config(config);
    let cluster = builder.start().await.unwrap();
    let handler = cluster.handler();
    let mut request = request("block");
    request.configuration = at_once();
    let task = crate::world::expect_task(handler.send_message(&params(), request).await.unwrap());
    while !agent.blocks.load(Ordering::Acquire) {
        sleep(Duration::from_millis(5)).await;
    }
    let began = std::time::Instant::now();
    let left = cluster.shutdown(Duration::from_millis(100)).await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(left.not_stopped, [key(&task.id)]);
    assert_eq!(left.handed_over, [key(&task.id)]);
    assert_eq!(store.member(&cluster.id()).await.unwrap().unwrap().state, MemberState::Left);
    agent.released.store(true, Ordering::Release);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_holds_no_shutdown_up_beyond_its_limit() {
    let fleet = Fleet::start(1, Config::default()).await;
    let tasks = [fleet.members[0].node.start("hang").await.id, fleet.members[0].node.start("hang").await.id];
    let hangs = Delay::between(Duration::from_secs(1_000), Duration::from_secs(1_000));
    fleet.weather(0..1, &Forecast { store_delay: hangs, ..Forecast::calm() });
    let began = Instant::now();
    let left = fleet.members[0].node.cluster.shutdown(Duration::from_secs(1)).await;
    assert!(began.elapsed() <= Duration::from_secs(1) + fleet.config.shutdown_limit, "{:?}", began.elapsed());
    assert_eq!(left.not_stopped, [], "their agents are dropped all the same");
    let mut named: Vec<_> = left.handed_over.into_iter().map(|key| key.task_id).collect();
    named.sort();
    let mut expected = tasks.to_vec();
    expected.sort();
    assert_eq!(named, expected);
    assert_eq!(fleet.members[0].node.cluster.running(), 0);
}
