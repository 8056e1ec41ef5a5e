//! What becomes of tasks and streams when an instance vanishes, wakes up again, or the store is away.
//! Time is paused: leases pass in no time.

use std::time::Duration;

use a2a::{StreamResponse, TaskState};
use a2a_cluster::retry_after;
use a2a_cluster::{Config, ExecutorLost};
use a2a_core::{Membership, reduce};
use a2a_server::RequestHandler;
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{
    self, Bus, Events, World, drain, eventually, expect_task, fold, follow_up, on_every_bus, params, request,
    state, texts,
};

const LEASE: Duration = Duration::from_secs(15);

async fn storm(instances: usize, bus: Bus, executor_lost: ExecutorLost) -> World {
    World::with(instances, bus, Config::default().lease(LEASE).executor_lost(executor_lost)).await
}

fn last_state(events: &[StreamResponse]) -> Option<TaskState> {
    events.iter().rev().find_map(reduce::state_of).cloned()
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn the_task_of_a_vanished_instance_fails_within_two_leases_and_its_streams_end(bus) {
        let storm = storm(3, bus, ExecutorLost::Fail).await;
        let task = storm.nodes[0].start("hang").await;
        let streams = [storm.nodes[1].subscribe(&task.id).await, storm.nodes[2].subscribe(&task.id).await];
        sleep(Duration::from_secs(7)).await;
        storm.crash(storm.nodes[0].cluster.id());
        let crashed = Instant::now();
        for stream in streams {
            let events = drain(stream.unwrap()).await;
            assert_eq!(last_state(&events), Some(TaskState::Failed));
            assert!(crashed.elapsed() <= LEASE * 2, "{:?}", crashed.elapsed());
        }
        let head = storm.head(&task.id).await;
        assert_eq!((head.state, head.claim), (TaskState::Failed, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_survivor_completes_the_task_of_a_vanished_instance_and_no_stream_misses_an_event(bus) {
        let storm = storm(3, bus, ExecutorLost::Resume { max_attempts: 2 }).await;
        let task = storm.nodes[0].start("stream 100 100").await;
        let stream = storm.nodes[1].subscribe(&task.id).await.unwrap();
        sleep(Duration::from_secs(5)).await;
        storm.crash(storm.nodes[0].cluster.id());
        let events = drain(stream).await;
        let seen = fold(&events);
        let stored = storm.nodes[2].get(&task.id).await.unwrap();
        assert_eq!(state(&seen), TaskState::Completed);
        assert_eq!(world::visible(&seen), world::visible(&stored));
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_kills_its_executors_fails_once_its_attempts_are_used_up(bus) {
        let storm = storm(4, bus, ExecutorLost::Resume { max_attempts: 3 }).await;
        let task = storm.nodes[0].start("quiet 1000000").await;
        let mut killed = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(300) {
            let head = storm.head(&task.id).await;
            if let Some(executor) = head.claim.filter(|executor| !killed.contains(&executor.instance)) {
                killed.push(executor.instance);
                assert_eq!(executor.attempt as usize, killed.len());
                storm.crash(executor.instance);
            }
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(killed.len(), 3);
        let survivor = storm.nodes.iter().find(|node| !killed.contains(&node.cluster.id())).unwrap();
        let task = survivor.get(&task.id).await.unwrap();
        assert_eq!(state(&task), TaskState::Failed);
        let said = task.status.message.as_ref().and_then(a2a::Message::text);
        assert!(said.is_some_and(|said| said.contains("each time")), "{said:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_outlives_its_executors_one_after_another(bus) {
        for pause in [3, 22] {
            let storm = storm(6, bus, ExecutorLost::Resume { max_attempts: 5 }).await;
            sleep(Duration::from_secs(7)).await;
            let task = storm.nodes[0].start("do work; talk 500 100; done").await;
            let reader = &storm.nodes[5];
            let seen = reader.subscribe(&task.id).await.unwrap().collect::<Vec<_>>();
            let die = async {
                for killed in 1.. {
                    sleep(Duration::from_secs(pause)).await;
                    let Some(claim) = storm.head(&task.id).await.claim else { break };
                    if claim.instance == reader.cluster.id() || killed == 4 {
                        break;
                    }
                    assert_eq!(claim.attempt, killed);
                    storm.crash(claim.instance);
                    let crashed = Instant::now();
                    while storm.head(&task.id).await.claim == Some(claim) {
                        assert!(crashed.elapsed() <= LEASE * 2, "{:?}", crashed.elapsed());
                        sleep(Duration::from_millis(500)).await;
                    }
                }
            };
            let (seen, ()) = tokio::join!(timeout(Duration::from_secs(600), seen), die);
            let seen: Vec<_> = seen.unwrap().into_iter().map(Result::unwrap).collect();
            let stored = storm.load(&task.id).await;
            assert_eq!(state(&stored.task), TaskState::Completed);
            assert!(stored.head.claim.is_none() && texts(&stored.task).len() > 500, "it began again");
            assert_eq!(world::visible(&fold(&seen)), world::visible(&stored.task));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_zombie_that_wakes_harms_nothing_and_learns_that_it_is_dead(bus) {
        for lost in [ExecutorLost::Fail, ExecutorLost::Resume { max_attempts: 3 }] {
            let storm = storm(3, bus, lost).await;
            let zombie = &storm.nodes[0];
            let task = zombie.start("work; count 0 40 500; done").await;
            let stream = zombie.subscribe(&task.id).await.unwrap();
            sleep(Duration::from_secs(5)).await;
            storm.crash(zombie.cluster.id());
            sleep(LEASE * 4).await;
            let before = storm.load(&task.id).await;
            assert!(before.task.status.state.is_terminal(), "{before:?}");

            let id = zombie.cluster.id();
            storm.weather.thaw(id);
            let ended = timeout(LEASE, stream.collect::<Vec<_>>()).await;
            let last = ended.expect("its streams end").pop();
            assert!(last.is_some_and(|last| retry_after(&last.unwrap_err()).is_some()), "they may be tried again");
            eventually("it joined again", || async { zombie.cluster.id() != id && zombie.cluster.is_ready() }).await;
            assert_eq!((zombie.cluster.running(), zombie.cluster.streaming()), (0, 0));
            let after = storm.load(&task.id).await;
            assert_eq!((after.version, after.task), (before.version, before.task));
            assert_eq!(after.head.claim, None);
            zombie.send("echo hi").await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn parked_tasks_survive_their_instance_and_are_answered_elsewhere(bus) {
        let storm = storm(3, bus, ExecutorLost::Fail).await;
        let task = storm.nodes[0].send("ask").await;
        let stream = storm.nodes[1].subscribe(&task.id).await.unwrap();
        storm.crash(storm.nodes[0].cluster.id());
        sleep(LEASE * 10).await;
        assert_eq!(state(&storm.nodes[1].get(&task.id).await.unwrap()), TaskState::InputRequired);
        let answered = storm.nodes[2].handler.send_message(&params(), follow_up(&task, "enough")).await.unwrap();
        assert_eq!(state(&expect_task(answered)), TaskState::Completed);
        assert_eq!(last_state(&drain(stream).await), Some(TaskState::Completed));
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_store_is_away_agents_wait_and_requests_are_told_when_to_come_back(bus) {
        let storm = storm(2, bus, ExecutorLost::Fail).await;
        let task = storm.nodes[0].start("stream 100 100").await;
        let mut streams: [Events; 2] = [
            storm.nodes[0].subscribe(&task.id).await.unwrap(),
            storm.nodes[1].subscribe(&task.id).await.unwrap(),
        ];
        sleep(Duration::from_secs(2)).await;
        storm.store_goes();
        let version = storm.load(&task.id).await.version;
        for node in &storm.nodes {
            let refused = node.handler.send_message(&params(), request("echo hi")).await.unwrap_err();
            assert!(retry_after(&refused).is_some(), "{refused:?}");
        }
        assert_eq!(storm.load(&task.id).await.version, version, "the agent is held back");

        storm.store_returns();
        let stored = async {
            while !storm.head(&task.id).await.state.is_terminal() {
                sleep(Duration::from_secs(1)).await;
            }
            storm.nodes[0].get(&task.id).await.unwrap()
        };
        let stored = timeout(Duration::from_secs(120), stored).await.unwrap();
        let expected: Vec<_> = (0..100).map(|n| n.to_string()).collect();
        assert_eq!(
            (state(&stored), texts(&stored)),
            (TaskState::Completed, expected.iter().map(String::as_str).collect())
        );
        for stream in &mut streams {
            let events = drain(std::mem::replace(stream, futures::stream::empty().boxed())).await;
            assert_eq!(world::visible(&fold(&events)), world::visible(&stored), "the streams stayed open");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_evicted_because_the_store_was_away_for_longer_than_a_lease(bus) {
        let storm = storm(3, bus, ExecutorLost::Fail).await;
        sleep(LEASE * 2).await;
        storm.store_goes();
        sleep(LEASE * 4).await;
        assert!(storm.nodes.iter().all(|node| !node.cluster.is_ready()), "they may have been declared dead");
        storm.store_returns();
        sleep(LEASE * 2).await;
        assert!(storm.nodes.iter().all(|node| node.cluster.is_ready()));
        assert_eq!(storm.store.roster(None, 10).await.unwrap().len(), 3);
    }
}
