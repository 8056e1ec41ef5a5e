//! On ECS a busy process asks not to be stopped, and gives that back when it is.

use a2a_testworld::sockets::Binding;
use a2a_testworld::world::{at_once, request};
use axum::Json;
use axum::routing::put;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::node::{Node, command, soon};

/// What ECS's agent on a host takes: each request's body, in order.
async fn agent() -> (String, mpsc::UnboundedReceiver<Value>, AbortOnDropHandle<()>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/api/0c2f", socket.local_addr().unwrap());
    let (taken, requests) = mpsc::unbounded_channel();
    let take = move |Json(body): Json<Value>| {
        let answer = json!({ "protection": body.clone() });
        let _ = taken.send(body);
        std::future::ready(Json(answer))
    };
    let router = axum::Router::new().route("/api/0c2f/task-protection/v1/state", put(take));
    let serving = async move { axum::serve(socket, router).await.unwrap() };
    (uri, requests, AbortOnDropHandle::new(TaskTracker::new().spawn(serving)))
}

#[tokio::test]
async fn a_process_with_agents_is_protected_until_it_is_told_to_stop() {
    let (uri, mut requests, _agent) = agent().await;
    let flags = ["serve", "--listen", "127.0.0.1:0", "--drain-delay", "0", "--shutdown-grace", "0"];
    let node = Node::start(command(&flags).env("ECS_AGENT_URI", &uri)).await;
    let mut request = request("wait 600");
    request.configuration = at_once();
    soon(node.client(0, Binding::JsonRpc).await.send_message(&request)).await.unwrap();
    let asked = soon(requests.recv()).await.unwrap();
    assert_eq!(asked, json!({ "ProtectionEnabled": true, "ExpiresInMinutes": 10 }));
    node.terminate().await;
    assert_eq!(soon(requests.recv()).await.unwrap(), json!({ "ProtectionEnabled": false }));
    assert_eq!(node.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_process_without_agents_asks_for_nothing() {
    let (uri, mut requests, agent) = agent().await;
    let flags = ["serve", "--listen", "127.0.0.1:0", "--drain-delay", "0"];
    let node = Node::start(command(&flags).env("ECS_AGENT_URI", &uri)).await;
    // An agent that ends within the time between two looks may be seen or not; a look without one certainly asks for nothing.
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(0));
    drop(agent);
    assert_eq!(soon(requests.recv()).await, None);
}
