//! A server that is one of many: from its start to its shutdown.

mod builder;
mod readiness;

use std::sync::Arc;
use std::time::Duration;

use a2a::AgentCard;
use a2a_core::{InstanceId, TaskKey};
use a2a_server::AgentExecutor;
use tokio::time::Instant;

use crate::actor::Actors;
use crate::ground::Setup;
use crate::handler::ClusterHandler;
use crate::instance::{Current, Service};
use crate::{actor, alarm, members};

pub use builder::{ClusterBuilder, StartError};
pub use readiness::{BusState, Readiness, Unready};

/// One running server.
///
/// It serves under an instance id of its own. When others declare that instance dead, it ends and joins again under
/// a new id; the handler stays the same.
///
/// Dropping it stops its background tasks without a word to others; [`Cluster::shutdown`] is the real end.
#[derive(Debug)]
pub struct Cluster {
    current: Arc<Current>,
}

/// What a shutdown left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Tasks that the other instances go on with: agents that had not finished, webhooks that lack something.
    pub handed_over: Vec<TaskKey>,
    /// Tasks whose agents did not stop in time. Their threads may still be busy; nothing more of what they say is
    /// heard. They are handed over, too.
    pub not_stopped: Vec<TaskKey>,
}

impl Cluster {
    /// Begins to put a server together: an agent, its card, then backends.
    pub fn builder(agent: Arc<dyn AgentExecutor>, card: AgentCard) -> ClusterBuilder {
        ClusterBuilder::new(agent, card)
    }

    async fn start(setup: Setup, service: Service) -> Result<Self, StartError> {
        Ok(Cluster { current: Current::start(Arc::new(setup), Arc::new(service)).await? })
    }

    /// The handler to give to the transports.
    pub fn handler(&self) -> Arc<ClusterHandler> {
        Arc::new(ClusterHandler::new(Arc::clone(&self.current)))
    }

    /// The instance id under which this server is a member now. It changes with an eviction.
    pub fn id(&self) -> InstanceId {
        self.current.get().ground.id
    }

    /// Tells whether a load balancer should send requests here, and why not.
    pub fn readiness(&self) -> Readiness {
        Readiness::of(&self.current.get())
    }

    /// Tells whether a load balancer should send requests here.
    pub fn is_ready(&self) -> bool {
        self.readiness().is_ready()
    }

    /// How many agents run here now.
    pub fn running(&self) -> usize {
        self.current.get().actors.running()
    }

    /// How many tasks have streams open here now.
    pub fn streaming(&self) -> usize {
        self.current.get().actors.streaming()
    }

    /// Takes no new work from now on, and ends streams of parked tasks. What runs goes on until
    /// [`shutdown`](Cluster::shutdown). Idempotent.
    pub fn drain(&self) {
        // Should it be evicted now, there is nothing to join again for.
        self.current.end();
        self.current.get().ground.stop.draining.cancel();
    }

    /// Stops: no new work at once; running agents, webhooks that lack something, and streams get `grace` to finish, but
    /// for streams of parked tasks, which end at once; what is left of agents is failed with a clear status, or handed
    /// over to others where the configuration says so; what is left for webhooks is handed over; what is left of streams
    /// ends with an error that may be retried; the bus closes; the membership record goes.
    ///
    /// Returns at the latest after `grace` and [`Config::shutdown_limit`](crate::Config::shutdown_limit), and says
    /// what it left. An agent that blocks its thread cannot be stopped by anyone: await this in `block_on` of a
    /// runtime with several threads, and end the runtime with `shutdown_background`.
    ///
    /// Idempotent. Not cancel safe: call it again to finish a shutdown that was dropped.
    pub async fn shutdown(&self, grace: Duration) -> Leftovers {
        self.current.end();
        let instance = self.current.get();
        let limit = instance.ground.config.shutdown_limit;
        let last = Instant::now() + grace + limit;
        instance.ground.stop.draining.cancel();
        // Whether they finish in time or not, what is left is stopped next.
        let _ = alarm::until(last - limit, async {
            instance.actors.drained().await;
            instance.dispatchers.drained().await;
            instance.actors.streams_ended().await;
        })
        .await;
        instance.ground.stop.stopping.cancel();
        // From here: where agents block every worker, nobody else would tell them.
        actor::stop_all(&instance.actors);
        // Three fifths of the limit for agents' last commits, one for what runs in the background, one to leave.
        let _ = alarm::until(last - limit * 2 / 5, instance.actors.drained()).await;
        // Whoever still waits for the store is cut short; only what blocks its thread goes on.
        instance.ground.stop.closing.cancel();
        instance.ground.tracker.close();
        let _ = alarm::until(last - limit / 5, async {
            instance.ground.tracker.wait().await;
            self.current.ended().await;
        })
        .await;
        let not_stopped = Actors::end(&instance.actors);
        let leave = members::leave(&instance.members, &not_stopped, last);
        let (handed_over, ()) = tokio::join!(leave, members::unwatch_all(&instance.members, last));
        tracing::info!(
            instance = %instance.ground.id,
            handed_over = handed_over.len(),
            not_stopped = not_stopped.len(),
            "the instance has shut down"
        );
        Leftovers { handed_over, not_stopped }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.current.end();
        self.current.get().ground.abandon();
    }
}
