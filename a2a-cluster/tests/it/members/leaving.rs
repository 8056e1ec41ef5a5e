//! Leaving in good order: nothing stays behind, and what is left is handed over.

use std::collections::BTreeSet;

use a2a_cluster::retry_after;
use a2a_cluster::{Cluster, Leftovers};

use super::*;
use crate::world::{card, quick, request, texts, webhooks};
use a2a_testkit::ScriptedAgent;

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn an_instance_leaves_no_record_behind_where_the_store_often_fails(bus) {
        for seed in 0..20 {
            let (store, weather) = (Arc::new(MemoryStore::new()), Weather::calm());
            let faulty = FaultyStore::new(store.clone(), weather.clone(), seed);
            let bus = bus.spoil(Arc::new(MemoryBus::new()), seed);
            let builder = Cluster::builder(Arc::new(ScriptedAgent::default()), card()).webhooks(webhooks()).store(Arc::new(faulty)).bus(bus);
            let cluster = builder.config(quick()).start().await.unwrap();
            assert_eq!(store.roster(None, 10).await.unwrap().len(), 1);

            let often = Forecast { write_refused: 0.4, answer_lost: 0.2, read_failed: 0.5, ..Forecast::calm() };
            weather.set(often);
            let left = cluster.shutdown(Duration::ZERO).await;
            assert_eq!(left, Leftovers::default());
            assert_eq!(store.roster(None, 10).await.unwrap(), [], "seed {seed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_nothing_to_hand_over_leaves_no_record(bus) {
        let fleet = started(2, bus, Config::default()).await;
        let running = fleet.nodes[0].start("quiet 600000").await;
        let parked = fleet.nodes[0].send("ask").await;
        assert_eq!(fleet.nodes[0].cluster.shutdown(Duration::ZERO).await, Leftovers::default());
        assert!(fleet.store.member(&fleet.nodes[0].first_id).await.unwrap().is_none());
        assert_eq!(fleet.load(&running.id).await.head.state, TaskState::Failed, "it says so itself");
        assert_eq!(fleet.load(&parked.id).await.head.claim, None);
    }

    #[tokio::test(start_paused = true)]
    async fn whom_everybody_left_for_good_is_found_by_whoever_comes_next(bus) {
        let mut fleet = started(1, bus, resuming(1)).await;
        let ids = leave(&fleet, 5).await;
        sleep(Duration::from_secs(600)).await;
        fleet.add(|builder| builder).await;
        sleep(Duration::from_secs(6)).await;
        assert_eq!(heirs(&fleet, &ids).await, [fleet.nodes[1].first_id; 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_that_is_on_its_way_when_its_maker_shuts_down_is_handed_over_as_well(bus) {
        let lag = Delay::between(Duration::from_secs(40), Duration::from_secs(40));
        // The first leaves, the second takes over, and leaves at any moment of that.
        for after in (0..300).step_by(6) {
            let mut fleet = started(2, bus, resuming(1)).await;
            let task = fleet.nodes[0].start("do work; talk 0 100").await;
            sleep(Duration::from_secs(6)).await;
            fleet.becomes(0..2, &Forecast { index_lag: lag, ..slow(10) });
            let second = async {
                sleep(Duration::from_millis(after)).await;
                fleet.nodes[1].cluster.shutdown(Duration::ZERO).await
            };
            let (first, second) = tokio::join!(fleet.nodes[0].cluster.shutdown(Duration::ZERO), second);
            assert_eq!((first.not_stopped, second.not_stopped), (vec![], vec![]), "after {after} ms");
            fleet.add(|builder| builder).await;
            let next = fleet.nodes[2].first_id;
            let goes_on = async || fleet.head(&task.id).await.claim.is_some_and(|claim| claim.instance == next);
            let took = within(LEASE * 8, goes_on).await;
            assert_eq!(heirs(&fleet, &[task.id]).await, [next], "after {after} ms: {took:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_turn_is_told_to_read_the_task_where_its_instance_stops(bus) {
        for follows_up in [false, true] {
            for is_evicted in [false, true] {
                for is_known in [false, true] {
                    stop_a_turn(bus, follows_up, is_evicted, is_known).await;
                }
            }
        }
    }
}

/// Starts tasks on the first of a fleet, shuts that down, and returns the tasks.
async fn leave(fleet: &World, tasks: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..tasks {
        ids.push(fleet.nodes[0].start("quiet 600000").await.id);
    }
    // With the next beat all records say how their instances are reached.
    sleep(Duration::from_secs(6)).await;
    let left = fleet.nodes[0].cluster.shutdown(Duration::ZERO).await;
    let named: BTreeSet<_> = left.handed_over.iter().map(|key| key.task_id.clone()).collect();
    assert_eq!(named, ids.iter().cloned().collect());
    assert_eq!(left.not_stopped, []);
    assert_eq!(fleet.in_state(MemberState::Left).await, [fleet.nodes[0].first_id]);
    ids
}

/// Who executes some tasks, each for the first time.
async fn heirs(fleet: &World, ids: &[String]) -> Vec<InstanceId> {
    let mut heirs = Vec::new();
    for id in ids {
        let claim = fleet.load(id).await.head.claim.unwrap();
        assert_eq!(claim.attempt, 1, "a hand-over is no attempt");
        heirs.push(claim.instance);
    }
    heirs
}

#[tokio::test(start_paused = true)]
async fn a_leaving_instance_hands_its_running_tasks_over_at_once_to_all_others() {
    let fleet = started(4, Bus::Plugged, resuming(2)).await;
    let ids = leave(&fleet, 30).await;
    sleep(Duration::from_millis(100)).await;
    let heirs: BTreeSet<_> = heirs(&fleet, &ids).await.into_iter().collect();
    assert_eq!(heirs, fleet.nodes[1..].iter().map(|one| one.first_id).collect());
}

#[tokio::test(start_paused = true)]
async fn what_is_handed_over_is_known_in_memory_where_the_index_lags() {
    let fleet = started(3, Bus::Plugged, resuming(2)).await;
    let long = Delay::between(Duration::from_secs(3_000), Duration::from_secs(3_000));
    fleet.becomes(0..3, &Forecast { index_lag: long, ..Forecast::calm() });
    let ids = leave(&fleet, 3).await;
    sleep(Duration::from_millis(100)).await;
    assert!(!heirs(&fleet, &ids).await.contains(&fleet.nodes[0].first_id));
}

#[tokio::test(start_paused = true)]
async fn without_a_bus_survivors_find_what_is_handed_over_by_the_record() {
    let fleet = started(3, Bus::Plugged, resuming(1)).await;
    fleet.becomes(0..3, &Forecast::unplugged());
    let ids = leave(&fleet, 3).await;
    sleep(Duration::from_secs(6)).await;
    assert!(!heirs(&fleet, &ids).await.contains(&fleet.nodes[0].first_id));
}

#[tokio::test(start_paused = true)]
async fn thousands_of_tasks_are_handed_over_within_the_time_of_a_shutdown() {
    let config = resuming(1).shutdown_limit(SHUTDOWN_LIMIT);
    let fleet = out_of_step(MemoryStore::new(), 4, Bus::Plugged, config).await;
    let ids = start_many(&fleet.nodes[0], 2_000, "quiet 100000000").await;
    fleet.becomes(0..4, &slow(10));
    sleep(Duration::from_secs(12)).await;
    let began = Instant::now();
    let left = fleet.nodes[0].cluster.shutdown(Duration::from_secs(1)).await;
    assert!(began.elapsed() <= Duration::from_secs(1) + SHUTDOWN_LIMIT, "{:?}", began.elapsed());
    assert_eq!((left.handed_over.len(), left.not_stopped), (2_000, vec![]));
    within(LEASE, || have_lost_all(&fleet, &[0])).await;
    assert!(!heirs(&fleet, &ids).await.contains(&fleet.nodes[0].first_id));
}

#[tokio::test(start_paused = true)]
async fn who_drains_says_so_at_once_and_is_handed_nothing() {
    let fleet = started(3, Bus::Plugged, resuming(2)).await;
    let mut ids = Vec::new();
    for _ in 0..30 {
        ids.push(fleet.nodes[0].start("quiet 600000").await.id);
    }
    sleep(Duration::from_secs(6)).await;
    fleet.nodes[1].cluster.drain();
    sleep(Duration::from_millis(10)).await;
    assert_eq!(fleet.in_state(MemberState::Draining).await, [fleet.nodes[1].first_id]);
    fleet.nodes[0].cluster.shutdown(Duration::ZERO).await;
    sleep(Duration::from_millis(100)).await;
    assert_eq!(heirs(&fleet, &ids).await, [fleet.nodes[2].first_id; 30]);
}

async fn stop_a_turn(bus: Bus, follows_up: bool, is_evicted: bool, is_known: bool) {
    const SCRIPT: &str = "do work; sleep 20000; say once; done";
    let fleet = started(2, bus, resuming(2)).await;
    let mut request = match follows_up {
        true => crate::world::follow_up(&fleet.nodes[1].send("ask").await, SCRIPT),
        false => request(SCRIPT),
    };
    if !is_known {
        // Nobody knows a message again by such an id.
        request.message.message_id = "1".to_owned();
    }
    let leaver = &fleet.nodes[0];
    let stops = async {
        sleep(Duration::from_secs(6)).await;
        if is_evicted {
            let beat = fleet.store.member(&leaver.first_id).await.unwrap().unwrap().beat;
            let _ = fleet.store.evict(&leaver.first_id, beat).await.unwrap();
        } else {
            leaver.cluster.shutdown(Duration::ZERO).await;
        }
    };
    let (told, ()) = tokio::join!(leaver.ask(request), stops);
    let told = told.unwrap_err();
    let query = a2a_core::TaskQuery::new(Tenant::default(), None, 9);
    let task = fleet.store.list(&query).await.unwrap().tasks.remove(0);
    // It was taken: it may be sent again only where that meets the same turn.
    assert_eq!(retry_after(&told).is_some(), is_known, "{told:?}");
    assert_eq!(told.message.contains(&task.id), !is_known, "{told:?}");
    sleep(Duration::from_secs(60)).await;
    let task = fleet.load(&task.id).await.task;
    assert_eq!((task.status.state.clone(), texts(&task)), (TaskState::Completed, vec!["once"]));
}
