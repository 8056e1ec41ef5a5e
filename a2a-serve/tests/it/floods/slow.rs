//! Thousands of connections that do not get on.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::sleep;

use super::others_do_not_notice;
use crate::http2::{HEADERS, PREFACE, frame, get};
use crate::server;

const CONNECTIONS: usize = 2_000;

/// Lets this process have as many sockets as the system allows it.
fn allow_sockets() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_connections_that_do_not_get_on_are_not_noticed_by_others() {
    allow_sockets();
    let post = "POST /message:send HTTP/1.1\r\nhost: localhost\r\na2a-version: 1.0\r\n";
    let post = format!("{post}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{{");
    let open_head = [PREFACE, &frame(HEADERS, 0, 1, &get("/tasks/t1"))].concat();
    let ways = [b"GET /tasks HTTP/1.1\r\nhost: loc", post.as_bytes(), &PREFACE[..10], PREFACE, &open_head];
    // Where each may be gone on with, byte by byte, without an end.
    let goes_on = [true, true, false, false, false];
    let serving = server::start(|server| server).await;
    let held = Mutex::new(Vec::new());
    others_do_not_notice(&serving, async |address| {
        let mut held = held.lock().await;
        while held.len() < CONNECTIONS {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(ways[held.len() % ways.len()]).await.unwrap();
            held.push(stream);
        }
        for (number, stream) in held.iter_mut().enumerate() {
            if goes_on[number % ways.len()] {
                // Some may have been let go by now.
                let _ = stream.write_all(b" ").await;
            }
        }
        sleep(Duration::from_millis(100)).await;
    })
    .await;
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
}
