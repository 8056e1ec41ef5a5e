//! A whole server: all bindings on one address, health, and its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use a2a::{AgentCard, TaskState};
use a2a_bus_memory::MemoryBus;
use a2a_core::Membership;
use a2a_serve::{GatewayHeader, Server, Serving};
use a2a_store_memory::MemoryStore;
use a2a_testkit::{ScriptedAgent, card};
use a2a_testworld::client::{card_at, connect};
use a2a_testworld::world::{at_once, cancel, expect_task, get, request, state, subscribe};
use a2a_testworld::{Binding, Client};
use axum::body::Body;
use futures::StreamExt;
use http::{Request, Version};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tower::ServiceExt;

const SOON: Duration = Duration::from_secs(20);

/// A socket, and the card of the agent that is to listen there.
pub(crate) async fn socket() -> (TcpListener, AgentCard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut card = card("served");
    card.supported_interfaces = a2a_testkit::card::interfaces(&url, &url);
    (listener, card)
}

pub(crate) async fn start(change: impl FnOnce(Server) -> Server) -> Serving {
    let (listener, card) = socket().await;
    change(Server::new(ScriptedAgent::default(), card).listener(listener)).serve().await.unwrap()
}

async fn client(serving: &Serving, binding: Binding) -> Client {
    let card = card_at(&format!("http://{}", serving.address())).await;
    connect(&card, binding, None).await.unwrap()
}

pub(crate) async fn ask(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{address}{path}")).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

pub(crate) async fn health(address: SocketAddr) -> HealthClient<Channel> {
    HealthClient::new(Endpoint::try_from(format!("http://{address}")).unwrap().connect().await.unwrap())
}

pub(crate) fn whole() -> HealthCheckRequest {
    HealthCheckRequest { service: String::new() }
}

pub(crate) async fn serving_status(
    health: &HealthClient<Channel>,
    service: &str,
) -> Result<ServingStatus, Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = health.clone().check(request).await.map_err(|status| status.code())?;
    Ok(answer.into_inner().status())
}

