//! What one peer does to a server in bulk, and others do not notice.

mod headers;
mod resets;
mod slow;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_serve::Serving;
use a2a_testworld::Binding;
use a2a_testworld::client::{card_at, connect};
use a2a_testworld::world::{expect_task, get, request};
use futures::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::time::{sleep, timeout};

use super::http2::Peer;

/// After so long others count as hanging: many times what they need.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// So many requests of each binding are answered meanwhile.
const REQUESTS: usize = 50;
/// So many events of each stream arrive meanwhile.
const EVENTS: usize = 50;

/// Attacks a server again and again, for as long as others are served by it once the first attack is done: their requests, on all
/// bindings, and streams that they had opened before.
async fn others_do_not_notice(serving: &Serving, attack: impl AsyncFn(SocketAddr)) {
    let card = card_at(&format!("http://{}", serving.address())).await;
    let mut others = Vec::new();
    for binding in Binding::ALL {
        let client = connect(&card, binding, None).await.unwrap();
        let talks = request("do work; talk 0 10");
        let mut events = timeout(PATIENCE, client.send_streaming_message(&talks)).await.unwrap().unwrap();
        assert!(events.next().await.unwrap().is_ok());
        others.push((binding, client, events));
    }
    let attacks = AtomicUsize::new(0);
    let served = async {
        while attacks.load(Ordering::Relaxed) == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        for (binding, client, events) in &mut others {
            for _ in 0..REQUESTS {
                let sent = expect_task(client.send_message(&request("echo hello")).await.unwrap());
                assert_eq!(client.get_task(&get(&sent.id)).await.unwrap().id, sent.id, "{binding:?}");
            }
            for _ in 0..EVENTS {
                assert!(events.next().await.unwrap().is_ok(), "{binding:?}");
            }
        }
    };
    let attacked = async {
        loop {
            attack(serving.address()).await;
            attacks.fetch_add(1, Ordering::Relaxed);
        }
    };
    tokio::select! {
        served = timeout(PATIENCE, served) => assert!(served.is_ok(), "others are not served any more"),
        () = attacked => {}
    }
}

/// Says this again and again until the server closes the connection. Returns how many bytes were taken.
async fn until_closed(peer: &mut Peer, first: &[u8], again: &[u8]) -> usize {
    let mut taken = 0;
    let mut next = first;
    let closing = async {
        // The system takes some after the server has closed.
        while peer.0.write_all(next).await.is_ok() {
            taken += next.len();
            next = again;
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, closing).await.expect("the server closes the connection");
    taken
}
