//! Callers as a gateway names them: by every binding, each sees what is its own, and who has no name is refused.

use std::sync::Arc;

use a2a::{A2AError, error_code};
use a2a_client::Transport;
use a2a_client::jsonrpc::JsonRpcTransportFactory;
use a2a_client::rest::RestTransportFactory;
use a2a_client::transport::{ServiceParams, TransportFactory};
use a2a_core::Principal;
use a2a_grpc::GrpcTransportFactory;
use a2a_testworld::client::{card_at, http};
use a2a_testworld::world::{self, expect_task, request};

use crate::node::{self, Node, soon};

pub(crate) const HEADER: &str = "x-demo-principal";

pub(crate) async fn transports(node: &Node) -> Vec<Box<dyn Transport>> {
    let card = soon(card_at(&node.instances[0].http)).await;
    let factories: [Arc<dyn TransportFactory>; 3] = [
        Arc::new(JsonRpcTransportFactory::new(Some(http()))),
        Arc::new(RestTransportFactory::new(Some(http()))),
        Arc::new(GrpcTransportFactory::new()),
    ];
    let mut transports = Vec::new();
    for (factory, interface) in factories.iter().zip(&card.supported_interfaces) {
        transports.push(soon(factory.create(&card, interface)).await.unwrap());
    }
    transports
}

pub(crate) fn called_by(principal: Option<&str>) -> ServiceParams {
    let header = principal.map(|name| (HEADER.to_owned(), vec![name.to_owned()]));
    world::params().into_iter().chain(header).collect()
}

pub(crate) async fn send(transport: &dyn Transport, principal: Option<&str>) -> Result<String, A2AError> {
    let sent = soon(transport.send_message(&called_by(principal), &request("echo hello"))).await?;
    Ok(expect_task(sent).id)
}

pub(crate) async fn get(
    transport: &dyn Transport,
    principal: Option<&str>,
    id: &str,
) -> Result<String, A2AError> {
    Ok(soon(transport.get_task(&called_by(principal), &world::get(id))).await?.id)
}

#[tokio::test]
async fn by_every_binding_callers_see_their_own_tasks_and_the_nameless_see_nothing() {
    let node = Node::serve(&["--principal-header", HEADER, "--grpc-listen", "127.0.0.1:0"]).await;
    for transport in transports(&node).await {
        let transport = transport.as_ref();
        let id = send(transport, Some("ann")).await.unwrap();
        assert_eq!(get(transport, Some("ann"), &id).await.unwrap(), id);
        let absent = get(transport, Some("ben"), &id).await.unwrap_err();
        assert_eq!(absent.code, error_code::TASK_NOT_FOUND, "{absent:?}");
        for nobody in [None, Some("")] {
            assert!(send(transport, nobody).await.is_err());
            assert!(get(transport, nobody, &id).await.is_err());
        }
    }
}

/// By every binding the longest name has tasks like any other, and one that is longer is an error of the caller's.
pub(crate) async fn long_names_are_told(node: &Node) {
    let longest = "x".repeat(Principal::MAX_BYTES);
    for transport in transports(node).await {
        let transport = transport.as_ref();
        let id = send(transport, Some(&longest)).await.unwrap();
        assert_eq!(get(transport, Some(&longest), &id).await.unwrap(), id);
        for told in [
            send(transport, Some(&format!("{longest}x"))).await.unwrap_err(),
            get(transport, Some(&format!("{longest}x")), &id).await.unwrap_err(),
        ] {
            assert_eq!(told.code, error_code::INVALID_PARAMS, "{told:?}");
            assert!(told.message.contains("2048 bytes"), "{told:?}");
        }
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_is_told() {
    long_names_are_told(&Node::serve(&["--principal-header", HEADER]).await).await;
}

#[tokio::test]
async fn without_the_header_http_says_401() {
    let node = Node::serve(&["--principal-header", HEADER]).await;
    let url = format!("{}/tasks", node.instances[0].http);
    let nameless = http().get(&url).header("A2A-Version", "1.0");
    assert_eq!(soon(nameless.send()).await.unwrap().status(), 401);
    let named = http().get(&url).header("A2A-Version", "1.0").header(HEADER, "ann");
    assert_eq!(soon(named.send()).await.unwrap().status(), 200);
    assert_eq!(node.get(0, "/readyz").await.status(), 200, "who asks for health needs no name");
}

#[tokio::test]
async fn the_principal_is_in_no_log_line() {
    let secret = "ann-7f3c9e";
    let mut command = node::command(&["serve", "--listen", "127.0.0.1:0", "--log", "trace"]);
    command.args(["--principal-header", HEADER]).stderr(std::process::Stdio::piped());
    let mut node = Node::start(&mut command).await;
    let log = node.stderr();
    let transport = &transports(&node).await[0];
    let id = send(transport.as_ref(), Some(secret)).await.unwrap();
    get(transport.as_ref(), Some("nobody"), &id).await.unwrap_err();
    node.terminate().await;
    let (log, status) = tokio::join!(log, node.ended());
    assert!(status.success());
    assert!(log.contains("DEBUG"), "the log is on: {log}");
    assert!(!log.contains(secret), "{log}");
}
