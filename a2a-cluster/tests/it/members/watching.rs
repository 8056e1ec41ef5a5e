//! What is gone watches nothing: neither who left in good order, nor, once that is known, who was killed.

use super::*;

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn whoever_leaves_with_open_streams_of_others_tasks_is_their_watcher_no_more(bus) {
        for (weather, seeds) in [(slow(50), 1), (often_refused(), 10)] {
            for _ in 0..seeds {
                let fleet = started(2, bus, Config::default()).await;
                let (mut ids, mut streams) = (Vec::new(), Vec::new());
                for _ in 0..5 {
                    let task = fleet.nodes[0].start("quiet 600000").await;
                    streams.push(fleet.nodes[1].subscribe(&task.id).await.unwrap());
                    ids.push(task.id);
                }
                fleet.becomes(1..2, &slow(0));
                watched(&fleet, &ids, 1).await;
                fleet.becomes(1..2, &weather);
                fleet.nodes[1].cluster.shutdown(Duration::ZERO).await;
                for id in &ids {
                    assert_eq!(fleet.watchers(id).await, 0);
                }
            }
        }
    }
}

/// Waits until so many watch each task.
async fn watched(fleet: &World, ids: &[String], watchers: usize) {
    let are_watched = async || {
        let mut each = Vec::new();
        for id in ids {
            each.push(fleet.watchers(id).await);
        }
        each.iter().all(|count| *count == watchers)
    };
    within(LEASE * 8, are_watched).await;
}

fn often_refused() -> Forecast {
    Forecast { write_refused: 0.5, ..Forecast::calm() }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_evicted_and_lives_leaves_no_watcher_under_its_old_name() {
    let fleet = started(2, Bus::Plugged, Config::default()).await;
    let task = fleet.nodes[0].start("quiet 600000").await;
    let stream = fleet.nodes[1].subscribe(&task.id).await.unwrap();
    watched(&fleet, std::slice::from_ref(&task.id), 1).await;
    let old = fleet.nodes[1].first_id;
    let beat = fleet.store.member(&old).await.unwrap().unwrap().beat;
    let _ = fleet.store.evict(&old, beat).await.unwrap();
    watched(&fleet, std::slice::from_ref(&task.id), 0).await;
    assert_ne!(fleet.nodes[1].cluster.id(), old);
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn a_killed_watcher_goes_once_the_executor_has_news_and_finds_it_gone() {
    let mut fleet = started(2, Bus::Plugged, Config::default()).await;
    let task = fleet.nodes[0].start("stream 1000 1000").await;
    let stream = fleet.nodes[1].subscribe(&task.id).await.unwrap();
    watched(&fleet, std::slice::from_ref(&task.id), 1).await;
    // Dropped without a shutdown it says nothing to anybody.
    drop(fleet.nodes.remove(1));
    watched(&fleet, std::slice::from_ref(&task.id), 0).await;
    assert_eq!(fleet.load(&task.id).await.task.status.state, TaskState::Working, "it goes on");
    drop(stream);
}
