//! Streams of HTTP/2 that their peer allows without end, and does not read.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::floods::PATIENCE;
use crate::handler::Recorder;
use crate::http2::{HEADERS, Peer};
use crate::serving::start;
use crate::wire::router;

const STREAMS: u32 = 100;
/// What may wait for each of them: the bound, and what is on its way there.
const EACH: usize = 96 * 1024;
/// What the systems of both ends may keep of a connection.
const SYSTEMS: usize = 6 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_streams_that_nobody_reads_little_waits() {
    let handler = Recorder::with_talkative_streams();
    let server = start(router(&handler), Duration::ZERO).await;
    let mut silent = Peer::with_window(server.address, i32::MAX as u32).await;
    for number in 0..STREAMS {
        let stream = 2 * number + 1;
        if number % 2 == 0 {
            silent.ask(stream, "/tasks/t1:subscribe").await;
        } else {
            silent.subscribe(stream, "t1").await;
        }
    }
    // They are full once they say no more while others are answered.
    let mut other = Peer::connect(server.address).await;
    let (mut asked, mut before) = (0, usize::MAX);
    let full = async {
        while before != handler.said() {
            before = handler.said();
            for _ in 0..20 {
                asked += 1;
                other.ask(2 * asked + 1, "/tasks/t1").await;
                other.next_of(HEADERS).await.unwrap();
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, full).await.unwrap();
    let most = SYSTEMS + STREAMS as usize * EACH;
    assert!(
        handler.said() > STREAMS as usize * 1024 && handler.said() < most,
        "{} of {most}",
        handler.said()
    );
}
