//! The courier of one task: it keeps a route to each webhook, and leaves when all have arrived.
//!
//! Its service in four steps: it *reads* the task's configs, when it is called and now and then; it *opens*
//! and closes routes accordingly; once no agent works on the task here, it *asks* the store whether the task
//! is still this instance's; and when everything is delivered, it *releases* the task and leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use a2a_core::{PushSubscription, TaskKey};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::couriers::{Couriers, Post};
use super::route::{Milestone, Progress, Route};
use crate::actor::core::{Actor, Input};
use crate::actor::{Handle, drive};
use crate::ground::{Chain, Listener};

/// Whose task it is, once no agent works on it here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// This instance is recorded.
    Us,
    /// Nobody: whoever has something to deliver does.
    Nobody,
    /// Another instance, which delivers from now on.
    Another,
    /// The task was never made, or is gone.
    NoTask,
}

/// A route that is open.
struct Open {
    subscription: PushSubscription,
    milestone: Arc<Milestone>,
    /// Closes the route when dropped.
    _route: DropGuard,
}

/// The courier of one task.
pub(super) struct Courier {
    couriers: Arc<Couriers>,
    key: TaskKey,
    post: Arc<Post>,
    number: u64,
    actor: Arc<Handle>,
    progress: Listener,
    /// An agent runs here: the ring has the task's version.
    ring_is_current: bool,
    routes: BTreeMap<String, Open>,
    /// The calls that were answered by reading the configs.
    served: Option<u64>,
    /// When the configs are to be read again.
    stale_at: Instant,
    owner: Option<Owner>,
    knows_of_stop: bool,
}

impl Courier {
    pub(super) fn new(couriers: &Arc<Couriers>, key: &TaskKey, number: u64, post: Arc<Post>) -> Self {
        let actor = couriers.actors.tell(key, Input::Attended(number));
        // Read after that: what is committed from now on is in the ring.
        let ring_is_current = actor.look(Actor::is_running).unwrap_or(false);
        Courier {
            couriers: Arc::clone(couriers),
            key: key.clone(),
            post,
            number,
            progress: actor.progress(),
            actor,
            ring_is_current,
            routes: BTreeMap::new(),
            served: None,
            stale_at: Instant::now(),
            owner: None,
            knows_of_stop: false,
        }
    }

    /// Serves until everything is delivered, or it is not this instance's to deliver. Where the instance closes
    /// first, the post stays occupied: a run that ends only now keeps the executor recorded, by which survivors
    /// find what is pending.
    pub(super) async fn serve(mut self) {
        let closing = self.couriers.ground.stop.closing.clone();
        closing.run_until_cancelled(self.work()).await;
    }

    async fn work(&mut self) {
        loop {
            self.keep_up().await;
            self.progress.mark_heard();
            let runs = self.agent_runs();
            let done = if runs {
                self.owner = None;
                self.has_read() && self.routes.is_empty() && self.dismissed()
            } else {
                self.conclude().await
            };
            if done {
                return;
            }
            self.wait(runs).await;
        }
    }

    /// Tells whether an agent works on the task here.
    fn agent_runs(&self) -> bool {
        self.actor.look(Actor::is_running).unwrap_or(false)
    }

    /// Waits until something may have changed.
    async fn wait(&mut self, runs: bool) {
        let knows_whose = runs || self.owner.is_some();
        let wants_to_read = !self.has_read() || self.is_busy();
        let due = match (knows_whose, wants_to_read) {
            (false, _) => Some(Instant::now() + self.couriers.ground.config.retry_max),
            (true, true) => Some(self.stale_at),
            (true, false) => None,
        };
        let actor = Arc::clone(&self.actor);
        let progress = &mut self.progress;
        let changed = async {
            loop {
                progress.given().await;
                if actor.look(Actor::is_running).unwrap_or(false) != runs {
                    return;
                }
            }
        };
        let stopping = &self.couriers.ground.stop.stopping;
        tokio::select! {
            biased;
            () = self.post.wake.notified() => {}
            () = changed => {}
            // An evicted instance asks once more whose the task is.
            () = stopping.cancelled(), if !self.knows_of_stop => {
                self.knows_of_stop = true;
                self.owner = None;
            }
            () = at(due) => {}
        }
    }

