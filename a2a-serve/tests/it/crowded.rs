//! More connections than a server takes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use a2a_serve::GatewayHeader;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Code;
use tonic_health::pb::health_check_response::ServingStatus;

use super::server::{ask, health, serving_status, start, whole};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn whoever_takes_all_connections_leaves_room_for_those_who_ask_after_the_health() {
    let serving = start(|server| server.connections(20)).await;
    let address = serving.address();
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"POST /message:send HTTP/1.1\r\n").await.unwrap();
        held.push(stream);
    }
    let full = async {
        while ask(address, "/tasks").await.0 != 503 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, full).await.unwrap();
    assert_eq!(ask(address, "/healthz").await.0, 200);
    assert_eq!(ask(address, "/readyz").await.0, 200);
    drop(held);
    let free = async {
        while ask(address, "/tasks").await.0 == 503 {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, free).await.unwrap();
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
}

#[tokio::test]
async fn whoever_says_nothing_beyond_the_bound_keeps_no_one_out_who_asks_after_the_health() {
    let serving = start(|server| server.connections(20)).await;
    let address = serving.address();
    let mut held = Vec::new();
    for said in ["", "PRI * HTTP/2", "GET /healthz HTTP/1.1\r\n", "POST /tasks HTTP/1.1\r\nhost: x\r\n"] {
        for _ in 0..70 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            // Those whose place is another's already cannot say it.
            let _ = stream.write_all(said.as_bytes()).await;
            held.push(stream);
        }
        assert_eq!(ask(address, "/readyz").await.0, 200, "{said:?}");
        let asking = health(address).await;
        assert_eq!(serving_status(&asking, "").await, Ok(ServingStatus::Serving), "{said:?}");
        let watched = health(address).await.watch(whole()).await;
        assert_eq!(watched.unwrap_err().code(), Code::Unavailable, "{said:?}");
    }
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
}

#[tokio::test]
async fn beyond_the_bound_a_connection_is_for_one_request_and_a_few_seconds() {
    let serving = start(|server| server.connections(1)).await;
    let address = serving.address();
    let mut held = TcpStream::connect(address).await.unwrap();
    held.write_all(b"GET").await.unwrap();
    let (mut stream, status) = head_of_an_answer(address, "127.0.0.1").await;
    assert_eq!(status, 503);
    let mut rest = String::new();
    timeout(SOON, stream.read_to_string(&mut rest)).await.unwrap().unwrap();
    assert!(rest.contains("connection: close"), "{rest}");
    let mut asks = TcpStream::connect(address).await.unwrap();
    let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    asks.write_all(request.repeat(2).as_bytes()).await.unwrap();
    let mut answers = String::new();
    let _ = timeout(SOON, asks.read_to_string(&mut answers)).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1, "{answers}");
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    let began = std::time::Instant::now();
    let _ = timeout(SOON, slow.read_to_end(&mut Vec::new())).await.unwrap();
    assert!(began.elapsed().as_secs() >= 4, "{:?}", began.elapsed());
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
}

#[tokio::test]
async fn one_address_gets_half_of_the_connections_unless_callers_are_told_apart() {
    let header = || Arc::new(GatewayHeader::new(http::HeaderName::from_static("x-user")));
    for (told_apart, most) in [(false, 10), (true, 20)] {
        let serving = start(|server| {
            let server = server.connections(20);
            if told_apart { server.callers(header()) } else { server }
        })
        .await;
        let mut held = Vec::new();
        let mut status = 200;
        while status == 200 {
            let (mut stream, answered) = head_of_an_answer(serving.address(), "127.0.0.1").await;
            status = answered;
            // It stays open, and is used again.
            stream.write_all(b"GET").await.unwrap();
            held.push(stream);
        }
        assert_eq!((held.len() - 1, status), (most, 503), "{told_apart}");
        if !told_apart {
            assert_eq!(head_of_an_answer(serving.address(), "127.0.0.2").await.1, 200);
        }
        serving.shutdown(Duration::ZERO, Duration::ZERO).await;
    }
}

/// Connects from an address of this machine, and asks for the card.
async fn head_of_an_answer(address: SocketAddr, from: &str) -> (TcpStream, u16) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = b"GET /.well-known/agent-card.json HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    (stream, String::from_utf8_lossy(&head[9..]).parse().unwrap())
}
