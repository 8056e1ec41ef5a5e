//! Messages that come again, or under the same key, at awkward moments; and what their senders are told to do next.

use std::time::Duration;

use a2a::{A2AError, SendMessageRequest, SendMessageResponse, Task, TaskState, error_code};
use a2a_cluster::retry_after;
use a2a_cluster::{Config, ExecutorLost};
use a2a_core::{ClaimChange, Commit, CommitId, Membership, SystemEnv, TaskStore, reduce};
use a2a_server::{RequestHandler, ServiceParams};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::world::hooked::{Call, Fate, hooked};
use crate::world::{
    Node, World, at_once, drain, expect_task, fold, identified, key, numbered, on_every_bus, params, quick,
    request, state, texts,
};

fn keyed() -> ServiceParams {
    let mut params = params();
    params.insert("idempotency-key".to_owned(), vec!["once".to_owned()]);
    params
}

/// Sends a message, and waits for the answer in a task of its own.
fn sent(node: &Node, request: SendMessageRequest) -> JoinHandle<Result<SendMessageResponse, A2AError>> {
    let handler = node.handler.clone();
    tokio::spawn(async move { handler.send_message(&params(), request).await })
}

async fn only_task(world: &World) -> Task {
    let mut tasks = world.on(1).list_tasks(&params(), crate::world::list()).await.unwrap().tasks;
    assert_eq!(tasks.len(), 1);
    tasks.remove(0)
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_sent_again_while_its_task_is_being_written_joins_it(bus) {
        for fate in [Fate::Late(300), Fate::AnsweredLate(300)] {
            for n in 0..2 {
                let (store, world) = hooked(2, bus, quick()).await;
                store.all(&[Call::Commit], fate);
                let message = identified("do work; say once; done");
                let first = world.nodes[0].ask(message.clone());
                let again = async {
                    sleep(Duration::from_millis(50)).await;
                    let (plain, mut returns) = (params(), message.clone());
                    returns.configuration = at_once();
                    let streams = world.on(n).send_streaming_message(&plain, message.clone());
                    let waits = world.nodes[n].ask(message.clone());
                    let (waits, returns, streams) = tokio::join!(waits, world.nodes[n].ask(returns), streams);
                    (waits, returns, fold(&drain(streams.unwrap()).await))
                };
                let (first, (waits, returns, streamed)) = tokio::join!(first, again);
                let first = expect_task(first.unwrap());
                assert_eq!(texts(&first), ["once"]);
                let waits = expect_task(waits.unwrap());
                assert_eq!((&waits.id, texts(&waits)), (&first.id, vec!["once"]), "{fate:?} on {n}");
                assert_eq!(expect_task(returns.unwrap()).id, first.id, "{fate:?} on {n}");
                assert_eq!((&streamed.id, texts(&streamed)), (&first.id, vec!["once"]), "{fate:?} on {n}");
                world.shutdown().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_joins_a_task_whose_creation_is_not_answered_waits_no_longer_than_the_first(bus) {
        let (store, world) = hooked(1, bus, quick()).await;
        store.all(&[Call::Commit], Fate::Hangs);
        let message = identified("do work; done");
        for _ in 0..3 {
            let told = timeout(Duration::from_secs(6), world.nodes[0].ask(message.clone())).await.unwrap();
            assert!(told.unwrap_err().message.contains("not known"));
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn another_message_under_the_same_key_is_refused_also_while_the_task_is_created(bus) {
        for n in 0..2 {
            for after in [1, 50] {
                let (store, world) = hooked(2, bus, quick()).await;
                store.all(&[Call::Commit], Fate::Late(300));
                let (keyed, one, other) = (keyed(), request("do work; say one; done"), request("do work; say other; done"));
                let first = world.on(0).send_message(&keyed, one.clone());
                let others = async {
                    sleep(Duration::from_millis(after)).await;
                    let streams = world.on(n).send_streaming_message(&keyed, other.clone());
                    let (waits, streams) = tokio::join!(world.on(n).send_message(&keyed, other.clone()), streams);
                    [waits.err(), streams.err()]
                };
                let (first, others) = tokio::join!(first, others);
                let task = expect_task(first.unwrap());
                assert_eq!(texts(&task), ["one"], "on {n}");
                for refused in others {
                    assert_eq!(refused.map(|error| error.code), Some(error_code::INVALID_PARAMS), "on {n} after {after}");
                }
                // The same message, whether it names its context or not, is no other one.
                let mut named = one;
                named.message.context_id = Some(task.context_id.clone());
                let again = expect_task(world.on(n).send_message(&keyed, named).await.unwrap());
                assert_eq!(again.id, task.id);
                world.shutdown().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_turn_that_others_go_on_with_is_told_to_send_again_only_what_meets_it(bus) {
        for evicted in [false, true] {
            let config = Config::default().executor_lost(ExecutorLost::Resume { max_attempts: 3 });
            for message in [numbered("do work; sleep 60000; done"), identified("do work; sleep 60000; done")] {
                let (store, world) = hooked(2, bus, config.clone()).await;
                let waits = sent(&world.nodes[0], message.clone());
                sleep(Duration::from_secs(1)).await;
                let task = only_task(&world).await;
                if evicted {
                    let me = world.nodes[0].cluster.id();
                    let beat = store.inner.member(&me).await.unwrap().unwrap().beat;
                    let _ = store.inner.evict(&me, beat).await.unwrap();
                } else {
                    world.nodes[0].cluster.shutdown(Duration::ZERO).await;
                }
                let told = waits.await.unwrap().unwrap_err();
                if message.message.message_id == "1" {
                    assert_eq!(retry_after(&told), None, "{told:?}");
                    assert!(told.message.contains(&task.id), "{told:?}");
                } else {
                    assert!(retry_after(&told).is_some(), "{told:?}");
                    let met = expect_task(world.nodes[1].ask(message).await.unwrap());
                    assert_eq!((met.id.as_str(), state(&met)), (task.id.as_str(), TaskState::Completed));
                }
                only_task(&world).await;
                world.shutdown().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_turn_that_cannot_be_seen_any_more_is_not_told_to_send_it_again(bus) {
        let (store, world) = hooked(2, bus, quick()).await;
        let waits = sent(&world.nodes[0], numbered("do work; sleep 1000; say x; hang"));
        sleep(Duration::from_millis(100)).await;
        // Another writer takes the task away.
        let task = only_task(&world).await;
        let stored = store.inner.load(&key(&task.id)).await.unwrap().unwrap();
        let event = reduce::status(&stored.task, TaskState::Working, None, &SystemEnv);
        let other = ClaimChange::Make { instance: world.nodes[1].cluster.id(), attempt: 1 };
        let commit = Commit::new(stored.tip(), CommitId::generate(&SystemEnv), vec![event], &stored.task);
        let _ = store.inner.commit(&key(&task.id), commit.claim(other)).await.unwrap();
        store.all(&[Call::Watch, Call::Load], Fate::Refused);
        let told = timeout(Duration::from_secs(60), waits).await.unwrap().unwrap().unwrap_err();
        assert!(retry_after(&told).is_none() && told.message.contains("instead of sending it again"), "{told:?}");
    }
}
