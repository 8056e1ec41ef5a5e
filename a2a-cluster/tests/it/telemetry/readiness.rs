//! When a load balancer is told to send requests elsewhere.

use std::sync::Arc;
use std::time::Duration;

use a2a_cluster::Config;
use a2a_cluster::{BusState, Unready};
use a2a_core::{Eviction, Membership};
use a2a_testkit::Forecast;

use super::faulty::Faulty;
use crate::world::{Bus, World, eventually, on_every_bus, request};
use a2a_testkit::ScriptedAgent;

/// Beats are rare, so that they are not what tells.
fn impatient() -> Config {
    Config::default()
        .unready_after(Duration::from_millis(150))
        .request_patience(Duration::from_millis(50))
        .beat_interval(Duration::from_secs(3600))
        .lease(Duration::from_secs(4 * 3600))
        .retry_max(Duration::from_millis(30))
}

async fn one(bus: Bus, config: Config) -> Faulty {
    Faulty::start(1, bus, Arc::new(ScriptedAgent::default()), |builder| builder.config(config.clone())).await
}

fn reasons(faulty: &Faulty) -> Vec<Unready> {
    let cluster = &faulty.nodes[0].cluster;
    let readiness = cluster.readiness();
    assert_eq!(readiness.is_ready(), readiness.reasons().is_empty());
    assert_eq!(cluster.is_ready(), readiness.is_ready());
    readiness.reasons().to_vec()
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn an_instance_whose_store_calls_only_fail_is_not_ready_until_one_succeeds(bus) {
        let faulty = one(bus, impatient()).await;
        assert_eq!(reasons(&faulty), []);
        faulty.weather.set(Forecast { read_failed: 1.0, write_refused: 1.0, ..Forecast::calm() });
        eventually("the store's failures are noticed", || async {
            let _ = faulty.nodes[0].get("any").await;
            reasons(&faulty) == [Unready::StoreFails]
        })
        .await;
        faulty.weather.set(Forecast::calm());
        let _ = faulty.nodes[0].get("any").await;
        assert_eq!(reasons(&faulty), []);
        faulty.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn failures_that_nobody_repeats_are_forgotten(bus) {
        let faulty = one(bus, impatient()).await;
        faulty.weather.set(Forecast { read_failed: 1.0, ..Forecast::calm() });
        eventually("the store's failures are noticed", || async {
            let _ = faulty.nodes[0].get("any").await;
            !reasons(&faulty).is_empty()
        })
        .await;
        // A load balancer sends no more requests, so none can tell that the store is back.
        eventually("the failures are forgotten", || async { reasons(&faulty).is_empty() }).await;
        faulty.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_whose_bus_only_fails_is_ready_and_says_so(bus) {
        let faulty = one(bus, impatient()).await;
        let state = || faulty.nodes[0].cluster.readiness().bus();
        faulty.deaf.set(true);
        eventually("the bus's failures are noticed", || async { state() == BusState::Fails }).await;
        assert_eq!(reasons(&faulty), []);
        assert_eq!(faulty.nodes[0].cluster.readiness().to_string(), "ready; the bus fails");
        faulty.nodes[0].send("echo still").await;
        faulty.deaf.set(false);
        eventually("the bus is back", || async { state() == BusState::Connected }).await;
        faulty.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_instance_learns_from_its_beats_that_the_store_fails(bus) {
        let faulty = one(bus, impatient().beat_interval(Duration::from_millis(20))).await;
        faulty.weather.set(Forecast { read_failed: 1.0, write_refused: 1.0, ..Forecast::calm() });
        eventually("failed beats are noticed", || async { reasons(&faulty) == [Unready::StoreFails] }).await;
        faulty.weather.set(Forecast::calm());
        eventually("beats that succeed are, too", || async { reasons(&faulty).is_empty() }).await;
        faulty.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_that_cannot_beat_for_the_lease_time_is_not_ready(bus) {
        let config = impatient()
            .beat_interval(Duration::from_millis(20))
            .lease(Duration::from_millis(100))
            .unready_after(Duration::from_secs(3600));
        let faulty = one(bus, config).await;
        faulty.weather.set(Forecast { write_refused: 1.0, ..Forecast::calm() });
        eventually("the lease passes", || async { reasons(&faulty) == [Unready::NoHeartbeat] }).await;
        assert!(faulty.nodes[0].handler_refuses().await);
        faulty.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_that_drains_is_not_ready(bus) {
        let world = World::new(1, bus).await;
        world.nodes[0].cluster.shutdown(Duration::ZERO).await;
        assert_eq!(world.nodes[0].cluster.readiness().reasons(), [Unready::Draining]);
        assert!(world.nodes[0].cluster.readiness().to_string().starts_with("not ready: the instance drains"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_instance_that_was_evicted_is_not_ready_until_it_joined_again(bus) {
        let storm = World::with(1, bus, Config::default()).await;
        let cluster = &storm.nodes[0].cluster;
        let evicted = cluster.id();
        let me = storm.store.member(&evicted).await.unwrap().unwrap();
        // It can beat, but not read what it needs to join again.
        storm.weather.set(Forecast { read_failed: 1.0, ..Forecast::calm() });
        assert_eq!(storm.store.evict(&evicted, me.beat).await.unwrap(), Eviction::Evicted);
        eventually("it is told", || async { cluster.readiness().reasons() == [Unready::Evicted] }).await;
        storm.store_returns();
        eventually("it joined again", || async { cluster.is_ready() }).await;
        assert_ne!(cluster.id(), evicted);
        storm.nodes[0].send("echo hi").await;
    }
}

trait Refuses {
    async fn handler_refuses(&self) -> bool;
}

impl Refuses for crate::world::Node {
    async fn handler_refuses(&self) -> bool {
        use a2a_server::RequestHandler;
        self.handler.send_message(&crate::world::params(), request("echo no")).await.is_err()
    }
}
