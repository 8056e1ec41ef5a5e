//! The tasks of a dead instance are shared by those that survive it, and are all taken over soon.

use super::*;

const FAILS: ExecutorLost = ExecutorLost::Fail;
const RESUMES: ExecutorLost = ExecutorLost::Resume { max_attempts: 2 };

/// So many instances out of step, and what becomes of the tasks of those that are lost.
async fn fleet(bus: Bus, store: MemoryStore, instances: usize, lost: ExecutorLost) -> World {
    out_of_step(store, instances, bus, Config::default().executor_lost(lost)).await
}

/// The first of a fleet dies with so many tasks; the others share them within two lease times, in this weather.
async fn share(fleet: World, lost: ExecutorLost, tasks: usize, weather: Forecast) {
    let survivors = fleet.nodes.len() - 1;
    let ids = start_many(&fleet.nodes[0], tasks, "quiet 100000000").await;
    sleep(Duration::from_secs(30)).await;
    fleet.becomes(0..fleet.nodes.len(), &weather);
    // Just before that its beat was seen by nobody: it takes longest to be found.
    after_beat(&fleet, 0, Duration::from_millis(20)).await;
    fleet.crash_all([0]);
    within(LEASE * 2, || have_lost_all(&fleet, &[0])).await;
    // Until they know of the last ones, too.
    sleep(Duration::from_millis(100)).await;

    let shares = wrote_last(&fleet, &ids).await;
    let case = format!("{shares:?} of {lost:?}");
    let most = match survivors {
        1 => tasks,
        // Chance may favour one of two.
        2 => tasks * 6 / 10,
        _ => tasks / 2,
    };
    assert_eq!(shares[0], 0, "{case}");
    assert!(shares.iter().all(|share| *share <= most), "{case}");
    let running: usize = fleet.nodes[1..].iter().map(|one| one.cluster.running()).sum();
    let expected = match lost {
        ExecutorLost::Fail => (TaskState::Failed, None, 0),
        ExecutorLost::Resume { .. } => (TaskState::Submitted, Some(2), tasks),
    };
    for id in &ids {
        let head = fleet.head(id).await;
        assert_eq!((head.state, head.claim.map(|claim| claim.attempt), running), expected, "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn three_survivors_fail_five_thousand_tasks_within_two_leases_none_more_than_half() {
    share(fleet(Bus::Plugged, MemoryStore::new(), 4, FAILS).await, FAILS, 5_000, slow(5)).await;
}

#[tokio::test(start_paused = true)]
async fn three_survivors_resume_five_thousand_tasks_within_two_leases_none_more_than_half() {
    share(fleet(Bus::Plugged, MemoryStore::new(), 4, RESUMES).await, RESUMES, 5_000, slow(5)).await;
}

#[tokio::test(start_paused = true)]
async fn as_many_as_survive_share_the_tasks() {
    for survivors in [1, 2, 5] {
        for lost in [FAILS, RESUMES] {
            share(fleet(Bus::Plugged, MemoryStore::new(), survivors + 1, lost).await, lost, 900, slow(10))
                .await;
        }
    }
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn an_index_that_lags_and_has_small_pages_is_taken_over_whole(bus) {
        for lost in [FAILS, RESUMES] {
            let index_lag = Delay::between(Duration::ZERO, Duration::from_secs(20));
            share(fleet(bus, small_pages(), 4, lost).await, lost, 900, Forecast { index_lag, ..slow(5) }).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_index_of_a_dead_instance_shows_late_is_taken_over_then(bus) {
        for lost in [FAILS, RESUMES] {
            let fleet = fleet(bus, small_pages(), 3, lost).await;
            let index_lag = Delay::between(Duration::from_secs(60), Duration::from_secs(60));
            fleet.becomes(0..3, &Forecast { index_lag, ..Forecast::calm() });
            let _ = start_many(&fleet.nodes[0], 100, "hang").await;
            fleet.crash_all([0]);
            // Until the index shows them nobody knows of them; after that it is looked at once in four leases.
            within(LEASE * 9, || have_lost_all(&fleet, &[0])).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_full_resumes_no_more_until_there_is_room(bus) {
        let fleet = out_of_step(MemoryStore::new(), 3, bus, resuming(2).max_agents(40)).await;
        let lost = start_many(&fleet.nodes[0], 40, "quiet 100000000").await;
        for node in &fleet.nodes[1..] {
            let _ = start_many(node, 20, "quiet 100000000").await;
            let _ = start_many(node, 12, "sleep 200000; done").await;
        }
        fleet.crash_all([0]);
        let running = || fleet.nodes[1..].iter().map(|node| node.cluster.running()).collect::<Vec<_>>();
        within(LEASE * 3, async || running() == [40, 40]).await;
        let full = Instant::now();
        while full.elapsed() < Duration::from_secs(100) {
            sleep(Duration::from_millis(100)).await;
            assert_eq!(running(), [40, 40]);
        }
        // The 24 that end make room for those that wait.
        within(Duration::from_secs(200), || have_lost_all(&fleet, &[0])).await;
        assert_eq!(running().iter().sum::<usize>(), 80, "{:?}", running());
        for id in &lost {
            assert_eq!(fleet.head(id).await.claim.map(|claim| claim.attempt), Some(2));
        }
    }
}
