//! Peers that are gone without a word: their system takes no packet any more, and sends none.

use std::future::{Pending, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use a2a_serve::bindings::{RequestLimits, router};
use a2a_server::StaticAgentCard;
use axum::routing::get;
use socket2::{SockFilter, SockRef};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::handler::{Recorder, card};
use super::http2::{DATA, Peer};
use super::serving::{over_http_1, start};

/// What is promised, and what a busy machine may need on top of that.
const NOTICED_WITHIN: Duration = Duration::from_secs(30 + 60);

/// From now on the system drops whatever comes for it, as if it were not there.
fn vanish(stream: &TcpStream) {
    const RETURN: u16 = 6;
    let nothing_of_it = 0;
    SockRef::from(stream).attach_filter(&[SockFilter::new(RETURN, 0, 0, nothing_of_it)]).unwrap();
}

/// An answer that does not come, until nobody waits for it.
struct Waits(Pending<&'static str>, #[expect(dead_code, reason = "held as long as it waits")] Arc<()>);

impl Future for Waits {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<&'static str> {
        Pin::new(&mut self.0).poll(context)
    }
}

#[tokio::test]
async fn a_peer_that_is_gone_without_a_word_is_noticed_within_30_s_on_every_binding() {
    let (handler, waiting) = (Recorder::with_endless_streams(), Arc::new(()));
    let agent =
        router(Arc::clone(&handler), Arc::new(StaticAgentCard::new(card())), &RequestLimits::default());
    let waits = Arc::clone(&waiting);
    let server =
        start(agent.route("/waits", get(move || Waits(pending(), Arc::clone(&waits)))), NOTICED_WITHIN);
    let server = server.await;
    let connect = async || TcpStream::connect(server.address).await.unwrap();

    let rest = "GET /tasks/t1:subscribe HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\n\r\n";
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"SubscribeToTask","params":{"id":"t1"}}"#;
    let head = "POST / HTTP/1.1\r\nhost: x\r\na2a-version: 1.0\r\ncontent-type: application/json\r\n";
    let jsonrpc = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let rest = over_http_1(connect().await, rest).await;
    let jsonrpc = over_http_1(connect().await, &jsonrpc).await;
    let mut grpc = Peer::connect(server.address).await;
    grpc.subscribe(1, "t1").await;
    grpc.next_of(DATA).await.unwrap();
    let mut waits = connect().await;
    waits.write_all(b"GET /waits HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    // One for the route, one here, and one for the request.
    timeout(NOTICED_WITHIN, async {
        while Arc::strong_count(&waiting) < 3 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    assert_eq!(handler.open_streams(), 3);

    let began = Instant::now();
    let gone = [rest, jsonrpc, grpc.0, waits];
    gone.iter().for_each(vanish);
    let open = || handler.open_streams() + Arc::strong_count(&waiting) - 2;
    let all_are_noticed = async {
        while open() > 0 {
            sleep(Duration::from_millis(50)).await;
        }
    };
    let noticed = timeout(NOTICED_WITHIN, all_are_noticed).await;
    assert!(noticed.is_ok(), "{} of {} are still open after {:?}", open(), gone.len(), began.elapsed());
}
