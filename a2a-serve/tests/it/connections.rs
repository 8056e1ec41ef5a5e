//! What one connection may cost, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use a2a_serve::bindings::{self, RequestLimits};
use a2a_server::StaticAgentCard;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::handler::{Recorder, card};
use super::http2::{GOAWAY, Peer};
use super::serving::start;
use super::wire::router;

#[tokio::test]
async fn a_refusal_reaches_a_client_that_was_told_to_go_on() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    for path in ["/", "/message:send"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head =
            "host: x\r\na2a-version: 1.0\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
        let head = format!("POST {path} HTTP/1.1\r\n{head}transfer-encoding: chunked\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut go_on = [0; 25];
        stream.read_exact(&mut go_on).await.unwrap();
        assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
        let chunk = format!("100000\r\n{}\r\n", "x".repeat(1024 * 1024));
        for _ in 0..24 {
            stream.write_all(chunk.as_bytes()).await.unwrap();
        }
        stream
            .write_all(b"0\r\n\r\nGET /tasks/t1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.unwrap();
        let statuses: Vec<_> =
            answers.match_indices("HTTP/1.1 ").map(|(at, _)| &answers[at + 9..at + 12]).collect();
        assert_eq!(statuses, ["413", "400"], "{path}: {answers}");
    }
}

#[tokio::test]
async fn an_answer_after_which_the_connection_closes_says_so() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    for (line, content_type) in [
        ("POST /", "application/json"),
        ("POST /message:send", "application/json"),
        ("POST /", "text/plain"),
        ("POST /.well-known/agent-card.json", "application/json"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head =
            format!("{line} HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\ncontent-type: {content_type}\r\n");
        let waits = format!("{head}content-length: 99999999\r\nexpect: 100-continue\r\n\r\n");
        stream.write_all(waits.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 4") && answer.contains("connection: close"), "{line}: {answer}");
    }
    // Where the answer does not depend on what the client waits to send, it is told to send it, and goes on.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = "GET /tasks/t1 HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\n";
    let waits = format!("{head}content-length: 2\r\nexpect: 100-continue\r\n\r\n");
    stream.write_all(waits.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    stream.write_all(format!("{{}}{head}connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2, "{answers}");
}

#[tokio::test]
async fn the_head_of_a_request_is_bounded() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    for (bytes, status) in [(40_000, "200"), (100_000, "431")] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = "GET /tasks/t1 HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\nconnection: close\r\nx: ";
        let request = format!("{head}{}\r\n\r\n", "x".repeat(bytes));
        // Refused before all of it is taken.
        let _ = stream.write_all(request.as_bytes()).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer[9..], status.as_bytes(), "{bytes}");
    }
}

#[tokio::test]
async fn a_request_of_http_1_1_names_one_host() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    for (version, hosts, status) in [
        ("1.1", "host: x\r\n", "200"),
        ("1.1", "host:\r\n", "200"),
        ("1.1", "", "400"),
        ("1.1", "host: x\r\nhost: x\r\n", "400"),
        ("1.1", "host: x y\r\n", "400"),
        ("1.0", "", "200"),
        ("1.0", "host: x\r\nhost: y\r\n", "400"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!("GET /tasks/t1 HTTP/{version}\r\na2a-version: 1.0\r\n{hosts}");
        let last = "GET /tasks/t1 HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\nconnection: close\r\n\r\n";
        let first = format!("{head}content-length: 2\r\n\r\n{{}}");
        stream.write_all(format!("{first}{last}").as_bytes()).await.unwrap();
        let mut answers = String::new();
        let _ = stream.read_to_string(&mut answers).await;
        let (line, count) = (&answers[..12], answers.matches("\r\ndate: ").count());
        assert_eq!(&line[9..], status, "{version} {hosts:?}: {answers}");
        // Nobody can tell whose the rest is.
        let is_last = status == "400" || version == "1.0";
        assert_eq!(count, if is_last { 1 } else { 2 }, "{version} {hosts:?}: {answers}");
    }
}

#[tokio::test]
async fn grpc_over_http_1_is_told_what_it_needs() {
    let card = Arc::new(StaticAgentCard::new(card()));
    let handler = Recorder::new();
    let whole = bindings::router(Arc::clone(&handler), card, &RequestLimits::default());
    let server = start(whole, Duration::ZERO).await;
    let large = "x".repeat(300_000);
    for (path, body) in [
        ("/lf.a2a.v1.A2AService/GetTask", "\0\0\0\0\u{4}\u{12}\u{2}t1"),
        ("/lf.a2a.v1.A2AService/GetTask", ""),
        ("/lf.a2a.v1.A2AService/SendMessage", &large),
        ("/grpc.health.v1.Health/Check", "\0\0\0\0\0"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\ncontent-type: application/grpc\r\n"
        );
        let request = format!("{head}te: trailers\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 505") && answer.contains("connection: close"),
            "{path}: {answer}"
        );
        assert!(answer.ends_with("gRPC needs HTTP/2\n"), "{path}: {answer}");
    }
    assert!(handler.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_http_2_peer_that_takes_no_answer_is_let_go() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    // Who takes it is idle from then on, and is told when that has been for too long.
    for (window, is_told, lives) in [(0, false, 60..70), (0xff00, true, 75..77)] {
        let mut peer = Peer::with_window(server.address, window).await;
        peer.ask(1, "/tasks/t1").await;
        let began = tokio::time::Instant::now();
        let told = tokio::time::timeout(Duration::from_secs(200), peer.next_of(GOAWAY)).await;
        assert_eq!(told.unwrap().is_some(), is_told, "{window}");
        let waited = began.elapsed().as_secs();
        assert!(lives.contains(&waited), "{window}: {waited}");
    }
}
