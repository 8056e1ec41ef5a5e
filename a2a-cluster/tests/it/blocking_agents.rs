//! Agents that keep their threads busy: others go on, and nothing waits for them for longer than it has to. Real time.

use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::ExecutorLost;
use a2a_server::RequestHandler;
use tokio::time::{Instant, sleep, timeout};

use crate::telemetry::logs::Logs;
use crate::world::{Bus, World, cancel, eventually, params, quick, state};

/// How long an agent blocks that does.
const BLOCKS: &str = "do work; block 8000; done";

/// So much is a second on a machine that has other things to do.
const SECOND: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn with_a_free_worker_other_tasks_go_on() {
    for bus in [Bus::Plugged, Bus::Unplugged] {
        let world = World::new(2, bus).await;
        let parked = world.nodes[0].start("do work; talk 0 20").await;
        let watched = world.nodes[1].subscribe(&parked.id).await.unwrap();
        let blocked = [world.nodes[0].start(BLOCKS).await, world.nodes[1].start(BLOCKS).await];
        sleep(Duration::from_millis(50)).await;
        let began = Instant::now();
        for node in &world.nodes {
            let task = timeout(SECOND, node.send("do work; sleep 20; say x; sleep 20; done"))
                .await
                .expect("it goes on");
            assert_eq!(state(&task), TaskState::Completed);
        }
        timeout(SECOND, world.nodes[1].cancel(&parked.id)).await.expect("a cancel goes through").unwrap();
        drop(watched);
        assert!(began.elapsed() < Duration::from_secs(8), "they still block: {:?}", began.elapsed());
        for task in blocked {
            eventually("the end of those that blocked", || async {
                state(&world.nodes[0].get(&task.id).await.unwrap()) == TaskState::Completed
            })
            .await;
        }
        world.shutdown().await;
    }
}

#[test]
fn agents_that_block_for_a_minute_beside_a_free_worker_hold_up_nobody() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::with(2, Bus::Plugged, quick().shutdown_limit(SECOND)).await;
        let cancelled = world.nodes[0].start("do work; talk 0 20").await;
        // One blocks the thread that polls its request, before it says anything; the other one when it works.
        let handler = world.nodes[0].handler.clone();
        let blocks = crate::world::request("do block 60000; done");
        tokio::spawn(async move { handler.send_message(&params(), blocks).await });
        let blocked = world.nodes[0].start("do work; sleep 50; block 60000; done").await;
        sleep(Duration::from_millis(200)).await;
        for node in &world.nodes {
            let task =
                timeout(SECOND, node.send("do work; sleep 20; talk 5 20; done")).await.expect("it goes on");
            assert_eq!(state(&task), TaskState::Completed);
        }
        timeout(SECOND, world.nodes[1].cancel(&cancelled.id)).await.expect("a cancel goes through").unwrap();
        timeout(SECOND, world.nodes[1].cancel(&blocked.id)).await.expect("also of one that blocks").unwrap();
        let began = Instant::now();
        let left = world.nodes[0].cluster.shutdown(Duration::from_secs(1)).await;
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
        assert_eq!(left.not_stopped.len(), 2, "{left:?}");
        assert_eq!(state(&world.nodes[1].get(&blocked.id).await.unwrap()), TaskState::Canceled);
    });
    runtime.shutdown_background();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_every_worker_is_blocked_all_goes_on_once_one_is_free() {
    let world = World::new(2, Bus::Plugged).await;
    let talks = world.nodes[0].start("do work; talk 20 20; done").await;
    let blocked = [
        world.nodes[0].start(BLOCKS).await,
        world.nodes[0].start(BLOCKS).await,
        world.nodes[1].start(BLOCKS).await,
    ];
    for task in blocked.iter().chain([&talks]) {
        eventually("all ends", || async {
            state(&world.nodes[1].get(&task.id).await.unwrap()) == TaskState::Completed
        })
        .await;
    }
    world.shutdown().await;
}

#[test]
fn shutdown_keeps_its_limit_whatever_blocks() {
    let cases = [
        &["do work; sleep 200; block 60000"][..],
        &["do work; sleep 200; block 60000"; 3],
        &["do work; hang / block 60000", "do work; sleep 200; bomb; block 60000"],
        &["do ask; sleep 200; block 60000"; 2],
    ];
    // Each case waits for most of its time.
    std::thread::scope(|all| {
        for scripts in cases {
            for lost in [ExecutorLost::Fail, ExecutorLost::Resume { max_attempts: 2 }] {
                all.spawn(move || shut_down_while_blocked(scripts, lost));
            }
        }
    });
}

fn shut_down_while_blocked(scripts: &[&str], lost: ExecutorLost) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let config = quick().shutdown_limit(Duration::from_secs(2)).executor_lost(lost);
        let world = World::with(2, Bus::Plugged, config).await;
        let mut tasks = Vec::new();
        for script in scripts {
            tasks.push(world.nodes[0].start(script).await);
        }
        // One that only blocks once it is asked to cancel is asked.
        let (handler, id) = (world.nodes[0].handler.clone(), tasks[0].id.clone());
        let cancels = scripts[0]
            .contains('/')
            .then(|| tokio::spawn(async move { handler.cancel_task(&params(), cancel(id)).await }));
        // Until all of them block, which no clock of the runtime can tell.
        std::thread::sleep(Duration::from_secs(3));
        let began = Instant::now();
        let left = world.nodes[0].cluster.shutdown(Duration::from_secs(1)).await;
        assert!(began.elapsed() < Duration::from_secs(20), "{scripts:?}: {:?}", began.elapsed());
        assert!(!left.not_stopped.is_empty(), "{scripts:?}: what blocks is named");
        drop(cancels);
    });
    runtime.shutdown_background();
}

#[tokio::test]
async fn an_agent_that_keeps_its_thread_busy_is_logged_with_its_task_and_counted() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let logs = Logs::capture();
    let world = World::new(1, Bus::Plugged).await;
    let task = world.nodes[0].send("do work; block 150; done").await;
    let text = logs.text();
    let told = text.lines().filter(|line| line.contains("kept a thread"));
    let told: Vec<_> = told.filter(|line| line.contains(&*task.id)).collect();
    assert!(!told.is_empty(), "{text}");
    assert!(handle.render().contains("a2a_agent_long_polls_total "), "{}", handle.render());
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn an_agent_that_ends_by_itself_in_the_poll_in_which_it_is_stopped_leaves_nothing_behind() {
    let world = World::new(1, Bus::Plugged).await;
    let task = world.nodes[0].start("do work; sleep 50; block 1500; done / hang").await;
    sleep(Duration::from_millis(100)).await;
    let canceled = world.nodes[0].cancel(&task.id).await.unwrap();
    assert_eq!(state(&canceled), TaskState::Canceled);
    sleep(Duration::from_millis(1_500) + SECOND).await;
    let began = Instant::now();
    assert_eq!(world.nodes[0].cluster.shutdown(SECOND * 2).await.not_stopped, []);
    assert!(began.elapsed() < SECOND, "nothing is waited for: {:?}", began.elapsed());
}
