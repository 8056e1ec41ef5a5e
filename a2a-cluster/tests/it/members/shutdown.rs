//! A shutdown has a hard limit, and says what it left.

use a2a_cluster::Cluster;
use a2a_core::MemberState;
use a2a_server::RequestHandler;
use a2a_testkit::{Delay, ScriptedAgent};

use super::*;
use crate::world::{at_once, card, params, request, webhooks};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_blocks_its_thread_is_named_and_left() {
    let (store, agent) = (Arc::new(MemoryStore::new()), ScriptedAgent::default());
    let config = Config::default().shutdown_limit(Duration::from_secs(2));
    let builder = Cluster::builder(Arc::new(agent.clone()), card())
        .webhooks(webhooks())
        .store(store.clone())
        .config(config);
    let cluster = builder.start().await.unwrap();
    let handler = cluster.handler();
    let mut request = request("work; sleep 50; block-at release; done");
    request.configuration = at_once();
    let task = crate::world::expect_task(handler.send_message(&params(), request).await.unwrap());
    agent.latches().reached("release").await;
    let began = std::time::Instant::now();
    let left = cluster.shutdown(Duration::from_millis(100)).await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_eq!(left.not_stopped, [key(&task.id)]);
    assert_eq!(left.handed_over, [key(&task.id)]);
    assert_eq!(store.member(&cluster.id()).await.unwrap().unwrap().state, MemberState::Left);
    agent.latches().open("release");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_holds_no_shutdown_up_beyond_its_limit() {
    let fleet = started(1, Bus::Plugged, Config::default().shutdown_limit(SHUTDOWN_LIMIT)).await;
    let tasks = [fleet.nodes[0].start("hang").await.id, fleet.nodes[0].start("hang").await.id];
    let hangs = Delay::between(Duration::from_secs(1_000), Duration::from_secs(1_000));
    fleet.becomes(0..1, &Forecast { store_delay: hangs, ..Forecast::calm() });
    let began = Instant::now();
    let left = fleet.nodes[0].cluster.shutdown(Duration::from_secs(1)).await;
    assert!(began.elapsed() <= Duration::from_secs(1) + SHUTDOWN_LIMIT, "{:?}", began.elapsed());
    assert_eq!(left.not_stopped, [], "their agents are dropped all the same");
    let mut named: Vec<_> = left.handed_over.into_iter().map(|key| key.task_id).collect();
    named.sort();
    let mut expected = tasks.to_vec();
    expected.sort();
    assert_eq!(named, expected);
    assert_eq!(fleet.nodes[0].cluster.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_not_answered_in_time_is_named() {
    let fleet = started(2, Bus::Plugged, Config::default()).await;
    let parked = fleet.nodes[1].send("ask").await;
    fleet.becomes(0..1, &Forecast { store_delay: slow(20).store_delay, ..Forecast::calm() });
    let sent = fleet.nodes[0].ask(crate::world::follow_up(&parked, "do work; done"));
    let stops = async {
        // The task is being read, and the claim comes next.
        sleep(Duration::from_millis(70)).await;
        let hangs = Delay::between(Duration::from_secs(1_000), Duration::from_secs(1_000));
        fleet.becomes(0..1, &Forecast { store_delay: hangs, ..Forecast::calm() });
        sleep(Duration::from_millis(50)).await;
        fleet.nodes[0].cluster.shutdown(Duration::ZERO).await
    };
    let (sent, left) = tokio::join!(sent, stops);
    assert_eq!((left.handed_over, left.not_stopped), (vec![key(&parked.id)], vec![]), "{sent:?}");
}
