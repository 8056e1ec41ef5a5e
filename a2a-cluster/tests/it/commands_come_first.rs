//! Cancels and shutdowns come before what an agent says, also while a commit is on its way.

use std::time::Duration;

use a2a::{TaskState, error_code};
use a2a_cluster::Config;
use a2a_core::{CommitId, TaskKey, TaskStore, Tenant};
use a2a_testkit::{Delay, Forecast};
use tokio::time::{Instant, sleep, timeout};

use crate::world::hooked::hooked;
use crate::world::{World, drain, last_state, on_every_bus, quick, state};

/// Instances whose store takes so long for each way of a call.
async fn slow(instances: usize, bus: crate::world::Bus, millis: u64) -> World {
    let storm = World::with(instances, bus, quick()).await;
    let delay = Duration::from_millis(millis);
    storm.weather.set(Forecast { store_delay: Delay::between(delay, delay), ..Forecast::calm() });
    storm
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn an_agent_that_talks_during_each_commit_is_cancelled_from_any_instance(bus) {
        for script in ["do work; talk 0 1", "do work; talk 0 0", "do work; burst 5000; talk 0 0", "do work; talk 0 1 / hang", "do work; talk 0 1 / talk 0 1"] {
            for n in 0..2 {
                let storm = slow(2, bus, 3).await;
                let task = storm.nodes[0].start(script).await;
                let events = storm.nodes[1].subscribe(&task.id).await.unwrap();
                sleep(Duration::from_secs(3)).await;
                let began = Instant::now();
                let canceled = timeout(Duration::from_secs(30), storm.nodes[n].cancel(&task.id)).await;
                assert_eq!(state(&canceled.expect(script).unwrap()), TaskState::Canceled, "{script}");
                assert!(began.elapsed() < Duration::from_secs(3), "{script} from {n}: {:?}", began.elapsed());
                assert_eq!(last_state(&drain(events).await), Some(TaskState::Canceled));
                crate::world::eventually("its end", || async { storm.nodes[0].cluster.running() == 0 }).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_wins_against_an_executor_that_cannot_be_asked_and_commits_back_to_back(bus) {
        let storm = slow(3, bus, 4).await;
        let ids: Vec<_> = storm.nodes.iter().map(|node| node.cluster.id()).collect();
        let task = storm.nodes[0].start("do work; talk 0 1").await;
        storm.weather.part(&ids[..1], &ids[1..]);
        sleep(Duration::from_secs(2)).await;
        let began = Instant::now();
        // Two that try at once do not keep each other from it.
        let (one, other) = tokio::join!(storm.nodes[1].cancel(&task.id), storm.nodes[2].cancel(&task.id));
        assert_eq!(state(&one.unwrap()), TaskState::Canceled);
        assert_eq!(state(&other.unwrap()), TaskState::Canceled);
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        crate::world::eventually("its end", || async { storm.nodes[0].cluster.running() == 0 }).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_was_fenced_by_one_who_is_gone_is_looked_after(bus) {
        let world = World::with(2, bus, quick().beat_interval(Duration::from_secs(1)).lease(Duration::from_secs(3))).await;
        let task = world.nodes[0].start("do work; talk 0 1").await;
        sleep(Duration::from_secs(1)).await;
        let key = TaskKey::new(Tenant::default(), task.id.clone());
        let fence = CommitId::from_uuid(uuid::Uuid::from_u128(7));
        assert!(world.store.fence(&key, fence).await.unwrap().is_some());
        let began = Instant::now();
        crate::world::eventually("its end", || async {
            state(&world.nodes[1].get(&task.id).await.unwrap()) == TaskState::Failed
        })
        .await;
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        assert_eq!(world.nodes[0].cluster.running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn two_cancels_of_a_parked_task_do_not_take_it_from_each_other_for_ever(bus) {
        let storm = World::with(3, bus, quick().cancel_grace(Duration::from_secs(2))).await;
        let delay = Duration::from_millis(4);
        storm.weather.set(Forecast { store_delay: Delay::between(delay, delay), ..Forecast::calm() });
        let ids: Vec<_> = storm.nodes.iter().map(|node| node.cluster.id()).collect();
        let task = storm.nodes[0].start("do ask / sleep 1000; canceled").await;
        storm.weather.part(&ids[1..2], &ids[2..]);
        let began = Instant::now();
        let (one, other) = tokio::join!(storm.nodes[1].cancel(&task.id), storm.nodes[2].cancel(&task.id));
        assert_eq!((state(&one.unwrap()), state(&other.unwrap())), (TaskState::Canceled, TaskState::Canceled));
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        let commits = storm.load(&task.id).await.version.get();
        assert!(commits < 8, "{commits} commits");
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_that_waits_for_an_agent_to_wind_down_costs_the_store_next_to_nothing(bus) {
        for canceller in 0..2 {
            let (store, world) = hooked(2, bus, Config::default()).await;
            let task = world.nodes[0].start("do work; hang / hang").await;
            sleep(Duration::from_secs(1)).await;
            let before = store.calls();
            assert_eq!(state(&world.nodes[canceller].cancel(&task.id).await.unwrap()), TaskState::Canceled);
            let calls = store.calls() - before;
            // Silence is looked into after one second, two, four and so on.
            assert!(calls <= 15, "{calls} calls");
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_ends_an_agent_that_talks_for_ever(bus) {
        for script in ["do work; talk 0 1", "do work; talk 0 0", "do ask; talk 0 1", "do work; bomb; talk 0 1"] {
            let storm = slow(2, bus, 3).await;
            let task = storm.nodes[0].start(script).await;
            let events = storm.nodes[1].subscribe(&task.id).await.unwrap();
            sleep(Duration::from_secs(2)).await;
            let began = Instant::now();
            let left = storm.nodes[0].cluster.shutdown(Duration::from_secs(1)).await;
            assert!(began.elapsed() < Duration::from_secs(3), "{script}: {:?}", began.elapsed());
            assert_eq!(left.not_stopped, []);
            if script.contains("ask") {
                assert_eq!(state(&storm.nodes[1].get(&task.id).await.unwrap()), TaskState::InputRequired);
            } else {
                assert_eq!(last_state(&drain(events).await), Some(TaskState::Failed));
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_refused_to_cancel_is_asked_again_by_a_later_cancel(bus) {
        let storm = slow(2, bus, 1).await;
        let task = storm.nodes[0].start("do work; hang / refuse").await;
        for _ in 0..3 {
            let refused = storm.nodes[0].cancel(&task.id).await.unwrap_err();
            assert_eq!(refused.code, error_code::TASK_NOT_CANCELABLE);
            sleep(Duration::from_secs(1)).await;
            assert_eq!(state(&storm.nodes[1].get(&task.id).await.unwrap()), TaskState::Working);
        }
    }
}
