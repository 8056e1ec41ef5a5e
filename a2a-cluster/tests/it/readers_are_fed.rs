//! While a task is not over, whoever reads it is fed, whatever becomes of an agent here or elsewhere.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a::{StreamResponse, TaskState, error_code};
use a2a_cluster::Config;
use a2a_core::TaskStore;
use a2a_server::RequestHandler;
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use futures::StreamExt;
use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use crate::world::hooked::{Call, Fate, hooked, hooked_over};
use crate::world::{
    self, Bus, World, drain, eventually, expect_task, fold, follow_up, identified, key, on_every_bus, params,
    quick, state, texts, visible,
};

/// What an agent may do that asked, and did not end with that.
const STAYS: [&str; 7] = [
    "do ask; sleep 200",
    "do ask; hang",
    "do ask; sleep 100; say late; hang",
    "do ask; sleep 100; panic",
    "do ask; sleep 100; error broken",
    "do ask; bomb; sleep 100",
    "do ask; talk 0 7",
];

/// Readers soon need the store.
fn small_rings() -> Config {
    quick().ring_commits(2)
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn readers_see_the_turn_of_another_instance_whatever_the_agent_does_that_asked(bus) {
        for stays in STAYS {
            for next in 0..3 {
                let world = World::new(3, bus).await;
                let task = world.nodes[0].send(stays).await;
                assert_eq!(state(&task), TaskState::InputRequired);
                let before = join_all([0, 1].map(|n| world.nodes[n].subscribe(&task.id))).await;
                sleep(Duration::from_millis(50)).await;
                let mut continued = follow_up(&task, "do work; talk 20 20; done");
                continued.configuration = world::at_once();
                world.on(next).send_message(&params(), continued).await.unwrap();
                let after = join_all([0, 2].map(|n| world.nodes[n].subscribe(&task.id))).await;
                let began = Instant::now();
                for events in before.into_iter().chain(after) {
                    let events = drain(events.unwrap()).await;
                    let last = events.iter().rev().find_map(a2a_core::reduce::state_of);
                    assert_eq!(last, Some(&TaskState::Completed), "{stays} on 0, then {next}");
                }
                assert!(began.elapsed() < Duration::from_secs(2), "{stays} on 0, then {next}: {:?}", began.elapsed());
                let told = world.nodes[1].get(&task.id).await.unwrap();
                assert_eq!(state(&told), TaskState::Completed);
                eventually("the agents' end", || async { world.nodes.iter().all(|n| n.cluster.running() == 0) }).await;
                world.shutdown().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn equal_messages_that_arrive_at_several_instances_at_once_make_one_task_and_all_see_it_end(bus) {
        for script in ["do work; talk 5 20; done", "do sleep 200; work; done", "do talk 0 5 / canceled", "do sleep 100; ask"] {
            let world = World::new(3, bus).await;
            let message = identified(script);
            let streams = join_all([0, 1, 2, 0].map(|n| {
                let (handler, message) = (world.nodes[n].handler.clone(), message.clone());
                async move { handler.send_streaming_message(&params(), message).await.unwrap() }
            }))
            .await;
            let blocking = {
                let (handler, message) = (world.nodes[1].handler.clone(), message.clone());
                tokio::task::spawn(async move { expect_task(handler.send_message(&params(), message).await.unwrap()) })
            };
            if script.contains("talk 0") {
                sleep(Duration::from_millis(500)).await;
                let task = world.on(2).list_tasks(&params(), world::list()).await.unwrap().tasks.remove(0);
                world.nodes[2].cancel(&task.id).await.unwrap();
            }
            let mut ids = Vec::new();
            for events in streams {
                let task = fold(&drain(events).await);
                let stored = world.nodes[1].get(&task.id).await.unwrap();
                assert_eq!(visible(&task), visible(&stored), "{script}");
                ids.push(task.id);
            }
            ids.push(blocking.await.unwrap().id);
            ids.dedup();
            assert_eq!(ids.len(), 1, "{script}");
            assert_eq!(world.on(0).list_tasks(&params(), world::list()).await.unwrap().tasks.len(), 1);
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_instance_that_ran_a_parked_task_shows_the_next_turn_as_soon_as_any_other(bus) {
        for asks in ["ask", "do work; burst 40; ask"] {
            let world = World::new(2, bus).await;
            let task = world.nodes[0].send(asks).await;
            let old = world.nodes[0].subscribe(&task.id).await.unwrap();
            sleep(Duration::from_secs(60)).await;
            let began = Instant::now();
            let mut next = follow_up(&task, "do work; say first; hang");
            next.configuration = world::at_once();
            world.on(1).send_message(&params(), next).await.unwrap();
            let new = world.nodes[0].subscribe(&task.id).await.unwrap();
            for mut events in [old, new] {
                let first = async {
                    loop {
                        let event = events.next().await.unwrap().unwrap();
                        if serde_json::to_string(&event).unwrap().contains("\"first\"") {
                            return;
                        }
                    }
                };
                timeout(Duration::from_secs(5), first).await.unwrap();
            }
            let bound = if bus == Bus::Plugged { 100 } else { 1_000 };
            assert!(began.elapsed() < Duration::from_millis(bound), "{:?}", began.elapsed());
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_whose_task_is_deleted_is_told_so_and_costs_next_to_nothing(bus) {
        for reads_on in [0, 1] {
            let (store, world) = hooked(2, bus, small_rings()).await;
            let task = world.nodes[0].start("do work; talk 50 5; hang").await;
            let mut events = world.nodes[reads_on].subscribe(&task.id).await.unwrap();
            events.next().await.unwrap().unwrap();
            sleep(Duration::from_secs(2)).await;
            assert!(store.delete(&key(&task.id)).await.unwrap());
            let before = store.calls();
            let rest = timeout(Duration::from_secs(60), events.collect::<Vec<_>>()).await.unwrap();
            let end = rest.last().unwrap().as_ref().unwrap_err();
            assert_eq!(end.code, error_code::TASK_NOT_FOUND);
            let calls = store.calls() - before;
            assert!(calls < 200, "{calls} calls");
            eventually("the agent's end", || async { world.nodes[0].cluster.running() == 0 }).await;
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_of_a_silent_task_that_is_deleted_ends_and_says_so(bus) {
        for script in ["do work; hang", "do ask; hang", "ask"] {
            let storm = World::with(2, bus, quick()).await;
            let task = storm.nodes[0].start(script).await;
            let streams = [storm.nodes[0].subscribe(&task.id).await.unwrap(), storm.nodes[1].subscribe(&task.id).await.unwrap()];
            sleep(Duration::from_secs(30)).await;
            assert!(storm.store.delete(&key(&task.id)).await.unwrap());
            for events in streams {
                let rest = timeout(Duration::from_secs(60), events.collect::<Vec<_>>()).await.expect(script);
                assert_eq!(rest.last().unwrap().as_ref().unwrap_err().code, error_code::TASK_NOT_FOUND, "{script}");
            }
            assert_eq!(storm.nodes[0].cluster.running(), 0, "{script}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_whose_task_has_expired_is_told_so(bus) {
        for reads_on in [0, 1] {
            let keeps_one = MemoryStore::with_config(MemoryStoreConfig::default().finished_tasks(1));
            let (store, world) = hooked_over(keeps_one, 2, bus, small_rings()).await;
            let task = world.nodes[0].start("do work; talk 50 5; done").await;
            let mut events = world.nodes[reads_on].subscribe(&task.id).await.unwrap();
            events.next().await.unwrap().unwrap();
            sleep(Duration::from_secs(2)).await;
            // Later ones take its place.
            for _ in 0..20 {
                world.nodes[1].send("echo hi").await;
            }
            let before = store.calls();
            let rest = timeout(Duration::from_secs(60), events.collect::<Vec<_>>()).await.unwrap();
            assert_eq!(rest.last().unwrap().as_ref().unwrap_err().code, error_code::TASK_NOT_FOUND);
            let calls = store.calls() - before;
            assert!(calls < 50, "{calls} calls");
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_of_a_task_that_cannot_be_read_ends_where_it_needs_the_store_and_nowhere_else(bus) {
        let storm = World::with(2, bus, quick()).await;
        let task = storm.nodes[0].start("do work; sleep 30000; say rest; done").await;
        let served = storm.nodes[0].subscribe(&task.id).await.unwrap();
        let followed = storm.nodes[1].subscribe(&task.id).await.unwrap();
        storm.weather.spoil(&key(&task.id));
        let rest = timeout(Duration::from_secs(20), followed.collect::<Vec<_>>()).await.unwrap();
        assert_eq!(rest.last().unwrap().as_ref().unwrap_err().code, error_code::INTERNAL_ERROR);
        let last = drain(served).await;
        assert_eq!(last.iter().rev().find_map(a2a_core::reduce::state_of), Some(&TaskState::Completed));
    }

    #[tokio::test(start_paused = true)]
    async fn readers_of_all_instances_see_one_end_where_the_asking_instance_leaves(bus) {
        let storm = World::with(3, bus, quick()).await;
        let task = storm.nodes[0].send("do ask; hang").await;
        let events = storm.nodes[1].subscribe(&task.id).await.unwrap();
        let done = AtomicUsize::new(0);
        let leaves = async {
            storm.nodes[0].cluster.shutdown(Duration::from_millis(50)).await;
            done.fetch_add(1, Ordering::Relaxed);
        };
        let answers = async {
            sleep(Duration::from_millis(10)).await;
            let next = follow_up(&task, "do work; talk 10 20; done");
            expect_task(storm.nodes[2].handler.send_message(&params(), next).await.unwrap())
        };
        let ((), answered, seen) = tokio::join!(leaves, answers, drain(events));
        assert_eq!(texts(&answered).len(), 10);
        let last = seen.iter().rev().find_map(a2a_core::reduce::state_of);
        assert_eq!(last, Some(&TaskState::Completed));
        assert!(matches!(seen[0], StreamResponse::Task(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_a_task_before_its_executor_knows_that_it_is_there_is_sent_what_follows() {
    let (store, world) = hooked(2, Bus::Plugged, Config::default()).await;
    store.all(&[Call::Commit], Fate::AnsweredLate(2_000));
    let handler = world.nodes[0].handler.clone();
    let message = world::request("do work; sleep 2500; say first; hang");
    let sent = tokio::spawn(async move { handler.send_message(&params(), message).await });
    sleep(Duration::from_millis(300)).await;
    let task = world.on(1).list_tasks(&params(), world::list()).await.unwrap().tasks.remove(0);
    let mut events = world.nodes[1].subscribe(&task.id).await.unwrap();
    events.next().await.unwrap().unwrap();
    sleep(Duration::from_millis(1_900)).await;
    store.heal();
    let began = Instant::now();
    while !matches!(events.next().await.unwrap().unwrap(), StreamResponse::ArtifactUpdate(_)) {}
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
    sent.abort();
    world.shutdown().await;
}
