//! A store that denies access: told once, counted each time.

use std::sync::Arc;
use std::time::Duration;

use a2a_cluster::Config;
use a2a_testkit::{Action, ScriptedAgent};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::time::sleep;

use super::faulty::Faulty;
use super::logs::Logs;
use super::metrics::value;
use crate::world::on_every_bus;

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_denial_is_told_once_and_so_is_its_end(bus) {
        let logs = Logs::capture();
        let agent = Arc::new(ScriptedAgent::default());
        let faulty = Faulty::start(1, bus, agent, |builder| builder.config(Config::default())).await;
        for _ in 0..4 {
            faulty.nodes[0].start("do work; talk 200 100; done").await;
        }
        let before = logs.text().lines().count();
        faulty.weather.deny(&Action::ALL);
        for _ in 0..20 {
            let _ = faulty.nodes[0].get("any").await;
            sleep(Duration::from_millis(500)).await;
        }
        faulty.weather.deny(&[]);
        sleep(Duration::from_secs(5)).await;
        let text = logs.text();
        let loud: Vec<&str> = text
            .lines()
            .skip(before)
            .filter(|line| [" WARN ", " ERROR "].iter().any(|level| line.contains(level)))
            .collect();
        assert_eq!(loud.len(), 1, "{loud:#?}");
        assert!(loud[0].contains("the store denies this instance access") && loud[0].contains("no permission to"));
        assert_eq!(text.matches("the store lets this instance in again").count(), 1);
        faulty.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn failed_attempts_are_counted_by_trouble_and_by_the_stores_own_words(bus) {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let _installed = metrics::set_default_local_recorder(&recorder);
        let agent = Arc::new(ScriptedAgent::default());
        let faulty = Faulty::start(1, bus, agent, |builder| builder.label("n0").config(Config::default())).await;
        for trouble in ["away", "contended", "throttled", "denied", "refused"] {
            let series = format!("a2a_store_troubles_total{{member=\"n0\",trouble=\"{trouble}\"}} 0\n");
            assert!(handle.render().contains(&series), "an alarm finds it before anything fails: {trouble}");
        }
        faulty.weather.deny(&[Action::Read]);
        assert!(faulty.nodes[0].get("any").await.is_err());
        let denied = value(&handle, "a2a_store_troubles_total", &["n0", "\"denied\""]);
        assert!(denied > 1.0, "each attempt counts: {denied}");
        let words = ["n0", "operation=\"read\"", "code=\"denied\""];
        assert_eq!(value(&handle, "a2a_store_attempts_failed_total", &words), denied);
        faulty.shutdown().await;
    }
}
