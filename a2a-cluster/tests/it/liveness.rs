//! Fleets that lose members, and fleets whose store refuses most writes: the dead are found, and nobody else.

use std::time::Duration;

use a2a::TaskState;
use a2a_cluster::{Config, ExecutorLost};
use a2a_core::{MemberState, Membership};
use a2a_testkit::Forecast;
use tokio::time::{Instant, sleep};

use crate::world::{Bus, World, on_every_bus, state};

const LEASE: Duration = Duration::from_secs(15);

/// How many members the store has that were declared dead.
async fn evicted(storm: &World) -> usize {
    let members = storm.store.roster(None, 1_000).await.unwrap();
    members.iter().filter(|member| member.state == MemberState::Evicted).count()
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn tasks_of_dead_members_are_taken_over_within_three_leases_however_many_die(bus) {
        for (members, dies) in [(2, 1), (6, 5), (5, 1)] {
            let storm = World::with(members, bus, Config::default()).await;
            sleep(Duration::from_secs(7)).await;
            let mut tasks = Vec::new();
            for node in &storm.nodes[..dies] {
                tasks.push(node.start("do work; hang").await);
            }
            storm.nodes[..dies].iter().for_each(|node| storm.crash(node.cluster.id()));
            let crashed = Instant::now();
            for task in tasks {
                while state(&storm.load(&task.id).await.task) != TaskState::Failed {
                    assert!(crashed.elapsed() <= LEASE * 3, "{dies} of {members}: {:?}", crashed.elapsed());
                    sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_die_those_that_are_started_next_take_their_tasks_over(bus) {
        let config = Config::default().executor_lost(ExecutorLost::Resume { max_attempts: 2 });
        let storm = World::with(3, bus, config).await;
        sleep(Duration::from_secs(7)).await;
        let task = storm.nodes[0].start("do work; sleep 30000; say x; done").await;
        storm.nodes.iter().for_each(|node| storm.crash(node.cluster.id()));
        let _next = [storm.join().await, storm.join().await];
        let started = Instant::now();
        while storm.head(&task.id).await.claim.is_some_and(|claim| claim.attempt == 1) {
            assert!(started.elapsed() <= LEASE * 3, "{:?}", started.elapsed());
            sleep(Duration::from_millis(500)).await;
        }
        sleep(Duration::from_secs(40)).await;
        assert_eq!(state(&storm.load(&task.id).await.task), TaskState::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_fleet_whose_writes_are_mostly_refused_evicts_nobody() {
    let storm = World::with(100, Bus::Plugged, Config::default()).await;
    sleep(Duration::from_secs(7)).await;
    storm.weather.set(Forecast { write_refused: 0.7, ..Forecast::calm() });
    for _ in 0..60 {
        sleep(Duration::from_secs(10)).await;
        assert_eq!(evicted(&storm).await, 0);
    }
    storm.store_returns();
    sleep(LEASE).await;
    assert!(storm.nodes.iter().all(|node| node.cluster.is_ready()));
}
