//! A store of which one kind of call fails, or hangs, while all others are answered.

use std::time::Duration;

use a2a::{A2AError, Task, TaskState};
use a2a_cluster::ExecutorLost;
use a2a_cluster::retry_after;
use a2a_server::RequestHandler;
use futures::StreamExt;
use futures::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::world::hooked::{self, Call, Fate};
use crate::world::{
    Node, cancel, expect_task, follow_up, last_state, numbered, on_every_bus, params, quick, state, texts,
};

const ALL: &[Call] =
    &[Call::Commit, Call::Load, Call::Head, Call::Read, Call::Watch, Call::Watchers, Call::Release];

/// Waits for an answer in a task of its own; every request is answered before long.
fn asked(
    answer: impl Future<Output = Result<Task, A2AError>> + Send + 'static,
) -> JoinHandle<Result<Task, A2AError>> {
    tokio::spawn(async { timeout(Duration::from_secs(50), answer).await.expect("an answer") })
}

fn sent(node: &Node, request: a2a::SendMessageRequest) -> JoinHandle<Result<Task, A2AError>> {
    let handler = node.handler.clone();
    asked(async move { handler.send_message(&params(), request).await.map(expect_task) })
}

fn cancelled(node: &Node, id: &str) -> JoinHandle<Result<Task, A2AError>> {
    let (handler, request) = (node.handler.clone(), cancel(id));
    asked(async move { handler.cancel_task(&params(), request).await })
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn one_kind_of_call_that_fails_for_a_while_fails_no_turn_and_every_reader_sees_its_end(bus) {
        let reads: &[Call] = &[Call::Load, Call::Head, Call::Read, Call::Watch, Call::Watchers, Call::Release];
        let of_reads = reads.iter().flat_map(|call| [(*call, Fate::Refused), (*call, Fate::Rejected), (*call, Fate::Hangs)]);
        let of_commits = [Fate::Refused, Fate::AnswerLost, Fate::Hangs].map(|fate| (Call::Commit, fate));
        for (failing, fate) in of_reads.chain(of_commits) {
            let (store, world) = hooked::hooked(3, bus, quick()).await;
            let task = world.nodes[0].send("do ask; hang").await;
            let streams = join_all((0..3).map(|n| world.nodes[n].subscribe(&task.id))).await;
            let next = sent(&world.nodes[2], follow_up(&task, "do work; talk 20 100; done"));
            sleep(Duration::from_millis(500)).await;
            store.set(move |call, _, _| if call == failing { fate } else { Fate::Answered });
            sleep(Duration::from_secs(10)).await;
            store.heal();
            let case = format!("{failing:?} {fate:?}");
            let told = next.await.unwrap().unwrap_or_else(|error| panic!("{case}: {error:?}"));
            assert_eq!((state(&told), texts(&told).len()), (TaskState::Completed, 20), "{case}");
            for events in streams {
                let all = timeout(Duration::from_secs(30), events.unwrap().collect::<Vec<_>>()).await;
                let all: Vec<_> = all.expect(&case).into_iter().map(Result::unwrap).collect();
                assert_eq!(last_state(&all), Some(TaskState::Completed), "{case}");
            }
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_with_calls_that_hang_is_in_time_and_answers_everybody(bus) {
        for lost in [ExecutorLost::Fail, ExecutorLost::Resume { max_attempts: 3 }] {
            for hangs in ALL.iter().map(std::slice::from_ref).chain([ALL]) {
                let (store, world) = hooked::hooked(2, bus, quick().executor_lost(lost)).await;
                let node = &world.nodes[0];
                let talks = node.start("do work; talk 0 50").await;
                let parked = node.send("do ask; hang").await;
                let far = world.nodes[1].start("do work; hang / hang").await;
                let events = node.subscribe(&far.id).await.unwrap();
                store.all(hangs, Fate::Hangs);
                let sends = [
                    sent(node, numbered("do work; hang")),
                    sent(node, follow_up(&parked, "do work; hang")),
                    sent(node, follow_up(&parked, "do work; hang")),
                ];
                let cancels = [cancelled(node, &talks.id), cancelled(node, &far.id)];
                sleep(Duration::from_millis(200)).await;
                let began = Instant::now();
                let left = node.cluster.shutdown(Duration::from_secs(1)).await;
                assert!(began.elapsed() <= Duration::from_secs(6), "{hangs:?}: {:?}", began.elapsed());
                assert_eq!(left.not_stopped, []);
                let [new, first, second] = sends;
                let new = new.await.unwrap();
                if new.as_ref().is_err_and(|error| retry_after(error).is_some()) {
                    // Nobody knows it again: it must not have been taken.
                    let listed = world.on(1).list_tasks(&params(), crate::world::list()).await.unwrap().tasks;
                    assert_eq!(listed.len(), 3, "{hangs:?} {lost:?}: {new:?}");
                }
                let _ = (first.await.unwrap(), second.await.unwrap());
                for cancel in cancels {
                    let told = cancel.await.unwrap();
                    assert!(told.is_ok() || told.is_err_and(|error| retry_after(&error).is_some()), "{hangs:?}");
                }
                timeout(Duration::from_secs(1), events.collect::<Vec<_>>()).await.expect("its end");
                store.heal();
            }
        }
    }
}
