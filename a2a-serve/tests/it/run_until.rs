//! What ends a server that runs: a token, and signals.
//!
//! A signal comes to the whole process, so these tests run one at a time.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use a2a::{StreamResponse, TaskState};
use a2a_core::Membership;
use a2a_serve::{Server, ServerError};
use a2a_store_memory::MemoryStore;
use a2a_testkit::ScriptedAgent;
use a2a_testkit::faults::{Delay, FaultyStore, Forecast, Weather};
use a2a_testworld::client::{card_at, connect};
use a2a_testworld::world::{expect_task, get, request, state};
use a2a_testworld::{Binding, Client};
use futures::StreamExt;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::server::{ask, socket};

const SOON: Duration = Duration::from_secs(20);
/// Longer than any test waits.
const LONG: Duration = Duration::from_secs(3600);

static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// A server that runs until it is asked to stop, and from then on for as long as it is told to.
struct Running {
    address: SocketAddr,
    store: Arc<MemoryStore>,
    stop: CancellationToken,
    ended: JoinHandle<Result<(), ServerError>>,
}

impl Running {
    async fn start(delay: Duration, grace: Duration) -> Self {
        let (listener, card) = socket().await;
        let (address, store) = (listener.local_addr().unwrap(), Arc::new(MemoryStore::new()));
        let server = Server::new(ScriptedAgent::default(), card).store(store.clone()).listener(listener);
        let stop = CancellationToken::new();
        let running = server.drain_delay(delay).grace(grace).run_until(stop.clone());
        let running = Running { address, store, stop, ended: tokio::spawn(running) };
        running.comes_to(200).await;
        running
    }

    /// Waits until `/readyz` answers with this.
    async fn comes_to(&self, status: u16) {
        let comes = async {
            while ask(self.address, "/readyz").await.0 != status {
                tokio::task::yield_now().await;
            }
        };
        timeout(SOON, comes).await.unwrap();
    }

    async fn client(&self) -> Client {
        let card = card_at(&format!("http://{}", self.address)).await;
        connect(&card, Binding::Rest, None).await.unwrap()
    }

    async fn ended(self) -> Result<(), ServerError> {
        timeout(SOON, self.ended).await.expect("it runs on").unwrap()
    }
}

/// Sends this process a SIGTERM, which ends no process that has caught it once.
fn signal() {
    let id = std::process::id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
}

#[tokio::test]
async fn a_token_drains_and_a_running_stream_gets_its_end() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let running = Running::start(Duration::ZERO, LONG).await;
    let client = running.client().await;
    let mut events = client.send_streaming_message(&request("do work; talk 20 50; done")).await.unwrap();
    assert!(timeout(SOON, events.next()).await.unwrap().unwrap().is_ok());
    assert_eq!(running.store.roster(None, 10).await.unwrap().len(), 1);
    running.stop.cancel();
    let rest: Vec<_> = timeout(SOON, events.collect()).await.unwrap();
    let StreamResponse::StatusUpdate(last) = rest.last().unwrap().as_ref().unwrap() else {
        panic!("{rest:?}")
    };
    assert!(last.status.state == TaskState::Completed && rest.len() > 2, "{rest:?}");
    let (address, store) = (running.address, running.store.clone());
    running.ended().await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    let left = store.roster(None, 10).await.unwrap();
    assert!(left.iter().all(|member| member.state.is_final()), "{left:?}");
}

#[tokio::test]
async fn new_work_is_taken_for_the_delay_after_a_token_as_after_a_signal() {
    let _alone = ONE_AT_A_TIME.lock().await;
    for by_signal in [false, true] {
        let running = Running::start(Duration::from_secs(4), Duration::ZERO).await;
        let client = running.client().await;
        if by_signal {
            signal()
        } else {
            running.stop.cancel()
        }
        running.comes_to(503).await;
        let sent = expect_task(client.send_message(&request("say hello; done")).await.unwrap());
        assert_eq!(state(&sent), TaskState::Completed, "{by_signal}");
        running.ended().await.unwrap();
    }
}

#[tokio::test]
async fn a_token_that_is_cancelled_while_the_server_starts_ends_it_and_nobody_has_joined() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (listener, card) = socket().await;
    let (address, store) = (listener.local_addr().unwrap(), Arc::new(MemoryStore::new()));
    // A store that answers only when nobody waits any more.
    let slow = Forecast { store_delay: Delay::between(LONG, LONG), ..Forecast::calm() };
    let hangs = Arc::new(FaultyStore::new(store.clone(), Weather::new(slow), 0));
    let stop = CancellationToken::new();
    let server = Server::new(ScriptedAgent::default(), card).store(hangs).listener(listener);
    let running = tokio::spawn(server.run_until(stop.clone()));
    // It listens, and does not answer.
    let asks = timeout(Duration::from_millis(200), ask(address, "/healthz")).await;
    assert!(asks.is_err() && !running.is_finished(), "{asks:?}");
    stop.cancel();
    timeout(SOON, running).await.expect("it runs on").unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    assert!(store.roster(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_whose_token_was_cancelled_before_does_not_start() {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (listener, card) = socket().await;
    let store = Arc::new(MemoryStore::new());
    let server = Server::new(ScriptedAgent::default(), card).store(store.clone()).listener(listener);
    let stop = CancellationToken::new();
    stop.cancel();
    timeout(SOON, server.run_until(stop)).await.expect("it runs").unwrap();
    assert!(store.roster(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_second_signal_ends_a_drain_and_the_token_is_no_signal() {
    let _alone = ONE_AT_A_TIME.lock().await;
    for by_token in [false, true] {
        let running = Running::start(LONG, LONG).await;
        let client = running.client().await;
        if by_token {
            running.stop.cancel();
            running.comes_to(503).await;
        }
        signal();
        running.comes_to(503).await;
        // The one signal that came has ended nothing, if it is the token's cause or the first.
        let sent = expect_task(client.send_message(&request("say hello; done")).await.unwrap());
        assert_eq!(client.get_task(&get(&sent.id)).await.unwrap().id, sent.id, "{by_token}");
        signal();
        assert!(matches!(running.ended().await, Err(ServerError::Hurried)), "{by_token}");
    }
}
