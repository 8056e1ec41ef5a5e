//! The metrics that objectives and alarms are about: streams that begin late or are cut, commits that wait, beats.

use std::time::Duration;

use a2a::A2AError;
use a2a_cluster::Config;
use a2a_server::RequestHandler;
use futures::StreamExt;
use metrics_exporter_prometheus::PrometheusBuilder;

use super::metrics::value;
use crate::world::hooked::{Call, Fate, hooked};
use crate::world::{World, about, drain, eventually, params, quick, request};

#[tokio::test(start_paused = true)]
async fn a_stream_that_a_shutdown_ends_was_cut_and_one_that_saw_its_turn_end_was_not() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let world = World::new(2, about::COUNTED_AT_BOTH_ENDS).await;
    let of = |series: &str, labels: &[&str]| value(&handle, series, labels);
    let whole = drain(world.nodes[0].stream("stream 5 20").await).await;
    assert!(whole.len() > 5);
    assert_eq!((of("a2a_streams_opened_total", &[]), of("a2a_streams_cut_total", &[])), (1.0, 0.0));
    assert_eq!(of("a2a_first_event_seconds_count", &[]), 1.0);
    assert!(of("a2a_first_event_seconds_sum", &[]) < 1.0);

    let task = world.nodes[0].start("hang").await;
    let mut cut = world.nodes[1].subscribe(&task.id).await.unwrap();
    cut.next().await.unwrap().unwrap();
    world.nodes[1].cluster.shutdown(Duration::from_secs(1)).await;
    while let Some(Ok(_)) = cut.next().await {}
    let cuts = ["shutdown", "failure"].map(|why| of("a2a_streams_cut_total", &[why]));
    assert_eq!((of("a2a_streams_opened_total", &[]), cuts), (2.0, [1.0, 0.0]));
    assert_eq!(of("a2a_first_event_seconds_count", &[]), 2.0);
    world.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_an_instance_that_lost_its_store_was_cut_by_a_failure() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let world = World::with(2, about::COUNTED_AT_BOTH_ENDS, Config::default()).await;
    let task = world.nodes[1].start("hang").await;
    let mut cut = world.nodes[0].subscribe(&task.id).await.unwrap();
    cut.next().await.unwrap().unwrap();
    world.weather.part_from_store(world.nodes[0].cluster.id());
    while let Some(Ok(_)) = cut.next().await {}
    let cuts = ["shutdown", "failure"].map(|why| value(&handle, "a2a_streams_cut_total", &[why]));
    assert_eq!(cuts, [0.0, 1.0]);
    world.weather.heal();
    world.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_left_without_an_event_was_late_and_one_that_is_refused_was_none() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let (store, world) = hooked(1, about::COUNTED_AT_BOTH_ENDS, quick()).await;
    let of = |series: &str| value(&handle, series, &[]);
    assert!(world.nodes[0].subscribe("nothing").await.is_err());
    assert_eq!(of("a2a_first_event_seconds_count"), 0.0);
    store.all(&[Call::Commit], Fate::Refused);
    let params = params();
    let asked = async {
        let mut events = world.nodes[0].handler.send_streaming_message(&params, request("echo hi")).await?;
        Ok::<_, A2AError>(events.next().await)
    };
    let left = tokio::time::timeout(Duration::from_secs(3), asked).await;
    assert!(left.is_err(), "{left:?}");
    assert_eq!(of("a2a_first_event_seconds_count"), 1.0);
    assert!(of("a2a_first_event_seconds_sum") >= 3.0);
    store.heal();
    world.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn commits_that_wait_for_the_store_beats_and_the_bound_of_agents_are_shown() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let (store, world) = hooked(1, about::COUNTED_AT_BOTH_ENDS, quick().max_agents(7)).await;
    let of = |series: &str| value(&handle, series, &[]);
    assert_eq!((of("a2a_max_agents"), of("a2a_waiting_commits")), (7.0, 0.0));
    store.all(&[Call::Commit], Fate::Refused);
    let params = params();
    let events = world.nodes[0].handler.send_streaming_message(&params, request("stream 3 1"));
    let all = async { drain(events.await.unwrap()).await };
    let waits = async {
        eventually("a commit waits", || async { of("a2a_waiting_commits") == 1.0 }).await;
        store.heal();
    };
    tokio::join!(all, waits);
    assert_eq!(of("a2a_waiting_commits"), 0.0);
    let before = of("a2a_beats_total");
    // Three intervals.
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert!(of("a2a_beats_total") >= before + 2.0, "{before}");
    world.shutdown().await;
}
