//! Streams of HTTP/2 that are opened and reset at once.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

use super::{PATIENCE, others_do_not_notice};
use crate::handler::Recorder;
use crate::http2::{CANCEL, DATA, END_HEADERS, END_STREAM, HEADERS, Peer, RST_STREAM, frame, get};
use crate::server;
use crate::serving::start;
use crate::wire::router;

/// Requests, each of which is reset right away.
fn resets(streams: impl Iterator<Item = u32>) -> Vec<u8> {
    let request = get("/tasks/t1:subscribe");
    streams
        .flat_map(|stream| {
            let mut both = frame(HEADERS, END_HEADERS | END_STREAM, stream, &request);
            both.extend(frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()));
            both
        })
        .collect()
}

fn ids(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_opens_streams_to_reset_them_is_cut_off_and_others_do_not_notice() {
    let serving = server::start(|server| server).await;
    let thousands = resets(ids(5_000));
    others_do_not_notice(&serving, async |address| {
        let mut peer = Peer::connect(address).await;
        let mut sent = 0;
        for some in thousands.chunks(64 * 1024) {
            if peer.0.write_all(some).await.is_err() {
                break;
            }
            sent += some.len();
        }
        let ended = timeout(PATIENCE, async { while peer.next().await.is_some() {} }).await;
        assert!(ended.is_ok(), "a connection stays after {sent} bytes of resets");
    })
    .await;
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
}

#[tokio::test]
async fn of_streams_that_were_reset_nothing_is_left() {
    let handler = Recorder::with_endless_streams();
    let server = start(router(&handler), Duration::ZERO).await;
    let mut peer = Peer::connect(server.address).await;
    for stream in ids(2_000) {
        peer.ask(stream, "/tasks/t1:subscribe").await;
        timeout(PATIENCE, peer.next_of(DATA)).await.unwrap().unwrap();
        peer.say(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()).await;
        assert!(handler.open_streams() < 100, "{stream}: {}", handler.open_streams());
    }
    let gone = async {
        while handler.open_streams() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
    // Who did so one after another is served still.
    peer.ask(9_999, "/tasks/t1").await;
    let answer = timeout(PATIENCE, peer.next_of(HEADERS)).await.unwrap();
    assert_eq!(answer.unwrap().stream, 9_999);
}
