//! A deployment restarts one instance after the other behind a load balancer, which looks once a second whether they are
//! ready, while clients work.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_memory::MemoryBus;
use a2a_serve::{Server, Serving};
use a2a_store_memory::MemoryStore;
use a2a_testkit::{ScriptedAgent, card};
use a2a_testworld::load_balancer::Watch;
use a2a_testworld::steady_load::Experience;
use a2a_testworld::{LoadBalancer, Sockets, SteadyLoad};
use tokio::time::sleep;

const LOOKS_EVERY: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(10);
/// How long clients work before an instance is restarted.
const BETWEEN: Duration = Duration::from_secs(1);

/// A store and a bus, a load balancer, and the instances that it sends requests to.
struct Site {
    store: Arc<MemoryStore>,
    bus: Arc<MemoryBus>,
    balancer: LoadBalancer,
}

impl Site {
    async fn add(&self, name: &str) -> Serving {
        let mut card = card("served");
        card.supported_interfaces = self.balancer.sockets().interfaces();
        let server = Server::new(ScriptedAgent::default(), card).listen("127.0.0.1:0");
        let serving = server.store(self.store.clone()).bus(self.bus.clone()).serve().await.unwrap();
        self.balancer.add(name, Sockets { http: serving.address(), grpc: serving.address() });
        serving
    }
}

/// Restarts two instances in turn under clients. Returns what these met, and how often the load balancer met nobody.
async fn restarted_in_turn(delay: Duration) -> (Experience, usize) {
    let watch = Watch { readiness: Some(LOOKS_EVERY), idle: None };
    let balancer = LoadBalancer::start(watch).await.unwrap();
    let site = Site { store: Arc::new(MemoryStore::new()), bus: Arc::new(MemoryBus::new()), balancer };
    let mut serving = [site.add("0").await, site.add("1").await];
    let mut card = card("served");
    card.supported_interfaces = site.balancer.sockets().interfaces();
    let load = SteadyLoad::begin(&card).await;
    for (place, name) in ["0", "1"].into_iter().enumerate() {
        sleep(BETWEEN).await;
        serving[place].shutdown(delay, GRACE).await;
        site.balancer.remove(name);
        serving[place] = site.add(name).await;
    }
    sleep(BETWEEN).await;
    let met = load.end().await;
    let unreachable = site.balancer.unreachable();
    for serving in serving {
        serving.shutdown(Duration::ZERO, GRACE).await;
    }
    site.balancer.stop().await;
    (met, unreachable)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_are_restarted_in_turn_refuse_reset_and_cut_short_nothing() {
    let (met, unreachable) = restarted_in_turn(LOOKS_EVERY * 5 / 2).await;
    assert!(met.wrong.is_empty() && unreachable == 0, "{met:#?}, {unreachable}");
    assert!(met.sends > 100 && met.streams > 20, "{met:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_delay_what_a_load_balancer_still_sends_is_refused() {
    let (met, unreachable) = restarted_in_turn(Duration::ZERO).await;
    assert!(!met.wrong.is_empty() || unreachable > 0, "{met:?}");
}