#[tokio::test]
async fn one_address_is_the_whole_agent() {
    let serving = start(|server| server).await;
    for binding in Binding::ALL {
        let client = client(&serving, binding).await;
        let sent = expect_task(client.send_message(&request("say hello; done")).await.unwrap());
        assert_eq!(state(&sent), TaskState::Completed, "{binding:?}");
        let read = client.get_task(&get(&sent.id)).await.unwrap();
        assert_eq!(read.id, sent.id, "{binding:?}");
        let events = client.send_streaming_message(&request("say hello; done")).await.unwrap();
        assert!(events.count().await > 1, "{binding:?}");
    }
    assert_eq!(ask(serving.address(), "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(ask(serving.address(), "/readyz").await.0, 200);
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
    assert!(reqwest::get(format!("http://{}/healthz", serving.address())).await.is_err());
}

#[tokio::test]
async fn servers_on_one_store_and_bus_are_one() {
    Box::pin(are_one(Some(Arc::new(MemoryBus::new())))).await;
}

#[tokio::test]
async fn servers_on_one_store_are_one_without_a_bus() {
    Box::pin(are_one(None)).await;
}

async fn are_one(bus: Option<Arc<MemoryBus>>) {
    let store = Arc::new(MemoryStore::new());
    let on_both = || {
        start(|server| match bus.clone() {
            Some(bus) => server.store(store.clone()).bus(bus),
            None => server.store(store.clone()),
        })
    };
    let (one, other) = tokio::join!(on_both(), on_both());
    for (here, there) in [(Binding::JsonRpc, Binding::Grpc), (Binding::Grpc, Binding::Rest)] {
        let (here, there) = (client(&one, here).await, client(&other, there).await);
        let mut message = request("hang");
        message.configuration = at_once();
        let task = expect_task(here.send_message(&message).await.unwrap());
        let events = there.subscribe_to_task(&subscribe(&task.id)).await.unwrap();
        let cancelled = there.cancel_task(&cancel(&task.id)).await.unwrap();
        assert_eq!(state(&cancelled), TaskState::Canceled);
        assert!(timeout(SOON, events.count()).await.unwrap() > 1);
    }
    tokio::join!(
        one.shutdown(Duration::ZERO, Duration::ZERO),
        other.shutdown(Duration::ZERO, Duration::ZERO)
    );
    let left = store.roster(None, 10).await.unwrap();
    assert!(left.iter().all(|member| member.state.is_final()), "{left:?}");
}

#[tokio::test]
async fn a_server_that_is_about_to_stop_is_unready_first_and_refuses_later() {
    let serving = Arc::new(start(|server| server).await);
    let address = serving.address();
    let client = client(&serving, Binding::JsonRpc).await;
    let mut health = health(address).await;
    for service in ["", "lf.a2a.v1.A2AService"] {
        assert_eq!(serving_status(&health, service).await, Ok(ServingStatus::Serving), "{service:?}");
    }
    assert_eq!(serving_status(&health, "another").await, Err(Code::NotFound));
    assert_eq!(serving_status(&health, &"x".repeat(2_000)).await, Err(Code::OutOfRange));
    let mut watched = health.watch(whole()).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let delay = Duration::from_secs(3600);
    let stopping = tokio::spawn({
        let serving = Arc::clone(&serving);
        async move { serving.shutdown(delay, Duration::from_secs(20)).await }
    });
    let unready = async {
        while ask(address, "/readyz").await.0 != 503 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, unready).await.unwrap();
    assert_eq!(serving_status(&health, "").await, Ok(ServingStatus::NotServing));
    let told = async { watched.message().await.unwrap().unwrap().status() };
    assert_eq!(timeout(SOON, told).await.unwrap(), ServingStatus::NotServing);
    let sent = client.send_message(&request("say hello; done")).await;
    let sent = expect_task(sent.expect("new work is taken after /readyz has turned"));
    assert_eq!(state(&sent), TaskState::Completed);
    // Told again, it does not wait for the delay.
    timeout(SOON, serving.shutdown(Duration::ZERO, Duration::from_secs(20))).await.unwrap();
    stopping.abort();
    assert!(client.send_message(&request("say hello; done")).await.is_err(), "and refused later");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_and_nobody_has_joined() {
    let (listener, card) = socket().await;
    let store = Arc::new(MemoryStore::new());
    let address = listener.local_addr().unwrap();
    let server = Server::new(ScriptedAgent::default(), card).store(store.clone()).listen(address.to_string());
    let error = server.serve().await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {address}"));
    assert!(store.roster(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn who_calls_is_settled_before_a_body_is_read() {
    let (_, card) = socket().await;
    let header = GatewayHeader::new(http::HeaderName::from_static("x-user"));
    let server = Server::new(ScriptedAgent::default(), card).callers(Arc::new(header));
    let (cluster, router) = server.router().await.unwrap();
    for (path, content_type) in [
        ("/", "application/json"),
        ("/message:send", "application/json"),
        ("/lf.a2a.v1.A2AService/SendMessage", "application/grpc"),
    ] {
        for named in [false, true] {
            let was_read = Arc::new(AtomicBool::new(false));
            let body = Body::from_stream(futures::stream::once({
                let was_read = Arc::clone(&was_read);
                async move {
                    was_read.store(true, Ordering::Relaxed);
                    Ok::<_, std::io::Error>("x")
                }
            }));
            // Of a version in which nothing has to be read so that the answer arrives.
            let request = Request::post(path).version(Version::HTTP_2).header("a2a-version", "1.0");
            let request = request.header("content-type", content_type);
            let request = if named { request.header("x-user", "ann") } else { request };
            let answer = router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
            let refused = answer.status() == 401
                || answer.headers().get("grpc-status").is_some_and(|code| code == "16");
            assert_eq!((refused, was_read.load(Ordering::Relaxed)), (!named, named), "{path}: {answer:?}");
        }
    }
    cluster.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn one_channel_watches_thousands_of_tasks_and_other_calls_go_on() {
    let serving = start(|server| server).await;
    let client = client(&serving, Binding::Grpc).await;
    let mut message = request("hang");
    message.configuration = at_once();
    let task = expect_task(client.send_message(&message).await.unwrap());
    let mut streams = Vec::new();
    for _ in 0..2_000 {
        let mut events = client.subscribe_to_task(&subscribe(&task.id)).await.unwrap();
        assert!(timeout(SOON, events.next()).await.unwrap().unwrap().is_ok());
        streams.push(events);
    }
    assert_eq!(timeout(SOON, client.get_task(&get(&task.id))).await.unwrap().unwrap().id, task.id);
    client.cancel_task(&cancel(&task.id)).await.unwrap();
    for events in streams {
        assert!(timeout(SOON, events.count()).await.unwrap() >= 1);
    }
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
}
