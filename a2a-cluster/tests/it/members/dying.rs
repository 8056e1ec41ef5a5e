//! Deaths and departures in the middle of a take-over: what the next one leaves is taken over, too, and nothing is lost.

use super::*;

const TASKS: usize = 200;

/// Five instances, of which the first dies with its tasks, at the moment when somebody has begun to take them over.
/// Those that observe it are the last ones, the nearest last.
async fn begin(bus: Bus, store: MemoryStore, config: Config, weather: Forecast) -> (World, Vec<String>) {
    let fleet = out_of_step(store, 5, bus, config).await;
    let ids = start_many(&fleet.nodes[0], TASKS, "quiet 600000").await;
    sleep(Duration::from_secs(30)).await;
    fleet.becomes(0..5, &weather);
    fleet.crash_all([0]);
    within(LEASE * 2, || async { executes(&fleet, 0).await < TASKS }).await;
    assert!(executes(&fleet, 0).await > 0, "the take-over has only begun");
    (fleet, ids)
}

/// All tasks are at last in this state, and nobody's.
async fn all_end(fleet: &World, ids: &[String], state: TaskState) {
    sleep(Duration::from_secs(1_000)).await;
    for id in ids {
        let head = fleet.head(id).await;
        assert_eq!((head.state, head.claim), (state.clone(), None));
    }
}

/// Settings with which agents do not begin again, and with which they do; and how their tasks end.
fn both() -> [(Config, TaskState); 2] {
    [(Config::default(), TaskState::Failed), (resuming(5), TaskState::Completed)]
}

#[tokio::test(start_paused = true)]
async fn survivors_that_die_while_they_take_over_are_survived_in_turn() {
    for (die, leases) in [(&[4][..], 3), (&[4, 3], 4), (&[4, 3, 2], 5)] {
        for (config, end) in both() {
            let (fleet, ids) = begin(Bus::Plugged, MemoryStore::new(), config, slow(5)).await;
            fleet.crash_all(die.iter().copied());
            let dead = [&[0], die].concat();
            within(LEASE * leases, || have_lost_all(&fleet, &dead)).await;
            all_end(&fleet, &ids, end).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn survivors_that_die_one_after_another_leave_all_to_the_last() {
    let index_lag = Delay::between(Duration::ZERO, Duration::from_secs(20));
    for (store, weather) in
        [(MemoryStore::new(), slow(5)), (small_pages(), Forecast { index_lag, ..slow(5) })]
    {
        let (fleet, ids) = begin(Bus::Plugged, store, resuming(5), weather).await;
        for n in [4, 3, 2] {
            fleet.crash_all([n]);
            sleep(Duration::from_secs(7)).await;
        }
        within(LEASE * 4, || have_lost_all(&fleet, &[0, 2, 3, 4])).await;
        assert_eq!(executes(&fleet, 1).await, TASKS);
        all_end(&fleet, &ids, TaskState::Completed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_survivor_that_shuts_down_while_it_takes_over_loses_nothing_and_uses_up_no_attempt() {
    for grace in [Duration::ZERO, Duration::from_secs(5)] {
        for (config, end) in both() {
            let (fleet, ids) = begin(Bus::Plugged, MemoryStore::new(), config, slow(5)).await;
            for n in [4, 3] {
                let left = fleet.nodes[n].cluster.shutdown(grace).await;
                assert_eq!(left.not_stopped, []);
            }
            within(LEASE * 2, || have_lost_all(&fleet, &[0, 3, 4])).await;
            for id in &ids {
                let claim = fleet.head(id).await.claim;
                assert!(claim.is_none_or(|claim| claim.attempt == 2), "{claim:?}");
            }
            all_end(&fleet, &ids, end).await;
        }
    }
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn an_instance_that_drains_resumes_nothing_more(bus) {
        let (fleet, ids) = begin(bus, MemoryStore::new(), resuming(2), slow(5)).await;
        let drains = &fleet.nodes[4].cluster;
        drains.drain();
        // What it had begun.
        sleep(Duration::from_millis(200)).await;
        let running = drains.running();
        within(LEASE * 2, || have_lost_all(&fleet, &[0])).await;
        assert!(drains.running() <= running && running < TASKS / 4, "{} and then {}", running, drains.running());
        assert_eq!(fleet.in_state(MemberState::Draining).await, [fleet.nodes[4].first_id]);
        all_end(&fleet, &ids, TaskState::Completed).await;
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_are_used_up_by_deaths_however_they_follow_each_other(bus) {
        for pause in [Duration::from_millis(300), LEASE * 3] {
            let mut fleet = out_of_step(MemoryStore::new(), 2, bus, resuming(3)).await;
            let ids = start_many(&fleet.nodes[0], 20, "quiet 10000000").await;
            sleep(Duration::from_secs(30)).await;
            // Whoever has the tasks dies, as often as an agent may be started.
            for attempt in 1..=3 {
                let n = attempt - 1;
                for id in &ids {
                    let claim = fleet.head(id).await.claim.unwrap();
                    assert_eq!((claim.instance, claim.attempt as usize), (fleet.nodes[n].first_id, attempt));
                }
                fleet.crash_all([n]);
                if attempt == 3 {
                    break;
                }
                within(LEASE * 3, || async { executes(&fleet, attempt).await == ids.len() }).await;
                sleep(pause).await;
                fleet.add(|builder| builder).await;
            }
            fleet.add(|builder| builder).await;
            within(LEASE * 3, || have_lost_all(&fleet, &[2])).await;
            for id in &ids {
                let task = fleet.load(id).await.task;
                let said = task.status.message.as_ref().and_then(a2a::Message::text);
                assert_eq!(task.status.state, TaskState::Failed);
                assert!(said.is_some_and(|said| said.contains("each time")), "{said:?}");
            }
        }
    }
}
