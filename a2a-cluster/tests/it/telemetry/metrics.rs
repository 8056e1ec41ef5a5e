//! The metrics of two instances in one process.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::world::{Bus, World, about, drain, eventually, on_every_bus, quick};

/// The value of a series, by its name and what its labels contain.
pub(super) fn value(handle: &PrometheusHandle, series: &str, labels: &[&str]) -> f64 {
    let text = handle.render();
    let lines = text.lines().filter(|line| {
        let name = line.split(['{', ' ']).next();
        name == Some(series) && labels.iter().all(|label| line.contains(label))
    });
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

async fn labelled(instances: usize, bus: Bus) -> World {
    let born = std::sync::atomic::AtomicUsize::new(0);
    World::build(instances, bus, |builder| {
        let n = born.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        builder.config(quick()).label(format!("n{n}"))
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn each_instance_counts_its_own_and_what_is_over_is_counted_down() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let world = labelled(2, about::COUNTED_AT_BOTH_ENDS).await;
    let task = world.nodes[0].start("stream 30 5").await;
    let stream = world.nodes[1].subscribe(&task.id).await.unwrap();
    let of = |series: &str, labels: &[&str]| value(&handle, series, labels);
    eventually("the watcher is known", || async { of("a2a_watchers", &["n0"]) == 1.0 }).await;
    assert_eq!(of("a2a_agents", &["n0"]), 1.0);
    assert_eq!(
        (of("a2a_streams", &["n1", "\"elsewhere\""]), of("a2a_streams", &["n1", "\"here\""])),
        (1.0, 0.0)
    );
    drain(stream).await;
    eventually("all of it is over", || async {
        ["a2a_watchers", "a2a_agents", "a2a_streams"].iter().all(|series| of(series, &[]) == 0.0)
    })
    .await;
    let stored = world.load(&task.id).await;
    assert_eq!(of("a2a_commits_total", &["n0"]), stored.version.get() as f64);
    assert_eq!(of("a2a_commits_total", &["n1"]), 0.0);
    assert_eq!(of("a2a_commit_seconds_count", &["n0"]), stored.version.get() as f64);
    // The task itself, the working and the completed status, and the chunks.
    assert_eq!(of("a2a_commit_events_sum", &["n0"]), 33.0);
    let sent = of("a2a_messages_sent_total", &["n0", "\"commits\""]);
    assert!(sent > 0.0);
    assert_eq!(of("a2a_messages_received_total", &["n1", "\"commits\""]), sent);
    assert_eq!(of("a2a_send_seconds_count", &["n0"]), sent);
    // What the snapshot had, or a stream that has ended, is not delivered again.
    let delivered = of("a2a_delivery_seconds_count", &["n1"]);
    assert!((15.0..=stored.version.get() as f64).contains(&delivered), "{delivered} of {sent}");
    let watched = of("a2a_messages_sent_total", &["n1", "\"watch\""]);
    assert!(watched > 0.0);
    assert_eq!(of("a2a_messages_received_total", &["n0", "\"watch\""]), watched);
    world.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_bus_the_checks_after_silence_find_what_happened() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let world = labelled(2, about::NOTHING_ARRIVES).await;
    let task = world.nodes[0].start("stream 10 20").await;
    drain(world.nodes[1].subscribe(&task.id).await.unwrap()).await;
    assert!(value(&handle, "a2a_silence_checks_total", &["n1", "news"]) > 0.0, "{}", handle.render());
    assert_eq!(value(&handle, "a2a_delivery_seconds_count", &["n1"]), 0.0);
    world.shutdown().await;
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn labels_name_no_task_and_no_caller(bus) {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let _installed = metrics::set_default_local_recorder(&recorder);
        let world = labelled(2, bus).await;
        let before = handle.render().lines().count();
        let task = world.nodes[0].send("echo hi").await;
        let after = handle.render();
        assert!(!after.contains(&task.id));
        let known = [
            "member=",
            "kind=",
            "task=\"here\"",
            "task=\"elsewhere\"",
            "found=",
            "who=",
            "outcome=",
            "trouble=",
            "full=",
            "why=",
            "quantile=",
            "le=",
        ];
        for line in after.lines().filter(|line| !line.starts_with('#')) {
            let labels =
                line.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(labels, _)| labels);
            let all_known =
                labels.split(',').all(|label| label.is_empty() || known.iter().any(|k| label.starts_with(k)));
            assert!(all_known, "{line}");
        }
        // Every series but the histograms' is there before anything happens.
        assert!(before > 50, "{before}");
        world.shutdown().await;
    }
}
