//! A server that runs, and how it ends.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use a2a_cluster::{Cluster, ClusterHandler};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::shown::Shown;
use crate::bindings::{Bounds, Departure, Edge, serve_within};

/// How long before new work is refused clients are told to come by another connection, at most.
const LAST_OF_THE_DELAY: Duration = Duration::from_secs(1);
/// How long answers that are on their way out may take once the instance has stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// A server that runs. Dropped, it stops without a word; [`shutdown`](Serving::shutdown) is the real end.
pub struct Serving {
    cluster: Arc<Cluster>,
    address: SocketAddr,
    grpc_address: Option<SocketAddr>,
    /// Its first step is what `/readyz` tells of.
    departure: Departure,
    tracker: TaskTracker,
    _stop_when_dropped: DropGuard,
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("address", &self.address)
            .field("cluster", &self.cluster)
            .finish_non_exhaustive()
    }
}

impl Serving {
    pub(super) fn start(
        cluster: Arc<Cluster>,
        edge: &Edge<ClusterHandler>,
        bounds: Bounds,
        shown: Shown,
        listener: TcpListener,
        grpc: Option<TcpListener>,
    ) -> io::Result<Self> {
        let (departure, tracker) = (Departure::before(CancellationToken::new()), TaskTracker::new());
        let routes = shown.routes(&cluster, edge, &departure.leaving);
        let address = listener.local_addr()?;
        let grpc_address = grpc.as_ref().map(TcpListener::local_addr).transpose()?;
        if let Some(metrics) = shown.metrics {
            tracker.spawn(departure.closing.clone().run_until_cancelled_owned(metrics.upkeep()));
        }
        for listener in [Some(listener), grpc].into_iter().flatten() {
            let (routes, departure) = (routes.clone(), departure.clone());
            tracker.spawn(async move {
                if let Err(error) = serve_within(bounds, listener, routes, departure, LAST_ANSWERS).await {
                    tracing::error!(%error, "a socket is not served any more");
                }
            });
        }
        let _stop_when_dropped = departure.closing.clone().drop_guard();
        Ok(Serving { cluster, address, grpc_address, departure, tracker, _stop_when_dropped })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for gRPC beside that.
    pub fn grpc_address(&self) -> Option<SocketAddr> {
        self.grpc_address
    }

    /// The instance behind it.
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// Stops: `/readyz` turns at once; new work is taken for `delay`, so that a load balancer has time to see it; then it is
    /// refused, and what runs has `grace` to finish. In the end the sockets close. Idempotent.
    ///
    /// Connections that clients keep end before anything is refused: an HTTP/1 answer says during the delay that its
    /// connection closes, and in the delay's last quarter HTTP/2 clients are told to come by another.
    pub async fn shutdown(&self, delay: Duration, grace: Duration) {
        self.departure.leaving.cancel();
        let last = (delay / 4).min(LAST_OF_THE_DELAY);
        sleep(delay - last).await;
        self.departure.parting.cancel();
        sleep(last).await;
        let left = self.cluster.shutdown(grace).await;
        for task in &left.not_stopped {
            tracing::warn!(%task, "an agent did not stop in time; its task is handed over");
        }
        self.departure.closing.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}
