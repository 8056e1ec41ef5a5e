//! A place in the fleet: its sockets stay while instances come and go behind them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use a2a::AgentCard;
use a2a_cluster::bindings::{self, Limits};
use a2a_cluster::telemetry::Readiness;
use a2a_cluster::{Cluster, Config};
use a2a_core::{InstanceId, SystemEnv};
use a2a_server::StaticAgentCard;
use axum::Router;
use axum::extract::Request;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, service_fn};

use crate::agent::BuiltIn;
use crate::backends::Backends;
use crate::fleet::StartError;
use crate::principal::Callers;

/// The first wait after an instance could not join; it doubles up to [`LONGEST_WAIT`].
const SHORTEST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How every instance of a seat is made.
#[derive(Debug)]
pub(crate) struct Blueprint {
    /// What clients read about the agent.
    pub(crate) card: AgentCard,
    /// The store and the bus.
    pub(crate) backends: Backends,
    /// Durations, bounds and what becomes of lost tasks.
    pub(crate) config: Config,
    /// How callers are told apart.
    pub(crate) callers: Callers,
    /// Whether webhooks to loopback and private addresses are accepted.
    pub(crate) allow_local_webhooks: bool,
    /// What people and metrics call whoever sits here.
    pub(crate) label: String,
}

impl Blueprint {
    async fn build(&self) -> Result<Occupant, StartError> {
        // An id is used once: others may remember the last one as dead.
        let id = InstanceId::generate(&SystemEnv);
        let agent = Arc::new(BuiltIn::new(Arc::new(SystemEnv)));
        let bus = self.backends.bus(id, &self.label).await.map_err(StartError::Bus)?;
        let store = &self.backends.store;
        let started = Cluster::builder(agent, self.card.clone())
            .tasks(store.clone())
            .membership(self.backends.members.clone())
            .push_configs(store.clone())
            .bus(Arc::clone(&bus))
            .config(self.config.clone())
            .callers(Arc::new(self.callers.clone()))
            .allow_local_webhooks(self.allow_local_webhooks)
            .label(&self.label)
            .start()
            .await;
        let cluster = match started {
            Ok(cluster) => cluster,
            Err(error) => {
                if let Err(left) = bus.close().await {
                    tracing::warn!(error = %left, "an instance that could not join leaves its end of the bus");
                }
                return Err(error.into());
            }
        };
        let limits = Limits::default();
        let card = Arc::new(StaticAgentCard::new(self.card.clone()));
        let http = bindings::http_router(cluster.handler(), card, &limits);
        let grpc = tonic::service::Routes::new(bindings::grpc_service(cluster.handler(), &limits));
        // Without state once here, rather than once per request.
        let (http, grpc) = (http.with_state(()), grpc.into_axum_router().with_state(()));
        Ok(Occupant { cluster, http, grpc })
    }
}

/// The instance that serves now.
#[derive(Debug)]
struct Occupant {
    cluster: Cluster,
    http: Router,
    grpc: Router,
}

/// A seat that an instance has taken.
///
/// An instance that the others have declared dead lets go of its agents and streams; another one, under a new id,
/// takes its place, so that neither process nor sockets have to be replaced.
#[derive(Debug)]
pub(crate) struct Seat {
    blueprint: Blueprint,
    occupant: RwLock<Arc<Occupant>>,
    keeper: TaskTracker,
    leaving: CancellationToken,
}

impl Seat {
    /// Starts an instance and keeps the seat taken from then on.
    ///
    /// # Errors
    ///
    /// A [`StartError`] when the first instance cannot join.
    pub(crate) async fn take(blueprint: Blueprint) -> Result<Arc<Self>, StartError> {
        let occupant = RwLock::new(Arc::new(blueprint.build().await?));
        let (keeper, leaving) = (TaskTracker::new(), CancellationToken::new());
        let seat = Arc::new(Self { blueprint, occupant, keeper, leaving });
        seat.keeper.spawn(Arc::clone(&seat).keep());
        Ok(seat)
    }

    /// The id of the instance that serves now.
    pub(crate) fn id(&self) -> InstanceId {
        self.occupant().cluster.id()
    }

    /// Tells whether a load balancer should send requests here, and why not.
    pub(crate) fn readiness(&self) -> Readiness {
        self.occupant().cluster.readiness()
    }

    /// Routes of both HTTP bindings and the card, to whichever instance serves at that moment.
    pub(crate) fn http(self: &Arc<Self>) -> Router {
        self.routes(|occupant| &occupant.http)
    }

    /// Routes of the gRPC binding, to whichever instance serves at that moment.
    pub(crate) fn grpc(self: &Arc<Self>) -> Router {
        self.routes(|occupant| &occupant.grpc)
    }

    /// Drains the instance and leaves the seat empty. Returns when nothing of it runs any more.
    ///
    /// Idempotent. Not cancel safe: call it again to finish what was dropped.
    pub(crate) async fn leave(&self, grace: Duration) {
        self.leaving.cancel();
        self.occupant().cluster.shutdown(grace).await;
        self.keeper.close();
        self.keeper.wait().await;
        // One that was about to take the seat has taken it meanwhile.
        self.occupant().cluster.shutdown(grace).await;
    }

    fn occupant(&self) -> Arc<Occupant> {
        Arc::clone(&self.occupant.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn routes(self: &Arc<Self>, of: impl Fn(&Occupant) -> &Router + Clone + Send + Sync + 'static) -> Router {
        let seat = Arc::clone(self);
        Router::new()
            .fallback_service(service_fn(move |request: Request| of(&seat.occupant()).clone().call(request)))
    }

    /// Replaces each instance that is evicted, until the seat is left.
    async fn keep(self: Arc<Self>) {
        loop {
            let evicted = self.occupant();
            let stopped = self.leaving.run_until_cancelled(evicted.cluster.stopped()).await;
            if stopped != Some(true) {
                return;
            }
            let id = evicted.cluster.id();
            tracing::warn!(instance = %id, "evicted: its streams end, and a new instance takes its place");
            evicted.cluster.shutdown(Duration::ZERO).await;
            let Some(fresh) = self.rejoin().await else { return };
            tracing::warn!(instance = %fresh.cluster.id(), instead_of = %id, "rejoined under a new id");
            *self.occupant.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        }
    }

    /// Builds the next instance, however long its backends are away; `None` once the seat is left.
    async fn rejoin(&self) -> Option<Occupant> {
        let mut wait = SHORTEST_WAIT;
        while !self.leaving.is_cancelled() {
            match self.blueprint.build().await {
                Ok(occupant) => return Some(occupant),
                Err(error) => {
                    tracing::warn!(%error, ?wait, "cannot rejoin yet");
                    self.leaving.run_until_cancelled(tokio::time::sleep(wait)).await;
                    wait = LONGEST_WAIT.min(wait * 2);
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
