//! Agents that block every worker of their runtime, for less and for more than a lease. Each instance has a runtime of
//! its own, as if it were a process. Real time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use a2a::{A2AError, StreamResponse, TaskState};
use a2a_bus_memory::MemoryBus;
use a2a_cluster::retry_after;
use a2a_cluster::{Config, ExecutorLost};
use a2a_core::{InstanceId, MemberState, Membership, reduce};
use a2a_serve::bindings::{RequestLimits, http_router};
use a2a_server::{RequestHandler, StaticAgentCard};
use a2a_store_memory::MemoryStore;
use axum::body::Body;
use futures::StreamExt;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::world::{Node, card, node, params, request, state, texts};

const WORKERS: usize = 2;
const LEASE: Duration = Duration::from_secs(4);

/// One instance, and the runtime on which nothing else runs.
struct Process {
    runtime: Runtime,
    node: Node,
    id: InstanceId,
}

impl Process {
    fn start(store: &MemoryStore, bus: &Arc<MemoryBus>, lost: ExecutorLost) -> Process {
        Process::with(WORKERS, store, bus, lost)
    }

    fn with(workers: usize, store: &MemoryStore, bus: &Arc<MemoryBus>, lost: ExecutorLost) -> Process {
        let config = Config::default().beat_interval(LEASE / 4).lease(LEASE).executor_lost(lost);
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(workers).enable_all().build().unwrap();
        let (store, bus) = (Arc::new(store.clone()), Arc::clone(bus));
        let started =
            runtime.spawn(async move { node(store, bus, |builder| builder.config(config.clone())).await });
        let node = runtime.block_on(started).unwrap();
        let id = node.cluster.id();
        Process { runtime, node, id }
    }

    fn task(&self, script: &str) -> String {
        self.runtime.block_on(self.node.start(script)).id
    }

    /// Reads a task's stream to its end.
    fn read(&self, id: &str) -> JoinHandle<Vec<Result<StreamResponse, A2AError>>> {
        let events = self.runtime.block_on(self.node.subscribe(id)).unwrap();
        self.runtime.spawn(events.collect())
    }

    fn has(&self, tasks: &[String], expected: &TaskState) -> bool {
        tasks.iter().all(|id| state(&self.runtime.block_on(self.node.get(id)).unwrap()) == *expected)
    }

    fn shut_down(self) {
        let left = self.runtime.block_on(self.node.cluster.shutdown(Duration::from_secs(1)));
        self.runtime.shutdown_background();
        assert_eq!(left.not_stopped, []);
    }
}