    /// Reads the task's configs where that was asked for, or was long ago; opens and closes routes.
    async fn keep_up(&mut self) {
        let (calls, anew) = self.post.take_calls();
        let is_stale = self.is_busy() && self.stale_at <= Instant::now();
        if self.served == Some(calls) && !is_stale {
            return;
        }
        if anew {
            self.routes.retain(|_, open| open.milestone.get() != Progress::GivenUp);
        }
        let couriers = &self.couriers;
        let listed =
            couriers.ground.retry_for_request().run(|| couriers.ground.push.list_configs(&self.key)).await;
        self.stale_at = Instant::now() + couriers.ground.config.silence_max;
        match listed {
            Ok(listed) => {
                self.served = Some(calls);
                self.owner = None;
                self.open_and_close(listed);
            }
            Err(error) => {
                tracing::warn!(task = %self.key, error = %Chain(&error), "a task's webhooks cannot be read yet");
            }
        }
    }

    fn open_and_close(&mut self, listed: Vec<PushSubscription>) {
        let mut before = std::mem::take(&mut self.routes);
        for subscription in listed {
            let id = subscription.config.id.clone().unwrap_or_default();
            let known = before.remove(&id).filter(|open| open.subscription.config == subscription.config);
            let open = known.unwrap_or_else(|| self.open(subscription));
            self.routes.insert(id, open);
        }
    }

    fn open(&self, subscription: PushSubscription) -> Open {
        let milestone = Arc::new(Milestone::new(Arc::clone(&self.post.wake)));
        let route = Route::new(
            &self.couriers,
            &self.actor,
            self.ring_is_current,
            &subscription,
            Arc::clone(&milestone),
        );
        let closed = CancellationToken::new();
        let guard = closed.clone().drop_guard();
        self.couriers.ground.tracker.spawn(async move { closed.run_until_cancelled(route.travel()).await });
        Open { subscription, milestone, _route: guard }
    }

    /// Whether the configs were read since the courier was called last.
    fn has_read(&self) -> bool {
        self.served == Some(self.post.calls())
    }

    fn is_busy(&self) -> bool {
        self.routes.values().any(|open| open.milestone.get() == Progress::Busy)
    }

    /// Whether every webhook has everything, or is given up.
    fn has_arrived(&self) -> bool {
        let head = self.actor.look(|actor| actor.ring().head()).unwrap_or_default();
        self.has_read()
            && self.routes.values().all(|open| match open.milestone.get() {
                Progress::Busy => false,
                Progress::CaughtUp(version) => version >= head,
                Progress::GivenUp => true,
            })
    }

    /// No agent works on the task here. Returns whether the courier is done.
    async fn conclude(&mut self) -> bool {
        if self.owner.is_none() {
            self.owner = self.ask_whose().await;
        }
        match self.owner {
            None => false,
            // Once everything is delivered, the actor releases its claim.
            Some(Owner::Us | Owner::Nobody) => self.has_arrived() && !self.agent_runs() && self.dismissed(),
            Some(Owner::Another) => {
                self.routes.clear();
                self.dismissed()
            }
            Some(Owner::NoTask) => self.forget_configs().await && self.dismissed(),
        }
    }

    async fn ask_whose(&self) -> Option<Owner> {
        let Courier { couriers, key, .. } = self;
        match couriers.ground.retry_for_request().run(|| couriers.ground.tasks.head(key)).await {
            Ok(None) => Some(Owner::NoTask),
            Ok(Some(head)) => Some(match head.claim {
                None => Owner::Nobody,
                Some(claim) if claim.instance == couriers.ground.id => Owner::Us,
                Some(_) => Owner::Another,
            }),
            Err(error) => {
                tracing::debug!(task = %key, error = %Chain(&error), "a courier waits for the store");
                None
            }
        }
    }

    /// The agent answered with a message only: the config that came with the request is for no task.
    async fn forget_configs(&mut self) -> bool {
        let Courier { couriers, key, .. } = self;
        for id in self.routes.keys() {
            let remove = || couriers.ground.push.remove_config(key, id);
            if let Err(error) = couriers.ground.retry_for_request().run(remove).await {
                tracing::debug!(task = %key, error = %Chain(&error), "a config without a task stays for now");
                self.owner = None;
                return false;
            }
        }
        self.routes.clear();
        true
    }

    /// Ends this courier's service, unless there is something to do again; tells the actor.
    fn dismissed(&self) -> bool {
        let Some(served) = self.served else { return false };
        let dismissed = self.couriers.dismiss(&self.key, &self.post, served);
        if dismissed {
            drive(&self.couriers.actors, &self.actor, Input::Delivered(self.number));
        }
        dismissed
    }
}

/// Completes at an instant, or never.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
