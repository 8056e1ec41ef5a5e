//! An instance that cannot reach its store for long: its streams end, its agents work on, and no task fails.

use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::retry_after;
use a2a_cluster::{Config, ExecutorLost};
use a2a_server::RequestHandler;
use futures::StreamExt;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{Events, World, expect_task, follow_up, on_every_bus, params, request, state, texts};

const LEASE: Duration = Duration::from_secs(15);

/// Reads a stream to the error that it must end with, and tells when that came.
async fn until_error(events: Events) -> (a2a::A2AError, Instant) {
    let all: Vec<_> = timeout(Duration::from_secs(600), events.collect::<Vec<_>>()).await.unwrap();
    (all.into_iter().last().unwrap().unwrap_err(), Instant::now())
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn while_the_store_is_away_for_minutes_streams_end_and_no_task_fails(bus) {
        for lost in [ExecutorLost::Fail, ExecutorLost::Resume { max_attempts: 2 }] {
            let storm = World::with(3, bus, Config::default().executor_lost(lost)).await;
            sleep(Duration::from_secs(7)).await;
            let talks = storm.nodes[0].start("do work; talk 100 2000; done").await;
            let ends = storm.nodes[1].start("do work; sleep 60000; say end; done").await;
            let asks = storm.nodes[2].start("do work; sleep 30000; ask").await;
            let parked = storm.nodes[2].send("do ask; hang").await;
            let quiet = storm.nodes[0].send("ask").await;
            let mut streams = Vec::new();
            for node in &storm.nodes {
                for task in [&talks, &ends, &asks, &parked, &quiet] {
                    streams.push(node.subscribe(&task.id).await.unwrap());
                }
            }
            storm.store_goes();
            let gone = Instant::now();
            let waiting = storm.nodes[0].ask(request("do sleep 20; work; hang"));
            let refused = waiting.await.unwrap_err();
            assert!(retry_after(&refused).is_some() && gone.elapsed() < LEASE, "{refused:?}");
            for events in streams {
                let (error, at) = until_error(events).await;
                assert!(retry_after(&error).is_some(), "{error:?}");
                assert!(at - gone <= LEASE * 3, "{:?}", at - gone);
            }
            sleep(Duration::from_secs(180).saturating_sub(gone.elapsed())).await;
            storm.store_returns();
            sleep(Duration::from_secs(240)).await;
            for (task, expected) in [
                (&talks, TaskState::Completed),
                (&ends, TaskState::Completed),
                (&asks, TaskState::InputRequired),
                (&parked, TaskState::InputRequired),
            ] {
                assert_eq!(state(&storm.load(&task.id).await.task), expected);
            }
            assert_eq!(texts(&storm.load(&talks.id).await.task).len(), 100);
            for task in [&asks, &parked, &quiet] {
                let answer = storm.nodes[1].ask(follow_up(task, "do work; done")).await;
                assert_eq!(state(&expect_task(answer.unwrap())), TaskState::Completed);
            }
            assert!(storm.nodes.iter().all(|node| node.cluster.is_ready()));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_send_that_waits_for_its_turn_is_told_to_read_the_task(bus) {
        let storm = World::with(1, bus, Config::default()).await;
        let sent = storm.nodes[0].ask(request("do work; sleep 120000; done"));
        let goes = async {
            sleep(Duration::from_secs(1)).await;
            storm.store_goes();
        };
        let (told, ()) = tokio::join!(timeout(Duration::from_secs(100), sent), goes);
        let error = told.unwrap().unwrap_err();
        assert!(error.message.contains("read the task"), "{error:?}");
        storm.store_returns();
        sleep(Duration::from_secs(200)).await;
        let task = storm.nodes[0].handler.list_tasks(&params(), crate::world::list()).await.unwrap().tasks.remove(0);
        assert_eq!(state(&task), TaskState::Completed);
    }

    #[tokio::test(start_paused = true)]
    async fn one_instance_that_is_cut_off_ends_its_streams_and_others_go_on_with_its_tasks(bus) {
        let storm = World::with(3, bus, Config::default()).await;
        sleep(Duration::from_secs(7)).await;
        let task = storm.nodes[0].start("do work; talk 0 500").await;
        let (own, other) = (storm.nodes[0].subscribe(&task.id).await.unwrap(), storm.nodes[1].subscribe(&task.id).await.unwrap());
        storm.weather.part_from_store(storm.nodes[0].cluster.id());
        let began = Instant::now();
        let (error, at) = until_error(own).await;
        assert!(retry_after(&error).is_some() && at - began <= LEASE * 3);
        assert_eq!(crate::world::last_state(&crate::world::drain(other).await), Some(TaskState::Failed));
        storm.weather.heal();
        let before = storm.nodes[0].cluster.running();
        crate::world::eventually("it joined again", || async { storm.nodes[0].cluster.is_ready() && storm.nodes[0].cluster.running() == 0 }).await;
        assert_eq!(before, 1, "its agent worked on, unheard");
        assert_eq!(state(&storm.nodes[0].send("echo hi").await), TaskState::Completed);
    }
}
