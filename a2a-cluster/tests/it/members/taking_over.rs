//! What the dead leave is taken over by all survivors, in shares; one bad task harms itself only.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_task_that_cannot_be_read_holds_up_no_other_and_is_tried_again() {
    let mut fleet = started(0, Bus::Plugged, Config::default()).await;
    let (dead, tasks) = left_by_the_dead(&fleet.store, 40, 1).await;
    fleet.add(|builder| builder).await;
    let spoilt = &tasks[7];
    fleet.nodes[0].weather.spoil(&key(spoilt));
    within(LEASE * 3, || async { claims(&fleet, &tasks).await.values().sum::<usize>() == 1 }).await;
    assert!(fleet.load(spoilt).await.head.claim.is_some_and(|claim| claim.instance == dead));
    sleep(Duration::from_secs(2 * 3_600)).await;
    assert!(fleet.store.member(&dead).await.unwrap().is_some(), "its executor is still known to be dead");
    fleet.nodes[0].weather.mend(&key(spoilt));
    within(LEASE * 5, || async { fleet.load(spoilt).await.head.state == TaskState::Failed }).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_on_one_call_holds_up_no_other_task() {
    let mut fleet = started(0, Bus::Plugged, Config::default()).await;
    let (_, tasks) = left_by_the_dead(&fleet.store, 100, 1).await;
    fleet.add(|builder| builder).await;
    // A call in fifty takes far too long.
    let hangs = a2a_testkit::Delay::between(Duration::ZERO, Duration::from_millis(5))
        .with_stragglers(0.02, Duration::from_secs(100_000));
    fleet.becomes(0..1, &Forecast { store_delay: hangs, ..Forecast::calm() });
    let left = async || claims(&fleet, &tasks).await.values().sum::<usize>();
    within(LEASE * 5, || async { left().await <= 40 }).await;
    within(LEASE * 30, || async { left().await == 0 }).await;
}

#[tokio::test(start_paused = true)]
async fn what_an_instance_executes_without_knowing_it_is_found_however_many_pages_that_fills() {
    let fleet = started(1, Bus::Plugged, Config::default()).await;
    let mut tasks = Vec::new();
    for _ in 0..1_500 {
        let id = SystemEnv.uuid().to_string();
        executed_by(&fleet.store, fleet.nodes[0].first_id, &id, 1).await;
        tasks.push(id);
    }
    within(LEASE * 3, || async { claims(&fleet, &tasks).await.is_empty() }).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_executor_that_lives_keeps_its_task() {
    let fleet = started(2, Bus::Plugged, Config::default()).await;
    let task = fleet.nodes[0].start("quiet 600000").await;
    let stream = fleet.nodes[1].subscribe(&task.id).await.unwrap();
    sleep(Duration::from_secs(300)).await;
    let head = fleet.load(&task.id).await.head;
    assert_eq!(head.claim.map(|claim| (claim.instance, claim.attempt)), Some((fleet.nodes[0].first_id, 1)));
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn a_task_whose_executor_has_no_record_is_taken_over_by_who_reads_it() {
    let fleet = started(1, Bus::Plugged, Config::default()).await;
    let nobody = InstanceId::generate(&SystemEnv);
    executed_by(&fleet.store, nobody, "orphan", 1).await;
    let stream = fleet.nodes[0].subscribe("orphan").await.unwrap();
    let events = crate::world::drain(stream).await;
    let last = events.iter().rev().find_map(a2a_core::reduce::state_of);
    assert_eq!(last, Some(&TaskState::Failed));
}

#[tokio::test(start_paused = true)]
async fn the_record_of_a_dead_member_is_kept_for_an_hour_after_its_last_task() {
    let mut fleet = started(0, Bus::Plugged, Config::default()).await;
    let (dead, tasks) = left_by_the_dead(&fleet.store, 1, 1).await;
    fleet.add(|builder| builder).await;
    within(LEASE * 2, || async { claims(&fleet, &tasks).await.is_empty() }).await;
    sleep(Duration::from_secs(3_590)).await;
    assert!(fleet.store.member(&dead).await.unwrap().is_some());
    sleep(Duration::from_secs(600)).await;
    assert!(fleet.store.member(&dead).await.unwrap().is_none());
}
