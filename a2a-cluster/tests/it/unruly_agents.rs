//! Agents that never end, never stop talking, or panic: tasks beside them go on, and a shutdown does not wait for them.

use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::{Config, ExecutorLost};
use a2a_testkit::{Delay, Forecast};
use tokio::time::{Instant, sleep, timeout};

use crate::world::{World, drain, fold, follow_up, on_every_bus, state, texts};

/// What an agent does that will not do as it is told, and what is left of its task when its instance has shut down.
const UNRULY: [(&str, TaskState); 12] = [
    ("do work; talk 0 1", TaskState::Failed),
    ("do work; talk 0 0", TaskState::Failed),
    ("do work; burst 5000; talk 0 1 / talk 0 1", TaskState::Failed),
    ("do work; hang / hang", TaskState::Failed),
    ("do work; hang / refuse", TaskState::Failed),
    ("do sleep 100; hang / hang", TaskState::Failed),
    ("do work; bomb; hang / panic", TaskState::Failed),
    ("do work; bomb; talk 0 1 / panic-in-call", TaskState::Failed),
    ("do work; sleep 500; panic", TaskState::Failed),
    ("do work; sleep 500; bomb; panic-nastily", TaskState::Failed),
    ("do ask; talk 0 1", TaskState::InputRequired),
    ("do ask; bomb; hang", TaskState::InputRequired),
];

fn config(lost: ExecutorLost) -> Config {
    Config::default().executor_lost(lost)
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn tasks_beside_an_unruly_agent_go_on_and_shutdown_does_not_wait_for_it(bus) {
        for (script, left) in UNRULY {
            for lost in [ExecutorLost::Fail, ExecutorLost::Resume { max_attempts: 1 }] {
                let storm = World::with(2, bus, config(lost)).await;
                // An agent that talks all the time leaves time no chance to pass where nothing takes any.
                let delay = Delay::between(Duration::from_millis(2), Duration::from_millis(4));
                storm.weather.set(Forecast { store_delay: delay, ..Forecast::calm() });
                let unruly = [storm.nodes[0].start(script).await, storm.nodes[0].start(script).await];
                let beside = storm.nodes[0].start("do work; hang").await;
                // One is asked to cancel, and does not; its request is given up.
                let cancels = timeout(Duration::from_secs(1), storm.nodes[1].cancel(&unruly[1].id));
                let began = Instant::now();
                let goes_on = async {
                    let streamed = drain(storm.nodes[0].stream("do work; talk 10 10; done").await).await;
                    assert_eq!(texts(&fold(&streamed)).len(), 10, "{script}");
                    let asked = storm.nodes[0].send("do ask").await;
                    let answered = storm.nodes[0].ask(follow_up(&asked, "do work; done")).await;
                    assert_eq!(state(&crate::world::expect_task(answered.unwrap())), TaskState::Completed);
                    storm.nodes[1].cancel(&beside.id).await.unwrap();
                    began.elapsed()
                };
                let (_, took) = tokio::join!(cancels, goes_on);
                assert!(took < Duration::from_secs(3), "{script} beside: {took:?}");

                let began = Instant::now();
                let left_over = storm.nodes[0].cluster.shutdown(Duration::from_secs(1)).await;
                assert!(began.elapsed() < Duration::from_secs(3), "{script}: {:?}", began.elapsed());
                assert_eq!((left_over.not_stopped, storm.nodes[0].cluster.running()), (vec![], 0), "{script}");
                sleep(Duration::from_secs(1)).await;
                let found = state(&storm.load(&unruly[0].id).await.task);
                match lost {
                    ExecutorLost::Fail => assert_eq!(found, left, "{script}"),
                    // What it handed over begins again; what ended stays so.
                    ExecutorLost::Resume { .. } => assert!(
                        storm.load(&unruly[0].id).await.head.claim.is_some() || found.is_terminal() || found == left,
                        "{script}: {found:?}"
                    ),
                }
            }
        }
    }
}