/// Waits until something is so.
fn within(limit: Duration, what: &str, check: impl Fn() -> bool) {
    let began = Instant::now();
    while !check() {
        assert!(began.elapsed() <= limit, "{what} within {limit:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An instance whose workers are all blocked, and another one.
struct Case {
    store: MemoryStore,
    blocked: Process,
    other: Process,
    /// Tasks of the blocked one: those whose agents block, and last one whose agent talks.
    tasks: Vec<String>,
    stream: JoinHandle<Vec<Result<StreamResponse, A2AError>>>,
}

impl Case {
    fn begin(lost: ExecutorLost, millis: u64) -> Case {
        let (store, bus) = (MemoryStore::new(), Arc::new(MemoryBus::new()));
        let blocked = Process::start(&store, &bus, lost);
        let other = Process::start(&store, &bus, lost);
        // Until each has seen the other move.
        std::thread::sleep(LEASE);
        let script = format!("do work; sleep 300; block-once {millis}; done");
        let mut tasks: Vec<_> = (0..WORKERS).map(|_| blocked.task(&script)).collect();
        tasks.push(blocked.task("do work; talk 40 50; done"));
        let stream = blocked.read(&tasks[WORKERS]);
        std::thread::sleep(Duration::from_millis(500));
        Case { store, blocked, other, tasks, stream }
    }

    fn is_evicted(&self) -> bool {
        let member = self.other.runtime.block_on(self.store.member(&self.blocked.id)).unwrap();
        member.is_none_or(|member| member.state == MemberState::Evicted)
    }
}

/// Plays something for both of what may become of a lost task, at once: it takes its time, and no processor.
fn for_both(play: impl Fn(ExecutorLost) + Sync) {
    std::thread::scope(|both| {
        for lost in [ExecutorLost::Fail, ExecutorLost::Resume { max_attempts: 2 }] {
            let play = &play;
            both.spawn(move || play(lost));
        }
    });
}

#[test]
fn workers_that_are_all_blocked_for_less_than_a_lease_cost_nobody_anything() {
    for_both(|lost| {
        let case = Case::begin(lost, 800);
        let Case { blocked, other, tasks, stream, .. } = case;
        within(LEASE * 15, "all ends", || other.has(&tasks, &TaskState::Completed));
        let seen = blocked.runtime.block_on(stream).unwrap();
        assert!(seen.iter().all(Result::is_ok), "its stream saw the end");
        let talked = other.runtime.block_on(other.node.get(&tasks[WORKERS])).unwrap();
        assert_eq!(texts(&talked).len(), 40, "nothing is said twice");
        assert_eq!(blocked.node.cluster.id(), blocked.id, "it keeps its place");
        blocked.shut_down();
        other.shut_down();
    });
}

/// While its workers are blocked, an instance is as good as dead; when it wakes it ends what is not its own any more, and
/// joins again.
fn blocked_for_more_than_a_lease(lost: ExecutorLost, expected: &TaskState) {
    let case = Case::begin(lost, 25_000);
    let began = Instant::now();
    within(LEASE * 4, "it is evicted", || case.is_evicted());
    // What is left of its time is enough for those whose agents begin again.
    within(LEASE * 5, "its tasks are taken over", || case.other.has(&case.tasks, expected));
    assert!(began.elapsed() < Duration::from_secs(24), "it is still blocked: {:?}", began.elapsed());
    assert_eq!(case.blocked.node.cluster.id(), case.blocked.id, "it does not know yet");

    let Case { blocked, other, tasks, stream, .. } = case;
    within(LEASE * 15, "it joined again", || {
        blocked.node.cluster.id() != blocked.id && blocked.node.cluster.is_ready()
    });
    let seen = blocked.runtime.block_on(stream).unwrap();
    match seen.last().unwrap() {
        // It was told of the eviction first; or of what became of the task.
        Err(told) => assert!(retry_after(told).is_some(), "{told:?}"),
        Ok(event) => assert_eq!(reduce::state_of(event), Some(expected)),
    }
    within(LEASE * 5, "it ends what is not its own", || blocked.node.cluster.running() == 0);
    assert_eq!(state(&blocked.runtime.block_on(blocked.node.send("echo hi"))), TaskState::Completed);
    assert!(other.has(&tasks, expected), "it has changed nothing");
    blocked.shut_down();
    other.shut_down();
}

#[test]
fn workers_that_are_all_blocked_for_more_than_a_lease_cost_their_instance_its_place() {
    for_both(|lost| match lost {
        ExecutorLost::Fail => blocked_for_more_than_a_lease(lost, &TaskState::Failed),
        // Elsewhere they block nobody.
        ExecutorLost::Resume { .. } => blocked_for_more_than_a_lease(lost, &TaskState::Completed),
    });
}

#[test]
fn resumed_agents_that_block_hold_up_no_other_that_is_resumed() {
    let (store, bus) = (MemoryStore::new(), Arc::new(MemoryBus::new()));
    let lost = ExecutorLost::Resume { max_attempts: 2 };
    let dies = Process::start(&store, &bus, lost);
    // One worker stays free.
    let survives = Process::with(4, &store, &bus, lost);
    std::thread::sleep(LEASE);
    let blocks: Vec<_> = (0..3).map(|_| dies.task("do block-again 120000; work; hang")).collect();
    let others: Vec<_> = (0..200).map(|_| dies.task("do work; sleep 500; say x; done")).collect();
    // As a process that is killed: nothing of it runs any more, and it has told nobody.
    let Process { runtime, node, .. } = dies;
    drop(node);
    drop(runtime);
    within(LEASE * 15, "the others end", || survives.has(&others, &TaskState::Completed));
    assert!(survives.has(&blocks, &TaskState::Working), "they still block");
    assert_eq!(survives.node.cluster.running(), 3);
    // Threads that block can be stopped by nobody.
    let left = survives.runtime.block_on(survives.node.cluster.shutdown(Duration::ZERO));
    survives.runtime.shutdown_background();
    assert_eq!(left.not_stopped.len(), 3);
}

#[test]
fn a_request_that_gives_way_to_others_waits_for_no_agent_that_blocks() {
    let process = Process::start(&MemoryStore::new(), &Arc::new(MemoryBus::new()), ExecutorLost::Fail);
    let handler = Arc::clone(&process.node.handler);
    let router =
        http_router(Arc::clone(&handler), Arc::new(StaticAgentCard::new(card())), &RequestLimits::default());
    // One worker is busy for a moment; so the other one gets both of these, the request first.
    let (busy, is_busy) = std::sync::mpsc::channel();
    let work = process.runtime.spawn(async move {
        busy.send(()).unwrap();
        std::thread::sleep(Duration::from_millis(300));
    });
    is_busy.recv().unwrap();
    let both = process.runtime.spawn(async move {
        let blocks = async move { handler.send_message(&params(), request("do block 5000; done")).await };
        let blocks = tokio::spawn(blocks);
        let body =
            json!({ "message": { "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": "echo hi" }] } });
        let sent = http::Request::post("/message:send")
            .header("content-type", "application/json")
            .header("a2a-version", "1.0")
            .body(Body::from(body.to_string()));
        let sent = tokio::spawn(router.oneshot(sent.unwrap()));
        (blocks, sent)
    });
    let (blocks, sent) = process.runtime.block_on(both).unwrap();
    let answer = process.runtime.block_on(async { timeout(Duration::from_secs(2), sent).await });
    assert_eq!(answer.expect("it goes on").unwrap().unwrap().status(), 200);
    assert!(!blocks.is_finished(), "the agent still blocks");
    drop(process.runtime.block_on(work));
    process.runtime.shutdown_background();
}
