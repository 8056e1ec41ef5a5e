//! A deployment restarts one instance after the other behind a load balancer, which looks once a second whether they are
//! ready, while clients work.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use a2a_bus_memory::MemoryBus;
use a2a_core::{TaskQuery, TaskStore, Tenant};
use a2a_serve::{Server, Serving};
use a2a_store_memory::MemoryStore;
use a2a_testkit::{ScriptedAgent, card};
use a2a_testworld::load_balancer::Watch;
use a2a_testworld::steady_load::Experience;
use a2a_testworld::{ConnectionBalancer, LoadBalancer, Sockets, SteadyLoad};
use tokio::time::sleep;

const LOOKS_EVERY: Duration = Duration::from_secs(1);
/// Enough for two looks, and more, for what a busy machine does.
const DELAY: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_secs(10);
/// How long clients work before an instance is restarted.
const BETWEEN: Duration = Duration::from_secs(1);

/// What stands before the instances.
enum Balancer {
    /// It sends each request to the next one.
    OfRequests(LoadBalancer),
    /// It sends each connection to the next one.
    OfConnections(ConnectionBalancer),
}

impl Balancer {
    async fn of_requests() -> Self {
        let watch = Watch { readiness: Some(LOOKS_EVERY), idle: None };
        Balancer::OfRequests(LoadBalancer::start(watch).await.unwrap())
    }

    async fn of_connections() -> Self {
        Balancer::OfConnections(ConnectionBalancer::start(LOOKS_EVERY).await.unwrap())
    }

    fn sockets(&self) -> Sockets {
        match self {
            Balancer::OfRequests(balancer) => balancer.sockets(),
            Balancer::OfConnections(balancer) => both(balancer.address()),
        }
    }

    fn add(&self, instance: SocketAddr) {
        match self {
            Balancer::OfRequests(balancer) => balancer.add(&instance.to_string(), both(instance)),
            Balancer::OfConnections(balancer) => balancer.add(instance),
        }
    }

    fn remove(&self, instance: SocketAddr) {
        match self {
            Balancer::OfRequests(balancer) => balancer.remove(&instance.to_string()),
            Balancer::OfConnections(balancer) => balancer.remove(instance),
        }
    }

    /// How often it sent a request to an instance that was gone.
    fn unreachable(&self) -> usize {
        match self {
            Balancer::OfRequests(balancer) => balancer.unreachable(),
            Balancer::OfConnections(_) => 0,
        }
    }
}

fn both(address: SocketAddr) -> Sockets {
    Sockets { http: address, grpc: address }
}

/// Restarts two instances in turn under clients, and returns what these met.
async fn restarted_in_turn(balancer: Balancer, delay: Duration) -> (Experience, usize) {
    let (store, bus) = (Arc::new(MemoryStore::new()), Arc::new(MemoryBus::new()));
    let mut card = card("served");
    card.supported_interfaces = balancer.sockets().interfaces();
    let start = async || -> Serving {
        let server = Server::new(ScriptedAgent::default(), card.clone()).listen("127.0.0.1:0");
        let serving = server.store(store.clone()).bus(bus.clone()).serve().await.unwrap();
        balancer.add(serving.address());
        serving
    };
    let old = [start().await, start().await];
    let load = SteadyLoad::begin(&card).await;
    let mut new = Vec::new();
    for serving in old {
        sleep(BETWEEN).await;
        serving.shutdown(delay, GRACE).await;
        balancer.remove(serving.address());
        new.push(start().await);
    }
    sleep(BETWEEN).await;
    let met = load.end().await;
    // What a client's library called unsent was never taken, and nothing was taken twice.
    let all = store.list(&TaskQuery::new(Tenant::default(), None, 1)).await.unwrap();
    assert_eq!(all.total, met.tasks as u64, "{met:?}");
    for serving in new {
        serving.shutdown(Duration::ZERO, GRACE).await;
    }
    (met, balancer.unreachable())
}

fn nothing_was_refused((met, unreachable): (Experience, usize)) {
    assert!(met.wrong.is_empty() && unreachable == 0, "{met:#?}, {unreachable}");
    assert!(met.sends > 100 && met.streams > 20, "{met:?}");
    // Once, at most, for each connection that ended.
    assert!(met.unsent <= 6, "{met:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_are_restarted_in_turn_refuse_reset_and_cut_short_nothing() {
    nothing_was_refused(restarted_in_turn(Balancer::of_requests().await, DELAY).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_clients_keep_lead_elsewhere_before_anything_is_refused() {
    nothing_was_refused(restarted_in_turn(Balancer::of_connections().await, DELAY).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_delay_what_a_load_balancer_still_sends_is_refused() {
    let (met, unreachable) = restarted_in_turn(Balancer::of_requests().await, Duration::ZERO).await;
    assert!(!met.wrong.is_empty() || unreachable > 0, "{met:?}");
}

#[tokio::test]
async fn answers_say_that_their_connection_closes_from_the_beginning_of_the_delay_on() {
    let server = Server::new(ScriptedAgent::default(), card("served")).listen("127.0.0.1:0");
    let serving = server.serve().await.unwrap();
    let ask = async |path| {
        let answer = reqwest::get(format!("http://{}{path}", serving.address())).await.unwrap();
        (answer.status().as_u16(), answer.headers().get("connection").cloned())
    };
    assert_eq!(ask("/readyz").await, (200, None));
    let delay = async {
        while ask("/readyz").await.0 != 503 {
            tokio::task::yield_now().await;
        }
        ask("/.well-known/agent-card.json").await
    };
    // The delay is not waited for.
    let answered = tokio::select! {
        answered = delay => answered,
        () = serving.shutdown(DELAY * 100, GRACE) => panic!("the delay is over"),
    };
    assert_eq!(answered, (200, Some(http::HeaderValue::from_static("close"))));
    serving.shutdown(Duration::ZERO, GRACE).await;
}
