//! An instance that cannot reach its store: its streams end after a while, its agents go on for long.

use a2a::A2AError;
use a2a_cluster::retry_after;
use a2a_server::RequestHandler;
use a2a_testkit::Late;

use super::*;
use crate::world::{Events, eventually, params, request, texts};

fn away() -> Forecast {
    Forecast { write_refused: 1.0, read_failed: 1.0, ..Forecast::calm() }
}

/// Reads a stream to its end, and returns its error.
async fn error_of(events: Events) -> A2AError {
    events.collect::<Vec<_>>().await.pop().unwrap().unwrap_err()
}

/// The ways in which a store can be away.
fn ways() -> [(&'static str, Forecast); 5] {
    let hangs = Delay::between(Duration::from_secs(100_000), Duration::from_secs(100_000));
    let late = Delay::between(Duration::from_secs(1), Duration::from_secs(30));
    [
        ("all fails", away()),
        ("writes fail", Forecast { read_failed: 0.0, ..away() }),
        ("all hangs", Forecast { store_delay: hangs, ..Forecast::calm() }),
        ("no answers", Forecast { write_refused: 0.0, answer_lost: 1.0, ..away() }),
        (
            "late writes",
            Forecast { write_refused: 0.0, write_late: 1.0, late: Late::Writes, lateness: late, ..away() },
        ),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_three_minutes_ends_streams_and_no_task() {
    for (way, weather) in ways() {
        for config in [Config::default(), resuming(2)] {
            let fleet = out_of_step(MemoryStore::new(), 3, Bus::Plugged, config).await;
            let scripts =
                ["do work; talk 200 2000; done", "do work; sleep 30000; burst 200; sleep 60000; done"];
            let mut tasks = Vec::new();
            for (n, script) in scripts.iter().enumerate() {
                tasks.push(fleet.nodes[n].start(script).await.id);
            }
            sleep(Duration::from_secs(7)).await;
            let streams = fleet.nodes.iter().flat_map(|one| tasks.iter().map(|id| one.subscribe(id)));
            let streams = futures::future::join_all(streams).await;
            fleet.becomes(0..3, &weather);
            let began = Instant::now();
            for stream in streams {
                let told = error_of(stream.unwrap()).await;
                assert!(retry_after(&told).is_some(), "{way}: {told:?}");
                let within = LEASE..=LEASE * 2 + Duration::from_secs(6);
                assert!(within.contains(&began.elapsed()), "{way}: {:?}", began.elapsed());
            }
            sleep(Duration::from_secs(180) - began.elapsed()).await;
            fleet.becomes(0..3, &Forecast::calm());
            sleep(LEASE * 2).await;
            assert_eq!(fleet.evicted(), Vec::<usize>::new(), "{way}");
            for id in &tasks {
                let ended = async || fleet.head(id).await.state.is_terminal();
                within(Duration::from_secs(400), ended).await;
                let seen = fleet.nodes[2].get(id).await.unwrap();
                assert_eq!(
                    (seen.status.state.clone(), texts(&seen).len()),
                    (TaskState::Completed, 200),
                    "{way}"
                );
            }
            assert_eq!(crate::world::state(&fleet.nodes[0].send("echo hi").await), TaskState::Completed);
        }
    }
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_a_turn_is_told_to_read_the_task_and_not_to_send_again(bus) {
        let fleet = started(2, bus, Config::default()).await;
        let handler = fleet.nodes[0].handler.clone();
        let sent = tokio::spawn(async move { handler.send_message(&params(), request("quiet 1000000")).await });
        sleep(Duration::from_secs(1)).await;
        fleet.becomes(0..2, &away());
        let told = sent.await.unwrap().unwrap_err();
        assert_eq!(retry_after(&told), None, "{told:?}");
        fleet.becomes(0..2, &Forecast::calm());
        let task = fleet
            .store
            .list(&a2a_core::TaskQuery::new(Tenant::default(), None, 9))
            .await
            .unwrap()
            .tasks
            .remove(0);
        assert!(told.message.contains(&task.id), "{told:?}");
        assert!(!task.status.state.is_terminal());
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_that_is_cut_off_alone_loses_its_place_and_its_agents_go_unheard(bus) {
        let fleet = started(3, bus, Config::default()).await;
        let task = fleet.nodes[0].start("stream 10000 100").await;
        sleep(Duration::from_secs(7)).await;
        let said = texts(&fleet.load(&task.id).await.task).len();
        fleet.nodes[0].weather.part_from_store(fleet.nodes[0].first_id);
        within(LEASE * 2, || async { fleet.load(&task.id).await.head.state == TaskState::Failed }).await;
        assert_eq!(texts(&fleet.load(&task.id).await.task).len(), said);
        assert_eq!(fleet.nodes[0].cluster.running(), 1, "it does not know yet");
        fleet.nodes[0].weather.heal();
        eventually("it joined again", || async { fleet.evicted() == [0] }).await;
        assert_eq!(fleet.nodes[0].cluster.running(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_hour_without_its_store_an_instance_gives_up_its_place(bus) {
        let fleet = started(1, bus, Config::default()).await;
        let task = fleet.nodes[0].start("stream 100000 1000").await;
        fleet.becomes(0..1, &away());
        sleep(Duration::from_secs(3_500)).await;
        assert_eq!(fleet.nodes[0].cluster.running(), 1);
        sleep(Duration::from_secs(200)).await;
        assert_eq!(fleet.nodes[0].cluster.running(), 0);
        fleet.becomes(0..1, &Forecast::calm());
        within(LEASE * 3, || async { fleet.load(&task.id).await.head.state == TaskState::Failed }).await;
        assert_eq!(fleet.evicted(), [0]);
    }
}
