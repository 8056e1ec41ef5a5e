//! Streams of a task, on whichever instance and whenever they are opened: the same events, in order, once.

use std::time::Duration;

use a2a::{StreamResponse, TaskState, error_code};
use a2a_server::RequestHandler;
use futures::StreamExt;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::world::hooked::{Call, Fate, hooked};
use crate::world::{self, World, drain, eventually, fold, on_every_bus, quick, state, texts, visible};

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn streams_on_other_instances_see_the_whole_task(bus) {
        for instances in [1, 2, 3, 5] {
            let world = World::new(instances, bus).await;
            let task = world.nodes[0].start("stream 40 3").await;
            let mut readers = JoinSet::new();
            for node in &world.nodes {
                for _ in 0..3 {
                    readers.spawn(drain(node.subscribe(&task.id).await.unwrap()));
                }
            }
            let seen = readers.join_all().await;
            let truth = world.nodes[0].get(&task.id).await.unwrap();
            assert_eq!(texts(&truth).len(), 40);
            for events in seen {
                assert_eq!(visible(&fold(&events)), visible(&truth));
            }
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_opened_at_any_moment_misses_and_repeats_nothing(bus) {
        let world = World::new(3, bus).await;
        let task = world.nodes[0].start("stream 60 2").await;
        let mut readers = JoinSet::new();
        for n in 0..30 {
            tokio::time::sleep(Duration::from_millis(4)).await;
            match world.nodes[n % 3].subscribe(&task.id).await {
                Ok(events) => drop(readers.spawn(drain(events))),
                Err(error) => assert_eq!(error.code, error_code::UNSUPPORTED_OPERATION),
            }
        }
        let truth_at_end = readers.join_all().await;
        assert!(!truth_at_end.is_empty());
        let truth = world.nodes[1].get(&task.id).await.unwrap();
        for events in truth_at_end {
            assert_eq!(visible(&fold(&events)), visible(&truth));
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn readers_that_vanish_disturb_nobody(bus) {
        let world = World::new(2, bus).await;
        let task = world.nodes[0].start("stream 50 2").await;
        let stays = tokio::spawn(drain(world.nodes[1].subscribe(&task.id).await.unwrap()));
        for n in 0..20 {
            let mut events = world.nodes[n % 2].subscribe(&task.id).await.unwrap();
            events.next().await.unwrap().unwrap();
            drop(events);
        }
        let events = stays.await.unwrap();
        assert_eq!(visible(&fold(&events)), visible(&world.nodes[0].get(&task.id).await.unwrap()));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_on_a_parked_task_stays_open_and_sees_what_comes(bus) {
        let world = World::new(3, bus).await;
        let parked = world.nodes[0].send("ask").await;
        assert_eq!(state(&parked), TaskState::InputRequired);
        let watching = tokio::spawn(drain(world.nodes[1].subscribe(&parked.id).await.unwrap()));
        let also = tokio::spawn(drain(world.nodes[2].subscribe(&parked.id).await.unwrap()));
        let request = world::follow_up(&parked, "the answer");
        let done = a2a_server::RequestHandler::send_message(world.on(2), &world::params(), request).await;
        let done = world::expect_task(done.unwrap());
        assert_eq!(state(&done), TaskState::Completed);
        for events in [watching.await.unwrap(), also.await.unwrap()] {
            assert_eq!(visible(&fold(&events)), visible(&done));
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_instances_that_watched_a_task_forget_it(bus) {
        let world = World::new(2, bus).await;
        let task = world.nodes[0].start("hang").await;
        let events = world.nodes[1].subscribe(&task.id).await.unwrap();
        assert_eq!(world.watchers(&task.id).await, 1);
        drop(events);
        eventually("the watcher's departure", || async {
            world.watchers(&task.id).await == 0 && world.nodes[1].cluster.streaming() == 0
        })
        .await;
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_leaves_just_when_its_stream_is_opened_leaves_no_reader_behind(bus) {
        let (store, world) = hooked(1, bus, quick()).await;
        let parked = world.nodes[0].send("ask").await;
        store.all(&[Call::Commit], Fate::Late(100));
        let params = world::params();
        let request = world::follow_up(&parked, "do work; hang");
        let mut opens = world.on(0).send_streaming_message(&params, request);
        assert!(timeout(Duration::from_millis(50), &mut opens).await.is_err());
        // The answer is there, and nobody has taken it.
        sleep(Duration::from_secs(1)).await;
        drop(opens);
        assert_eq!((world.nodes[0].cluster.running(), world.nodes[0].cluster.streaming()), (1, 0));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_of_a_task_that_ended_is_an_unsupported_operation(bus) {
        let world = World::new(2, bus).await;
        let task = world.nodes[0].send("echo hello").await;
        for node in &world.nodes {
            let Err(error) = node.subscribe(&task.id).await else { panic!("a stream of a task that ended") };
            assert_eq!(error.code, error_code::UNSUPPORTED_OPERATION);
        }
        let Err(error) = world.nodes[1].subscribe("nobody").await else { panic!("a stream of no task") };
        assert_eq!(error.code, error_code::TASK_NOT_FOUND);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_served_from_the_store_and_loses_nothing(bus) {
        let world = World::with(2, bus, world::quick().ring_commits(4)).await;
        let mut slow = Vec::new();
        let streamed = world.nodes[0].stream("stream 300 0").await;
        slow.push(streamed);
        let task = world.nodes[0].start("stream 300 1").await;
        slow.push(world.nodes[0].subscribe(&task.id).await.unwrap());
        slow.push(world.nodes[1].subscribe(&task.id).await.unwrap());
        eventually("completion", || async {
            state(&world.nodes[0].get(&task.id).await.unwrap()) == TaskState::Completed
        })
        .await;
        for events in slow {
            let task = fold(&drain(events).await);
            assert_eq!(texts(&task).len(), 300);
            assert_eq!(visible(&task), visible(&world.nodes[0].get(&task.id).await.unwrap()));
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_thousands_of_chunks_behind_gets_each_once_and_the_task_once(bus) {
        let world = World::with(2, bus, world::quick().ring_commits(4)).await;
        let task = world.nodes[0].start("stream 5000 1 120").await;
        let mut slow = Vec::new();
        for node in &world.nodes {
            slow.push(node.subscribe(&task.id).await.unwrap());
        }
        eventually("completion", || async {
            world.load(&task.id).await.task.status.state == TaskState::Completed
        })
        .await;
        for events in slow {
            let events = drain(events).await;
            let tasks = events.iter().filter(|event| matches!(event, StreamResponse::Task(_))).count();
            assert_eq!((tasks, matches!(events[0], StreamResponse::Task(_))), (1, true));
            let task = fold(&events);
            assert_eq!(state(&task), TaskState::Completed);
            let chunks: Vec<usize> = texts(&task).iter().map(|text| text.parse().unwrap()).collect();
            assert!(chunks.iter().copied().eq(0..5000), "{} chunks", chunks.len());
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn every_stream_sees_the_same_events_in_the_same_order(bus) {
        let world = World::new(3, bus).await;
        let task = world.nodes[1].start("stream 30 3").await;
        let mut readers = JoinSet::new();
        for node in &world.nodes {
            readers.spawn(drain(node.subscribe(&task.id).await.unwrap()));
        }
        let seen = readers.join_all().await;
        let shortest = seen.iter().map(Vec::len).min().unwrap() - 1;
        let tail = |events: &[StreamResponse]| events[events.len() - shortest..].to_vec();
        for events in &seen {
            assert_eq!(tail(events), tail(&seen[0]));
        }
        world.shutdown().await;
    }
}
