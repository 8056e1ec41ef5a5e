//! Overload is no death: a store that refuses most writes costs nobody its place.

use a2a_core::MemberState;

use super::*;

fn refusing(share: f64) -> Forecast {
    Forecast { write_refused: share, ..Forecast::calm() }
}

async fn nobody_is_evicted(fleet: &World) {
    assert_eq!(fleet.in_state(MemberState::Evicted).await, []);
    assert_eq!(fleet.evicted(), Vec::<usize>::new());
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_fleet_of_a_hundred_with_most_writes_refused_for_ten_minutes_evicts_nobody(bus) {
        let fleet = started(100, bus, Config::default()).await;
        fleet.becomes(0..100, &refusing(0.7));
        sleep(Duration::from_secs(600)).await;
        nobody_is_evicted(&fleet).await;
        fleet.becomes(0..100, &Forecast::calm());
        sleep(LEASE * 2).await;
        nobody_is_evicted(&fleet).await;
        assert!(fleet.nodes.iter().all(|one| one.cluster.is_ready()));
    }

    #[tokio::test(start_paused = true)]
    async fn three_of_six_whose_writes_are_mostly_refused_keep_their_places(bus) {
        for share in [0.6, 0.9] {
            let fleet = started(6, bus, Config::default()).await;
            fleet.becomes(0..3, &refusing(share));
            sleep(Duration::from_secs(300)).await;
            nobody_is_evicted(&fleet).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_member_some_of_whose_calls_take_longer_than_a_beat_keeps_its_place(bus) {
        let some_are_slow = Delay::between(Duration::ZERO, Duration::from_secs(7));
        let fleet = started(3, bus, Config::default()).await;
        fleet.becomes(0..1, &Forecast { store_delay: some_are_slow, ..Forecast::calm() });
        sleep(Duration::from_secs(200)).await;
        nobody_is_evicted(&fleet).await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_dies_under_overload_is_found_and_nobody_else(bus) {
        let failing = |share| Forecast { read_failed: share, ..refusing(share) };
        for weather in [refusing(0.7), failing(0.5), Forecast { write_refused: 0.7, ..slow(30) }] {
            for members in [3, 10] {
                let fleet = out_of_step(MemoryStore::new(), members, bus, Config::default()).await;
                let task = fleet.nodes[0].start("hang").await;
                let goes_on = fleet.nodes[1].start("do work; talk 100 5000; done").await;
                fleet.becomes(0..members, &weather);
                sleep(Duration::from_secs(300)).await;
                nobody_is_evicted(&fleet).await;
                fleet.crash_all([0]);
                let failed = async || fleet.head(&task.id).await.state == TaskState::Failed;
                // It is found in two; its task is then failed by a write that is refused as well.
                within(LEASE * 6, failed).await;
                assert_eq!(fleet.in_state(MemberState::Evicted).await, [fleet.nodes[0].first_id]);
                fleet.becomes(0..members, &Forecast::calm());
                let completed = async || fleet.head(&goes_on.id).await.state == TaskState::Completed;
                within(Duration::from_secs(400), completed).await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn where_nobody_can_write_for_longer_than_a_lease_nobody_is_evicted(bus) {
        for (instances, seconds) in [(2, 20), (3, 20), (2, 60), (3, 180)] {
            let fleet = started(instances, bus, Config::default()).await;
            let mut tasks = Vec::new();
            for one in &fleet.nodes {
                tasks.push(one.start("quiet 400000").await.id);
            }
            // Out of step with each other.
            sleep(Duration::from_secs(37)).await;
            fleet.becomes(0..instances, &refusing(1.0));
            sleep(Duration::from_secs(seconds)).await;
            fleet.becomes(0..instances, &Forecast::calm());
            sleep(LEASE * 3).await;
            nobody_is_evicted(&fleet).await;
            assert!(fleet.nodes.iter().all(|one| one.cluster.is_ready()));
            for id in &tasks {
                assert!(!fleet.load(id).await.head.state.is_terminal(), "no task fails because of it");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_beat_that_fails_is_tried_again_within_200_ms(bus) {
        let fleet = started(1, bus, Config::default()).await;
        let beat = async || fleet.store.member(&fleet.nodes[0].first_id).await.unwrap().unwrap().beat;
        fleet.becomes(0..1, &refusing(1.0));
        sleep(Duration::from_secs(8)).await;
        let before = beat().await;
        fleet.becomes(0..1, &Forecast::calm());
        sleep(Duration::from_millis(201)).await;
        assert_eq!(beat().await, before + 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_that_hangs_in_a_beat_tries_again(bus) {
        let fleet = started(1, bus, Config::default()).await;
        let slow = a2a_testkit::Delay::between(Duration::from_secs(1_000), Duration::from_secs(1_000));
        fleet.becomes(0..1, &Forecast { store_delay: slow, ..Forecast::calm() });
        sleep(Duration::from_secs(12)).await;
        fleet.becomes(0..1, &Forecast::calm());
        sleep(Duration::from_secs(6)).await;
        assert!(fleet.nodes[0].cluster.is_ready());
        let before = fleet.store.member(&fleet.nodes[0].first_id).await.unwrap().unwrap().beat;
        sleep(Duration::from_secs(6)).await;
        assert!(fleet.store.member(&fleet.nodes[0].first_id).await.unwrap().unwrap().beat > before);
    }
}
