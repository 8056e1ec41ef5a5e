//! Heads that are too long, or have no end.

use std::time::Duration;

use super::{PATIENCE, others_do_not_notice, until_closed};
use crate::handler::Recorder;
use crate::http2::{CONTINUATION, END_HEADERS, END_STREAM, HEADERS, Peer, RST_STREAM, frame, get, header};
use crate::server;
use crate::serving::start;
use crate::wire::router;
use tokio::time::timeout;

/// How much a server reads of a head that does not end: what a head may take, a frame more, and what the system's buffers hold.
const MOST: usize = 16 * 1024 * 1024;

/// Heads without an end: how they begin, and how they go on.
fn endless() -> [(&'static str, Vec<u8>, Vec<u8>); 3] {
    let begin = frame(HEADERS, END_STREAM, 1, &get("/tasks/t1"));
    let large = header("x", &"x".repeat(16_000));
    let many: Vec<u8> = (0..2_000).flat_map(|_| header("x", "y")).collect();
    [
        ("large fields", begin.clone(), frame(CONTINUATION, 0, 1, &large)),
        ("many fields", begin.clone(), frame(CONTINUATION, 0, 1, &many)),
        ("nothing", begin, frame(CONTINUATION, 0, 1, &[])),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_without_an_end_costs_the_connection_and_others_do_not_notice() {
    let serving = server::start(|server| server).await;
    others_do_not_notice(&serving, async |address| {
        for (what, begin, goes_on) in endless() {
            let mut peer = Peer::connect(address).await;
            let taken = until_closed(&mut peer, &begin, &goes_on.repeat(16)).await;
            assert!(taken < MOST, "{what}: {taken} bytes were taken");
        }
    })
    .await;
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
}

#[tokio::test]
async fn a_head_of_too_much_is_refused_and_no_handler_sees_it() {
    let handler = Recorder::new();
    let server = start(router(&handler), Duration::ZERO).await;
    let many: Vec<u8> = (0..1_000).flat_map(|number| header(&format!("x-{number}"), "y")).collect();
    // One field that the server is to remember, and then its number alone, again and again.
    let mut remembered = header("x", &"x".repeat(4_000));
    remembered[0] = 0x40;
    remembered.extend([0x80 | 62; 8_000]);
    for (what, fields) in [("many fields", many), ("one field, 8,000 times", remembered)] {
        let mut peer = Peer::connect(server.address).await;
        let head = [get("/tasks/t1"), fields].concat();
        peer.say(HEADERS, END_HEADERS | END_STREAM, 1, &head).await;
        let answer = async {
            loop {
                match peer.next().await {
                    Some(frame) if frame.kind == HEADERS || frame.kind == RST_STREAM => break frame.kind,
                    Some(_) => {}
                    None => break RST_STREAM,
                }
            }
        };
        timeout(PATIENCE, answer).await.unwrap();
        assert!(handler.take().is_empty(), "{what}");
    }
    // With fewer it is read.
    let mut peer = Peer::connect(server.address).await;
    let few: Vec<u8> = (0..200).flat_map(|number| header(&format!("x-{number}"), "y")).collect();
    peer.say(HEADERS, END_HEADERS | END_STREAM, 1, &[get("/tasks/t1"), few].concat()).await;
    timeout(PATIENCE, peer.next_of(HEADERS)).await.unwrap().unwrap();
    assert_eq!(handler.take().len(), 1);
}
