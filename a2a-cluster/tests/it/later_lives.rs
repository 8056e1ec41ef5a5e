//! A task that is deleted under whoever reads or continues it, and another one that gets its id.

use std::time::Duration;

use a2a::{Task, TaskState, error_code};
use a2a_core::TaskStore;
use futures::StreamExt;
use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

use crate::world::hooked;
use crate::world::hooked::{Call, Fate, Hooked};
use crate::world::{
    Events, drain, expect_task, fold, follow_up, identified, key, on_every_bus, quick, state, texts,
};

async fn delete(store: &Hooked, task: &Task) {
    assert!(store.inner.delete(&key(&task.id)).await.unwrap());
}

/// Reads a stream to its end, which is to come soon, and is an error.
async fn error_code_of(events: Events) -> i32 {
    let all = timeout(Duration::from_secs(10), events.collect::<Vec<_>>()).await.unwrap();
    all.last().unwrap().as_ref().unwrap_err().code
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn the_streams_of_all_instances_end_where_a_task_is_deleted_that_is_at_work(bus) {
        for script in ["do work; hang", "do work; talk 0 50", "do ask", "do ask; hang"] {
            let (store, world) = hooked::hooked(3, bus, quick()).await;
            let task = world.nodes[0].start(script).await;
            let streams = join_all((0..3).map(|n| world.nodes[n].subscribe(&task.id))).await;
            sleep(Duration::from_secs(1)).await;
            delete(&store, &task).await;
            for (n, events) in streams.into_iter().enumerate() {
                assert_eq!(error_code_of(events.unwrap()).await, error_code::TASK_NOT_FOUND, "{script} on {n}");
            }
            assert_eq!(world.nodes[0].cluster.running(), 0);
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn cancels_and_messages_that_are_under_way_when_a_task_is_deleted_are_told_so(bus) {
        for script in ["do work; hang / hang", "do ask", "do ask; hang / hang"] {
            for n in 0..2 {
                let (store, world) = hooked::hooked(2, bus, quick()).await;
                let task = world.nodes[0].start(script).await;
                sleep(Duration::from_millis(50)).await;
                store.all(&[Call::Commit, Call::Load], Fate::Late(100));
                let asks = async {
                    match script {
                        "do ask" => world.nodes[n].ask(follow_up(&task, "do work; hang")).await.err(),
                        _ => world.nodes[n].cancel(&task.id).await.err(),
                    }
                };
                let deleted = async {
                    sleep(Duration::from_millis(150)).await;
                    delete(&store, &task).await;
                };
                let (told, ()) = tokio::join!(timeout(Duration::from_secs(10), asks), deleted);
                assert_eq!(told.unwrap().unwrap().code, error_code::TASK_NOT_FOUND, "{script} on {n}");
                store.heal();
                sleep(Duration::from_secs(1)).await;
                assert_eq!(world.nodes.iter().map(|node| node.cluster.running()).sum::<usize>(), 0);
                world.shutdown().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_sent_again_after_a_deletion_makes_one_task_though_an_old_stream_is_open(bus) {
        for n in 0..2 {
            for waits in [0, 1_000] {
                let (store, world) = hooked::hooked(2, bus, quick()).await;
                let message = identified("do work; burst 20; ask");
                let first = expect_task(world.nodes[0].ask(message.clone()).await.unwrap());
                let mut old = world.nodes[n].subscribe(&first.id).await.unwrap();
                old.next().await.unwrap().unwrap();
                delete(&store, &first).await;
                sleep(Duration::from_millis(waits)).await;
                // Its client does not read the old stream now.
                let again = world.nodes[n].ask(message.clone()).await;
                let second = expect_task(again.unwrap_or_else(|error| panic!("on {n} after {waits}: {error:?}")));
                assert_eq!(state(&second), TaskState::InputRequired);
                let third = expect_task(world.nodes[1 - n].ask(message).await.unwrap());
                assert_eq!(third, second, "one task");
                let new = world.nodes[n].subscribe(&second.id).await.unwrap();
                let completed = world.nodes[n].ask(follow_up(&second, "do work; say last; done")).await.unwrap();
                assert_eq!(texts(&fold(&drain(new).await)), texts(&expect_task(completed)));
                assert_eq!(error_code_of(old).await, error_code::TASK_NOT_FOUND, "it shows nothing of the other");
                world.shutdown().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_task_that_has_the_id_of_a_longer_one_can_be_read_and_continued_everywhere(bus) {
        for n in 0..2 {
            let (store, world) = hooked::hooked(2, bus, quick()).await;
            let message = identified("do work; say x; ask");
            let first = expect_task(world.nodes[0].ask(message.clone()).await.unwrap());
            let old = world.nodes[n].subscribe(&first.id).await.unwrap();
            for _ in 0..5 {
                world.nodes[0].ask(follow_up(&first, "do work; say y; ask")).await.unwrap();
            }
            sleep(Duration::from_secs(1)).await;
            delete(&store, &first).await;
            // At once, and elsewhere: the instance that has the old stream never saw that the task was gone.
            let second = expect_task(world.nodes[1 - n].ask(message).await.unwrap());
            assert_eq!((&second.id, texts(&second)), (&first.id, vec!["x"]));
            let new = world.nodes[n].subscribe(&second.id).await.unwrap();
            let next = follow_up(&second, "do work; say z; sleep 100; done");
            let began = Instant::now();
            let done = timeout(Duration::from_secs(10), world.nodes[n].ask(next)).await.unwrap().unwrap();
            assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
            assert_eq!(texts(&expect_task(done)), ["x", "z"]);
            let seen = fold(&drain(new).await);
            assert_eq!((state(&seen), texts(&seen)), (TaskState::Completed, vec!["x", "z"]));
            assert_eq!(error_code_of(old).await, error_code::TASK_NOT_FOUND);
            world.shutdown().await;
        }
    }
}
