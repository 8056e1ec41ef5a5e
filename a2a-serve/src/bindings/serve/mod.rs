//! Puts a router on a socket, and takes it off again without leaving anything behind.

mod departure;
mod http1;
mod open_requests;
mod reserved;
mod slots;
mod socket;

use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use futures::TryFutureExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::departure::Departure;
use self::open_requests::{Answering, OpenRequests};
use self::reserved::{health_only, live_in};
pub(crate) use self::slots::Bounds;
use self::slots::{Slot, Slots};
use self::socket::Socket;
#[cfg(target_os = "linux")]
use super::sse::KEEP_ALIVE;
use super::unsent::Unsent;

/// For how long a peer may say nothing at first.
const PREFACE_PATIENCE: Duration = Duration::from_secs(10);
/// How many bytes of an HTTP/2 stream wait for their connection.
const UNSENT: usize = 64 * 1024;
/// How often an HTTP/2 peer is asked whether it lives: proxies cut what is silent, at 60 s and more.
const PING_EVERY: Duration = Duration::from_secs(15);
/// How long it may take to answer.
const PING_PATIENCE: Duration = Duration::from_secs(10);
/// The most that the head of an HTTP/1 request may take, in bytes. It is also the most that is read, or written, at once.
const HEAD: usize = 64 * 1024;
/// The most that the headers of one HTTP/2 request may take, in bytes.
const HEADERS: u32 = 16 * 1024;
/// After so much silence the system asks a peer whether it lives, at such intervals, so often: one question that is lost ends nothing.
const PROBES: (Duration, Duration, u32) = (Duration::from_secs(5), Duration::from_secs(4), 3);
/// For how long what was sent may stay unacknowledged: while something is, the system does not probe. A silent stream is sent a comment
/// after 15 s.
#[cfg(target_os = "linux")]
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(14);
/// Within this time it is noticed that a peer is gone.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);
#[cfg(target_os = "linux")]
const _: () = assert!(KEEP_ALIVE.as_secs() + ACKNOWLEDGED_WITHIN.as_secs() < NOTICED_WITHIN.as_secs());
// Linux counts no probes where there is this limit: it ends a connection with the first one after so much silence.
#[cfg(target_os = "linux")]
const _: () = assert!(
    PROBES.0.as_secs() + PROBES.1.as_secs() * (PROBES.2 as u64 - 1) < ACKNOWLEDGED_WITHIN.as_secs(),
    "a peer is gone before it was asked so often"
);
const _: () = assert!(PING_EVERY.as_secs() + PING_PATIENCE.as_secs() < NOTICED_WITHIN.as_secs());

/// The first wait where nothing can be waited for, after a failed accept for instance; it doubles up to [`LONGEST_WAIT`].
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Serves `router` over HTTP/1.1 and, without TLS, HTTP/2 (which gRPC needs) until `shutdown` is cancelled.
///
/// A peer that says nothing is let go after 10 s, a connection without an open request after 75 s, a peer that is gone without a word within
/// 30 s, and so is one that takes nothing of what it is sent; one that has not taken an answer of the bindings after 60 s, too. An HTTP/2 connection is asked every 15 s whether it lives, and may
/// have 10,000 streams open. 10,000 connections may be open; 64 more are taken for whoever asks after the health, for one request
/// and 5 s each, and the oldest of them gives way to a newcomer. A request of HTTP/1.1 that does not name one host is answered 400, one of gRPC 505.
///
/// `TCP_NODELAY` is on. A stream's head and its first events leave as separate small segments; Nagle's algorithm
/// holds the second one back until the first is acknowledged, and the client's kernel delays that by up
/// to 40 ms: 44 ms were measured for a stream that needs less than one.
///
/// On `shutdown` the listener closes at once and idle connections with it. Requests and streams in flight may go on for
/// `grace`; streams do not end by themselves, so whoever feeds them ends them meanwhile. What is left after that is cut
/// off. When this returns, no connection is open and no task of it runs.
///
/// # Errors
/// Those of reading the listener's address, before anything is served. A failed accept (no file descriptors left) is
/// logged and tried again.
///
/// # Cancel safety
/// Dropping the future cuts every connection off without grace.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    serve_within(Bounds::default(), listener, router, Departure::before(shutdown), grace).await
}

/// See [`serve`]; in steps.
pub(crate) async fn serve_within(
    bounds: Bounds,
    listener: TcpListener,
    router: Router,
    departure: Departure,
    grace: Duration,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    // Once here rather than once per request.
    let router = router.with_state(());
    let connections = Connections {
        tracker: TaskTracker::new(),
        departure,
        cut: CancellationToken::new(),
        slots: Slots::new(bounds),
        streams: bounds.streams,
        idle: bounds.idle,
    };
    let _cut_when_dropped = connections.cut.clone().drop_guard();
    tracing::debug!(%address, "serving");

    let accepting = connections.departure.closing.clone();
    accepting.run_until_cancelled(connections.accept(listener, &router)).await;

    connections.tracker.close();
    if tokio::time::timeout(grace, connections.tracker.wait()).await.is_err() {
        tracing::debug!(%address, left = connections.tracker.len(), "cutting connections off");
        connections.cut.cancel();
        connections.tracker.wait().await;
    }
    Ok(())
}

/// The open connections of one listener, and what they may still do.
#[derive(Clone)]
struct Connections {
    tracker: TaskTracker,
    /// Finish what is in flight.
    departure: Departure,
    /// Stop.
    cut: CancellationToken,
    slots: Slots,
    /// How many streams one HTTP/2 connection may have open.
    streams: u32,
    /// For how long a connection may have none, or take for the head of a request.
    idle: Duration,
}

