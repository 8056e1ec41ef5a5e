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

#[tokio::test(start_paused = true)]
async fn of_two_instances_one_finds_the_other_dead() {
    let fleet = started(2, Config::default()).await;
    let tasks = die(&fleet, 0..1).await;
    within(LEASE + Duration::from_secs(5), || are_failed(&fleet, &tasks)).await;
    assert_eq!(fleet.in_state(MemberState::Evicted).await, [fleet.nodes[0].first_id]);
}

#[tokio::test(start_paused = true)]
async fn a_single_survivor_of_fifty_takes_everything_over_within_three_leases() {
    let fleet = started(50, Config::default()).await;
    let tasks = die(&fleet, 1..50).await;
    let took = within(LEASE * 3, || are_failed(&fleet, &tasks)).await;
    assert!(took > LEASE * 2, "so many at once are given a lease more: {took:?}");
    assert_eq!(fleet.in_state(MemberState::Evicted).await.len(), 49);
    assert!(fleet.nodes[0].cluster.is_ready());
}

#[tokio::test(start_paused = true)]
async fn where_all_die_whoever_starts_next_takes_everything_over_within_three_leases() {
    for instances in [1, 2, 3, 6] {
        let mut fleet = started(instances, Config::default()).await;
        let tasks = die(&fleet, 0..instances).await;
        sleep(Duration::from_secs(600)).await;
        fleet.add(|builder| builder).await;
        within(LEASE * 3, || are_failed(&fleet, &tasks)).await;
        assert_eq!(fleet.in_state(MemberState::Evicted).await.len(), instances);
    }
}

#[tokio::test(start_paused = true)]
async fn who_dies_among_evicted_records_is_found() {
    let mut fleet = started(2, Config::default()).await;
    for _ in 0..60 {
        let (dead, _) = left_by_the_dead(&fleet.store, 0, 1).await;
        let _ = fleet.store.evict(&dead, 0).await.unwrap();
    }
    fleet.add(|builder| builder).await;
    let tasks = die(&fleet, 2..3).await;
    within(LEASE * 2, || are_failed(&fleet, &tasks)).await;
}
