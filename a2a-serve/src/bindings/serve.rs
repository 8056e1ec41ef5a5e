//! Puts a router on a socket, and takes it off again without leaving anything behind.

use std::io;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The first wait after a failed accept; it doubles up to [`LONGEST_WAIT`].
const SHORTEST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Serves `router` over HTTP/1.1 and, without TLS, HTTP/2 (which gRPC needs) until `shutdown` is cancelled.
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
    let address = listener.local_addr()?;
    // Once here rather than once per request.
    let router = router.with_state(());
    let connections = Connections { tracker: TaskTracker::new(), shutdown, cut: CancellationToken::new() };
    let _cut_when_dropped = connections.cut.clone().drop_guard();
    tracing::debug!(%address, "serving");

    let accepting = connections.shutdown.clone();
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
    shutdown: CancellationToken,
    /// Stop.
    cut: CancellationToken,
}

impl Connections {
    async fn accept(&self, listener: TcpListener, router: &Router) {
        let mut wait = SHORTEST_WAIT;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    wait = SHORTEST_WAIT;
                    self.open(stream, router.clone());
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

    fn open(&self, stream: TcpStream, router: Router) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot turn Nagle's algorithm off");
        }
        let shutdown = self.shutdown.clone();
        let server = Builder::new(self.clone());
        self.run(async move {
            let service = TowerToHyperService::new(router);
            let connection = server.serve_connection(TokioIo::new(stream), service);
            let mut connection = std::pin::pin!(connection);
            let served = tokio::select! {
                biased;
                served = connection.as_mut() => served,
                () = shutdown.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = served {
                tracing::debug!(%error, "connection ended");
            }
        });
    }

    fn run<F>(&self, work: F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let cut = self.cut.clone();
        self.tracker.spawn(async move { cut.run_until_cancelled(work).await.map(drop) });
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