impl Connections {
    async fn accept(&self, listener: TcpListener, router: &Router) {
        let mut wait = SHORTEST_WAIT;
        let health_only = health_only(router);
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    wait = SHORTEST_WAIT;
                    let slot = self.slots.take(peer.ip().to_canonical());
                    let router = if slot.is_reserved() { &health_only } else { router };
                    self.open(stream, slot, router.clone());
                }
                Err(error) if ends_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections");
                    tokio::time::sleep(wait).await;
                    wait = LONGEST_WAIT.min(wait * 2);
                }
            }
        }
    }

    fn open(&self, stream: TcpStream, slot: Slot, router: Router) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot turn Nagle's algorithm off");
        }
        if let Err(error) = notice_absence(&stream) {
            tracing::debug!(%error, "cannot ask the system to look after a peer");
        }
        let connection = self.clone().serve(stream, router, slot.is_reserved());
        self.run(live_in(slot, connection));
    }

    /// Serves one connection, or, with `is_brief`, one request of it.
    async fn serve(self, stream: TcpStream, router: Router, is_brief: bool) {
        let departure = if is_brief { self.departure.of_one_request() } else { self.departure.clone() };
        // Who has said nothing yet is idle: nothing is lost if it is let go.
        let said = departure.closing.run_until_cancelled(timeout(PREFACE_PATIENCE, preface(&stream))).await;
        let Some(Ok(protocol)) = said else {
            tracing::debug!("a peer said nothing");
            return;
        };
        let unsent = Unsent::default();
        let waiting = unsent.clone();
        let requests = OpenRequests::new();
        let asked = requests.clone();
        let end = departure.of_a_connection().clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            if is_brief {
                departure.parting.cancel();
            }
            request.extensions_mut().insert(waiting.clone());
            let request_is_open = asked.one();
            let answer = departure.clone().answer(router.clone(), request);
            answer.map_ok(|answer| answer.map(|body| Answering { body, _request: request_is_open }))
        });
        let server = self.server();
        let (socket, absence) = Socket::new(stream);
        let connection = server.serve_connection(TokioIo::new(socket), service);
        let mut connection = std::pin::pin!(connection);
        let idle = async {
            match protocol {
                Protocol::Http2 => requests.none_for(self.idle).await,
                // Who waits for the head of a request knows when the last answer was sent.
                Protocol::Http1 => std::future::pending().await,
            }
        };
        let served = async {
            tokio::select! {
                biased;
                served = connection.as_mut() => return served,
                () = end.cancelled() => {}
                () = idle => {}
            }
            connection.as_mut().graceful_shutdown();
            connection.await
        };
        let why = tokio::select! {
            biased;
            served = served => served.err().map(|error| format!("{error}")),
            () = unsent.overdue() => Some("the peer takes no answer".to_owned()),
            () = absence.told() => Some("the peer is gone".to_owned()),
        };
        if let Some(why) = why {
            tracing::debug!(why, "connection ended");
        }
    }

    fn server(&self) -> Builder<Self> {
        let mut server = Builder::new(self.clone());
        // A client that has sent its request, and says that nothing more will come, waits for the answer (RFC 9112, section 9.6).
        server
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.idle)
            .half_close(true)
            .max_buf_size(HEAD);
        server
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_PATIENCE)
            .max_concurrent_streams(self.streams)
            .max_send_buf_size(UNSENT)
            .max_header_list_size(HEADERS);
        server
    }

    fn run<F>(&self, work: F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let cut = self.cut.clone();
        self.tracker.spawn(async move { cut.run_until_cancelled(work).await.map(drop) });
    }
}

/// Lets the system notice a peer that is gone without a word, within half a minute.
fn notice_absence(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    let (after, every, probes) = PROBES;
    let keep_alive = TcpKeepalive::new().with_time(after).with_interval(every).with_retries(probes);
    socket.set_tcp_keepalive(&keep_alive)?;
    // Probes are for silence only: what is sent to somebody who is gone would be repeated for a quarter of an hour.
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(ACKNOWLEDGED_WITHIN))?;
    Ok(())
}

/// What an HTTP/2 client says first. Whoever says something else speaks HTTP/1.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What a peer speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

/// Waits until it is clear which protocol a peer speaks: whoever serves it then waits for the rest with bounds of its own.
async fn preface(stream: &TcpStream) -> Protocol {
    let mut start = [0; PREFACE.len()];
    let mut wait = SHORTEST_WAIT;
    loop {
        match stream.peek(&mut start).await {
            Ok(read)
                if read > 0
                    && read < PREFACE.len()
                    && PREFACE.starts_with(start.get(..read).unwrap_or_default()) =>
            {
                // Nothing tells of more bytes while these are not taken. Thousands may wait so, and are not to keep a core busy.
                sleep(wait).await;
                wait = LONGEST_WAIT.min(wait * 2);
            }
            Ok(read) if read == PREFACE.len() && start == PREFACE => return Protocol::Http2,
            // Whatever went wrong, the server meets it, too.
            _ => return Protocol::Http1,
        }
    }
}

/// HTTP/2 serves each request of a connection in a task.
impl<F> hyper::rt::Executor<F> for Connections
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, work: F) {
        self.run(work);
    }
}

/// Whether a failed accept concerns only the peer that was about to be accepted.
fn ends_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
