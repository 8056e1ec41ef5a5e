//! Connections on which nothing is asked.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::handler::Recorder;
use super::http2::{CANCEL, DATA, END_STREAM, GOAWAY, HEADERS, PING, Peer, RST_STREAM};
use super::server;
use super::serving::start;
use super::wire::router;

const SOON: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_secs(500);

/// How long a peer is served, in seconds, from now until it is let go.
async fn served_for(peer: &mut Peer) -> u64 {
    let began = Instant::now();
    let _ = timeout(LONG, async { while peer.next().await.is_some() {} }).await;
    began.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn an_http_2_connection_without_a_request_is_closed_after_75_s() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    for asks_at in [None, Some(0), Some(40), Some(74)] {
        let mut peer = Peer::connect(server.address).await;
        if let Some(seconds) = asks_at {
            let is_told = timeout(Duration::from_secs(seconds), peer.next_of(GOAWAY)).await;
            assert!(is_told.is_err(), "{seconds}: {is_told:?}");
            peer.ask(1, "/tasks/t1").await;
            while peer.next_of(DATA).await.unwrap().flags & END_STREAM == 0 {}
        }
        let began = Instant::now();
        let is_told = timeout(LONG, peer.next_of(GOAWAY)).await;
        assert!(is_told.is_ok_and(|told| told.is_some()), "{asks_at:?}");
        served_for(&mut peer).await;
        let served = began.elapsed().as_secs();
        assert!((75..77).contains(&served), "{asks_at:?}: it was closed after {served} s");
    }
}

#[tokio::test(start_paused = true)]
async fn an_http_2_connection_with_a_quiet_stream_stays_open_until_that_ends() {
    let server = start(router(&Recorder::with_endless_streams()), Duration::ZERO).await;
    let mut peer = Peer::connect(server.address).await;
    peer.ask(1, "/tasks/t1:subscribe").await;
    let is_told = timeout(LONG, peer.next_of(GOAWAY)).await;
    assert!(is_told.is_err(), "{is_told:?}");
    peer.ask(3, "/tasks/t1").await;
    assert_eq!(peer.next_of(HEADERS).await.unwrap().stream, 3);
    peer.say(RST_STREAM, 0, 1, &CANCEL.to_be_bytes()).await;
    let served = served_for(&mut peer).await;
    assert!((75..77).contains(&served), "it was closed after {served} s");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_go_when_it_is_told_is_cut_off() {
    let server = start(router(&Recorder::new()), Duration::ZERO).await;
    let mut peer = Peer::connect(server.address).await;
    let began = Instant::now();
    let mut usual = None;
    let stays = async {
        while let Some(frame) = peer.read().await {
            // The one that asks whether it has read what it was told differs from those that ask whether it lives.
            if frame.kind == PING && usual.get_or_insert_with(|| frame.payload.clone()) == &frame.payload {
                peer.answer_ping(&frame).await;
            }
        }
    };
    let _ = timeout(LONG, stays).await;
    let served = began.elapsed().as_secs();
    assert!((75 + 15..75 + 27).contains(&served), "it was let go after {served} s");
}

#[tokio::test]
async fn how_long_a_connection_may_be_idle_is_a_setting() {
    let serving = server::start(|server| server.idle_timeout(Duration::from_millis(1))).await;
    let mut peer = Peer::connect(serving.address()).await;
    timeout(SOON, async { while peer.next().await.is_some() {} }).await.unwrap();
    let mut stream = TcpStream::connect(serving.address()).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(SOON, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
}
