//! A store that served an instance and then denies it something for a while: nothing is lost for it.

use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::{Config, ExecutorLost, Unready, retry_after};
use a2a_core::MemberState;
use a2a_testkit::Action;
use tokio::time::{Instant, sleep, timeout};

use crate::world::{
    World, drain, eventually, expect_task, follow_up, last_state, on_every_bus, request, state, texts,
};

/// How long something is denied: less than a lease, so that nobody may be taken for dead.
const DENIED: Duration = Duration::from_secs(10);

/// What is denied: everything, and each action by itself.
const CASES: [&[Action]; 5] =
    [&Action::ALL, &[Action::Read], &[Action::Commit], &[Action::Beat], &[Action::Write]];

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn ten_seconds_without_permission_fail_no_task_and_end_no_stream(bus) {
        for denied in CASES {
            let world = World::with(3, bus, Config::default().executor_lost(ExecutorLost::Fail)).await;
            let ids: Vec<_> = world.nodes.iter().map(|node| node.cluster.id()).collect();
            let mut tasks = Vec::new();
            let mut streams = Vec::new();
            for node in &world.nodes {
                let task = node.start("do work; talk 60 500; done").await;
                for reader in &world.nodes {
                    streams.push(reader.subscribe(&task.id).await.unwrap());
                }
                tasks.push(task);
            }
            let parked = world.nodes[0].send("do ask; hang").await;
            sleep(Duration::from_secs(3)).await;
            world.weather.deny(denied);
            let began = Instant::now();
            // Requests are answered late, or refused with a time to retry after.
            let asked = timeout(DENIED, world.nodes[1].ask(request("do work; done"))).await.unwrap();
            match asked {
                Ok(answer) => assert_eq!(state(&expect_task(answer)), TaskState::Completed),
                Err(refused) => assert!(retry_after(&refused).is_some(), "{denied:?}: {refused:?}"),
            }
            sleep(DENIED.saturating_sub(began.elapsed())).await;
            world.weather.deny(&[]);
            for events in streams {
                let events = timeout(Duration::from_secs(60), drain(events)).await.unwrap();
                assert_eq!(last_state(&events), Some(TaskState::Completed), "{denied:?}");
            }
            for task in &tasks {
                let stored = world.load(&task.id).await.task;
                assert_eq!((state(&stored), texts(&stored).len()), (TaskState::Completed, 60), "{denied:?}");
            }
            let answer = world.nodes[2].ask(follow_up(&parked, "do work; done")).await;
            assert_eq!(state(&expect_task(answer.unwrap())), TaskState::Completed, "{denied:?}");
            let now: Vec<_> = world.nodes.iter().map(|node| node.cluster.id()).collect();
            assert_eq!(now, ids, "nobody was taken for dead: {denied:?}");
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_that_meets_a_denial_is_answered_once_it_is_over(bus) {
        for denied in CASES {
            let world = World::with(2, bus, Config::default()).await;
            let task = world.nodes[0].start("do work; hang").await;
            sleep(Duration::from_secs(3)).await;
            world.weather.deny(denied);
            let asked = async {
                let began = Instant::now();
                loop {
                    let asked = world.nodes[1].cancel(&task.id).await;
                    match asked {
                        Ok(cancelled) => return (state(&cancelled), began.elapsed()),
                        Err(refused) => {
                            assert!(retry_after(&refused).is_some(), "{denied:?}: {refused:?}");
                            sleep(retry_after(&refused).unwrap()).await;
                        }
                    }
                }
            };
            let over = async {
                sleep(DENIED).await;
                world.weather.deny(&[]);
            };
            let ((end, took), ()) = tokio::join!(asked, over);
            assert_eq!(end, TaskState::Canceled, "{denied:?}");
            assert!(took < DENIED + Duration::from_secs(10), "{denied:?}: {took:?}");
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_take_over_that_meets_a_denial_goes_on_once_it_is_over(bus) {
        for denied in CASES {
            let resumes = Config::default().executor_lost(ExecutorLost::Resume { max_attempts: 3 });
            let world = World::with(3, bus, resumes).await;
            let task = world.nodes[0].start("do work; sleep 40000; done").await;
            sleep(Duration::from_secs(6)).await;
            let lost = world.nodes[0].cluster.id();
            world.crash(lost);
            // The survivors find out while something is denied.
            sleep(Duration::from_secs(10)).await;
            world.weather.deny(denied);
            sleep(DENIED).await;
            world.weather.deny(&[]);
            // A lease more for those who could not observe meanwhile, and the agent's time.
            sleep(Duration::from_secs(100)).await;
            assert_eq!(state(&world.load(&task.id).await.task), TaskState::Completed, "{denied:?}");
            let evicted = world.in_state(MemberState::Evicted).await;
            assert!(evicted.iter().all(|id| *id == lost), "a survivor was taken for dead: {denied:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_is_unready_while_something_is_denied_to_it_and_says_why(bus) {
        // Nothing writes otherwise on one instance alone.
        for denied in CASES.into_iter().filter(|denied| *denied != [Action::Write]) {
            let world = World::with(1, bus, Config::default()).await;
            let node = &world.nodes[0];
            assert!(node.cluster.is_ready());
            world.weather.deny(denied);
            let reasons = || node.cluster.readiness().reasons().to_vec();
            // Reads and commits; the instance beats by itself.
            let uses = async || {
                let _ = node.get("any").await;
                let _ = node.ask(request("echo x")).await;
            };
            eventually("it is noticed", async || {
                uses().await;
                sleep(Duration::from_secs(1)).await;
                reasons().contains(&Unready::StoreDenies)
            })
            .await;
            assert!(node.cluster.readiness().to_string().contains("the store denies access"), "{denied:?}");
            world.weather.deny(&[]);
            eventually("it is over", async || {
                uses().await;
                sleep(Duration::from_secs(1)).await;
                reasons().is_empty()
            })
            .await;
            world.shutdown().await;
        }
    }
}
