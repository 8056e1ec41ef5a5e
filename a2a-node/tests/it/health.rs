//! `health`, as a container's health check runs it.

use std::process::Output;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::node::{self, Node, run, soon, text};

/// A server that is not ready, redirects what is old, and keeps everybody waiting at one path.
async fn unwell() -> (String, AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let long = format!("the store does not answer\n{}", "x".repeat(100_000));
    let routes = Router::new()
        .route("/readyz", get(async || (StatusCode::SERVICE_UNAVAILABLE, long)))
        .route("/healthz", get(async || "alive"))
        .route("/old", get(async || (StatusCode::SEE_OTHER, [("location", "/healthz")], "moved")))
        .route("/never", get(std::future::pending::<String>));
    let serving = TaskTracker::new().spawn(async { axum::serve(listener, routes).await.unwrap() });
    (address, AbortOnDropHandle::new(serving))
}

async fn asked(flags: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = run(&[&["health"], flags].concat()).await;
    (status.code(), text(&stdout), text(&stderr))
}

#[tokio::test]
async fn a_server_that_is_ready_is_well_wherever_its_address_stands() {
    let node = Node::serve(&[]).await;
    let url = &node.instances[0].http;
    let address = url.trim_start_matches("http://");
    for flags in [&["--url", url][..], &["--url", address], &["--listen", address], &["--url", url, "--live"]]
    {
        let (code, said, complaint) = asked(flags).await;
        assert_eq!((code, complaint.as_str()), (Some(0), ""), "{flags:?}");
        assert!(!said.trim().is_empty(), "{flags:?}");
    }
    let mut command = node::command(&["health"]);
    let port = address.rsplit(':').next().unwrap();
    // As a container's environment has it, and without the proxy that others are reached by.
    command
        .env("A2A_LISTEN", format!("0.0.0.0:{port}"))
        .env("A2A_URL", "")
        .env("http_proxy", "http://127.0.0.1:9");
    assert_eq!(soon(command.output()).await.unwrap().status.code(), Some(0));
}

#[tokio::test]
async fn a_server_that_is_not_ready_says_why_and_its_liveness_is_asked_apart() {
    let (address, _serving) = unwell().await;
    let (code, said, complaint) = asked(&["--url", &address]).await;
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complaint.contains("503") && complaint.contains("the store does not answer"), "{complaint}");
    assert!(complaint.len() < 5000, "{}", complaint.len());
    assert_eq!(asked(&["--url", &address, "--live"]).await, (Some(0), "alive\n".to_owned(), String::new()));
    let (code, _, complaint) = asked(&["--url", &format!("http://{address}/old")]).await;
    assert_eq!(code, Some(1), "what is said elsewhere is somebody else's health: {complaint}");
}

#[tokio::test]
async fn who_does_not_answer_or_not_in_time_is_not_well() {
    let (address, _serving) = unwell().await;
    let never = format!("http://{address}/never");
    let (code, _, complaint) = asked(&["--url", &never, "--timeout", "0.2"]).await;
    assert_eq!(code, Some(1));
    assert!(complaint.contains("no answer within 200ms"), "{complaint}");
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let (code, said, complaint) = asked(&["--listen", &free]).await;
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complaint.contains("Connection refused"), "{complaint}");
}

#[tokio::test]
async fn what_cannot_be_asked_makes_no_sense() {
    for flags in
        [&["--url", "https://x"][..], &["--url", "ftp:x"], &["--listen", "127.0.0.1:0"], &["--timeout", "0"]]
    {
        let (code, said, complaint) = asked(flags).await;
        assert_eq!((code, said.as_str()), (Some(2), ""), "{flags:?}: {complaint}");
        assert!(complaint.starts_with("error: "), "{flags:?}: {complaint}");
    }
}
