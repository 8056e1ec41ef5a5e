//! Instances that die: one, most, or all.

use a2a_core::MemberState;

use super::*;

/// Starts a task on each of some, lets those die, and waits until all these tasks are failed.
async fn die(fleet: &World, which: std::ops::Range<usize>) -> Vec<String> {
    let mut tasks = Vec::new();
    for one in &fleet.nodes[which.clone()] {
        tasks.push(one.start("hang").await.id);
    }
    sleep(Duration::from_secs(23)).await;
    fleet.crash_all(which);
    tasks
}

async fn are_failed(fleet: &World, tasks: &[String]) -> bool {
    for id in tasks {
        let head = fleet.load(id).await.head;
        if head.state != TaskState::Failed || head.claim.is_some() {
            return false;
        }
    }
    true
}

/// So many of a fleet die with a task each, this long after the last one has beaten. Whoever survives fails all of them
/// within three leases.
async fn some_die(members: usize, die: usize, after: Duration, apart: bool) {
    let store = MemoryStore::new();
    let fleet = match apart {
        true => out_of_step(store, members, Bus::Plugged, Config::default()).await,
        false => World::tuned(members, Bus::Plugged, store, Config::default()).await,
    };
    let mut tasks = Vec::new();
    for one in &fleet.nodes[..die] {
        tasks.push(one.start("hang").await.id);
    }
    fleet.becomes(0..members, &slow(5));
    sleep(LEASE * 2).await;
    after_beat(&fleet, members - 1, after).await;
    fleet.crash_all(0..die);
    within(LEASE * 3, || are_failed(&fleet, &tasks)).await;
    assert_eq!(fleet.evicted(), Vec::<usize>::new());
    assert_eq!(fleet.in_state(MemberState::Evicted).await.len(), die);
}

/// Some moments between two beats.
fn moments() -> impl Iterator<Item = Duration> {
    [20, 1_500, 3_000, 4_000, 4_980].into_iter().map(Duration::from_millis)
}

#[tokio::test(start_paused = true)]
async fn whatever_share_of_a_fleet_dies_is_taken_over_within_three_leases() {
    for (members, die) in [(2, 1), (3, 2), (4, 3), (6, 5), (7, 3), (12, 11), (12, 6), (24, 16)] {
        for out_of_step in [false, true] {
            for after in moments() {
                some_die(members, die, after, out_of_step).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_but_one_of_fifty_are_taken_over_within_three_leases_whenever_they_die() {
    for after in moments() {
        some_die(50, 49, after, true).await;
    }
    some_die(120, 119, Duration::from_millis(20), true).await;
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn of_two_instances_one_finds_the_other_dead(bus) {
        let fleet = started(2, bus, Config::default()).await;
        let tasks = die(&fleet, 0..1).await;
        within(LEASE + Duration::from_secs(5), || are_failed(&fleet, &tasks)).await;
        assert_eq!(fleet.in_state(MemberState::Evicted).await, [fleet.nodes[0].first_id]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_restart_whatever_was_there_before_is_taken_over_within_three_leases(bus) {
        for (dead, starts) in [(1, 1), (3, 1), (3, 3), (50, 1), (50, 10), (130, 1)] {
            let mut fleet = started(0, bus, Config::default()).await;
            let mut ids = Vec::new();
            for _ in 0..dead {
                ids.extend(left_by_the_dead(&fleet.store, 3, 1).await.1);
            }
            for _ in 0..starts {
                fleet.add(|builder| builder).await;
                sleep(Duration::from_millis(300)).await;
            }
            let took = within(LEASE * 3, || are_failed(&fleet, &ids)).await;
            if dead == 1 {
                assert!(took <= LEASE, "it is observed from the start: {took:?}");
            }
            assert_eq!(fleet.evicted(), Vec::<usize>::new());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_single_survivor_of_fifty_takes_everything_over_within_three_leases(bus) {
        let fleet = started(50, bus, Config::default()).await;
        let tasks = die(&fleet, 1..50).await;
        let took = within(LEASE * 3, || are_failed(&fleet, &tasks)).await;
        assert!(took > LEASE * 2, "so many at once are given a lease more: {took:?}");
        assert_eq!(fleet.in_state(MemberState::Evicted).await.len(), 49);
        assert!(fleet.nodes[0].cluster.is_ready());
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_die_whoever_starts_next_takes_everything_over_within_three_leases(bus) {
        for instances in [1, 2, 3, 6] {
            let mut fleet = started(instances, bus, Config::default()).await;
            let tasks = die(&fleet, 0..instances).await;
            sleep(Duration::from_secs(600)).await;
            fleet.add(|builder| builder).await;
            within(LEASE * 3, || are_failed(&fleet, &tasks)).await;
            assert_eq!(fleet.in_state(MemberState::Evicted).await.len(), instances);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_dies_among_evicted_records_is_found(bus) {
        let mut fleet = started(2, bus, Config::default()).await;
        for _ in 0..60 {
            let (dead, _) = left_by_the_dead(&fleet.store, 0, 1).await;
            let _ = fleet.store.evict(&dead, 0).await.unwrap();
        }
        fleet.add(|builder| builder).await;
        let tasks = die(&fleet, 2..3).await;
        within(LEASE * 2, || are_failed(&fleet, &tasks)).await;
    }
}
