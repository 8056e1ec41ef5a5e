//! The dispatcher of one task: it keeps a delivery to each webhook, and leaves when all have arrived.
//!
//! Its service in four steps: it *reads* the task's configs, when it is called and now and then; it *opens*
//! and closes deliveries accordingly; once no agent works on the task here, it *asks* the store whether the task
//! is still this instance's; and when everything is delivered, it *releases* the task and leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use a2a_core::{ConfigRevision, InstanceId, News, PushSubscription, TaskKey, Version};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::delivery::Delivery;
use super::progress::{Ended, Progress, Stage};
use super::registry::{Dispatchers, Mailbox};
use super::shares::Owner;
use crate::actor::core::{Actor, Input};
use crate::actor::{Handle, drive};
use crate::ground::{Chain, Listener, warn_of};

/// Whose task it is, once no agent works on it here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// This instance is recorded.
    Us,
    /// Nobody: whoever has something to deliver does.
    Nobody,
    /// Another instance, which delivers from now on.
    Another(InstanceId),
    /// The task was never made, or is gone.
    NoTask,
}

/// A delivery that is under way.
struct Open {
    revision: ConfigRevision,
    progress: Arc<Progress>,
    /// Another one has begun: until then this one leaves the webhook to that, unless the task turns out to be its own.
    yields_until: Option<Instant>,
    /// Ends it when dropped.
    _delivery: DropGuard,
}

/// The dispatcher of one task.
pub(super) struct Dispatcher {
    dispatchers: Arc<Dispatchers>,
    key: TaskKey,
    mailbox: Arc<Mailbox>,
    number: u64,
    actor: Arc<Handle>,
    progress: Listener,
    /// An agent runs here: the ring has the task's version.
    ring_is_current: bool,
    deliveries: BTreeMap<String, Open>,
    /// The calls that were answered by reading the configs.
    served: Option<u64>,
    /// When the configs are to be read again.
    stale_at: Instant,
    owner: Option<Whose>,
    /// Whose share of all calls these are, once it is known.
    caller: Option<Owner>,
    knows_of_stop: bool,
}

impl Dispatcher {
    pub(super) fn new(
        dispatchers: &Arc<Dispatchers>,
        key: &TaskKey,
        number: u64,
        mailbox: Arc<Mailbox>,
    ) -> Self {
        let actor = dispatchers.actors.tell(key, Input::Attended(number));
        // Read after that: what is committed from now on is in the ring.
        let ring_is_current = actor.look(Actor::is_running).unwrap_or(false);
        Dispatcher {
            dispatchers: Arc::clone(dispatchers),
            key: key.clone(),
            mailbox,
            number,
            progress: actor.progress(),
            actor,
            ring_is_current,
            deliveries: BTreeMap::new(),
            served: None,
            stale_at: Instant::now(),
            owner: None,
            caller: None,
            knows_of_stop: false,
        }
    }

    /// Serves until everything is delivered, or it is not this instance's to deliver. Where the instance closes
    /// first, its place stays occupied: a run that ends only now keeps the executor recorded, by which survivors
    /// find what is pending.
    pub(super) async fn serve(mut self) {
        let closing = self.dispatchers.ground.stop.closing.clone();
        closing.run_until_cancelled(self.work()).await;
    }

    async fn work(&mut self) {
        loop {
            self.keep_up().await;
            self.progress.mark_heard();
            let runs = self.agent_runs();
            let done = if runs {
                self.owner = None;
                self.has_read() && self.deliveries.is_empty() && self.dismissed()
            } else {
                self.conclude().await
            };
            if done {
                return;
            }
            self.dispatchers.is_away(&self.mailbox, !runs && self.is_away());
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
            (false, _) => Some(Instant::now() + self.dispatchers.ground.config.retry_max),
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
        let stopping = &self.dispatchers.ground.stop.stopping;
        tokio::select! {
            biased;
            () = self.mailbox.wake.notified() => {}
            () = changed => {}
            // An evicted instance asks once more whose the task is.
            () = stopping.cancelled(), if !self.knows_of_stop => {
                self.knows_of_stop = true;
                self.owner = None;
            }
            () = at(due) => {}
        }
    }

    /// Reads the task's configs where that was asked for, or was long ago; opens and closes deliveries.
    async fn keep_up(&mut self) {
        let calls = self.mailbox.calls();
        let is_stale = self.is_busy() && self.stale_at <= Instant::now();
        if self.close_ended() {
            self.served = None;
        }
        if self.served == Some(calls) && !is_stale {
            return;
        }
        let dispatchers = &self.dispatchers;
        let listed = dispatchers
            .ground
            .retry_for_request()
            .run(|| dispatchers.ground.push.list_configs(&self.key))
            .await;
        self.stale_at = Instant::now() + dispatchers.ground.config.silence_max;
        match listed {
            Ok(listed) => {
                let Some(caller) = self.caller().await else { return };
                self.owner = if self.is_displaced() { self.ask_whose().await } else { None };
                self.served = Some(calls);
                self.open_and_close(listed, &caller);
            }
            Err(error) => {
                warn_of!(error, task = %self.key, error = %Chain(&error), "a task's webhooks cannot be read yet");
            }
        }
    }

    /// Closes what was given up in an earlier turn: a later one tries it again. Takes note of what another instance delivers.
    /// Tells whether the configs are to be read.
    fn close_ended(&mut self) -> bool {
        let (head, before, now) = (self.head(), self.deliveries.len(), Instant::now());
        self.deliveries.retain(
            |_, open| !matches!(open.progress.get(), Stage::Ended(Ended::GivenUp(version)) if version < head),
        );
        let config = &self.dispatchers.ground.config;
        // By then the other one has told something, if it is still there.
        let later = now + config.silence_max + config.webhooks.timeout;
        let mut is_due = self.deliveries.len() < before;
        for open in self.deliveries.values_mut() {
            if open.progress.get() == Stage::Ended(Ended::Displaced) {
                is_due |= open.yields_until.is_none_or(|until| until <= now);
                open.yields_until.get_or_insert(later);
            }
        }
        is_due
    }

    /// Whose share of all calls these are: whoever created the task.
    async fn caller(&mut self) -> Option<Owner> {
        if let Some(known) = &self.caller {
            return Some(known.clone());
        }
        let running = self.actor.look(|actor| actor.is_running().then(|| actor.principal())).flatten();
        let principal = if let Some(principal) = running {
            principal
        } else {
            let ground = &self.dispatchers.ground;
            let head = ground.retry_for_request().run(|| ground.tasks.head(&self.key)).await;
            head.ok()?.and_then(|head| head.principal)
        };
        self.caller = Some(Owner::of(&self.key.tenant, principal));
        self.caller.clone()
    }

    fn open_and_close(&mut self, listed: Vec<PushSubscription>, caller: &Owner) {
        let mut before = std::mem::take(&mut self.deliveries);
        let (now, owner) = (Instant::now(), self.owner);
        let begins_again = |open: &Open| match (open.yields_until, owner) {
            (None, _) | (_, None | Some(Whose::Another(_))) => false,
            (_, Some(Whose::Us)) => true,
            (Some(until), Some(Whose::Nobody | Whose::NoTask)) => until <= now,
        };
        for subscription in listed {
            let id = subscription.config.id.clone().unwrap_or_default();
            let known = before.remove(&id);
            let known = known.filter(|open| open.revision == subscription.revision && !begins_again(open));
            let open = known.unwrap_or_else(|| self.open(subscription, caller));
            self.deliveries.insert(id, open);
        }
    }

    fn open(&self, subscription: PushSubscription, caller: &Owner) -> Open {
        let progress = Arc::new(Progress::new(Arc::clone(&self.mailbox.wake)));
        let delivery = Delivery::new(
            &self.dispatchers,
            caller,
            &self.actor,
            self.ring_is_current,
            &subscription,
            Arc::clone(&progress),
        );
        let closed = CancellationToken::new();
        let guard = closed.clone().drop_guard();
        self.dispatchers
            .ground
            .tracker
            .spawn(async move { closed.run_until_cancelled(delivery.run()).await });
        Open { revision: subscription.revision, progress, yields_until: None, _delivery: guard }
    }

    /// The last version that is known here.
    fn head(&self) -> Version {
        self.actor.look(|actor| actor.ring().head()).unwrap_or_default()
    }

    /// Whether the configs were read since the dispatcher was called last.
    fn has_read(&self) -> bool {
        self.served == Some(self.mailbox.calls())
    }

    fn is_busy(&self) -> bool {
        self.has(Stage::Busy) || self.has(Stage::Away) || self.is_displaced()
    }

    /// Whether another instance delivers something that this one delivered.
    fn is_displaced(&self) -> bool {
        self.has(Stage::Ended(Ended::Displaced))
    }

    /// Whether nothing is waited for but webhooks that are away, or are told by another instance.
    fn is_away(&self) -> bool {
        self.has_read() && self.is_busy() && !self.has(Stage::Busy)
    }

    fn has(&self, stage: Stage) -> bool {
        self.deliveries.values().any(|open| open.progress.get() == stage)
    }

    /// Whether every webhook has everything, or is given up.
    fn has_arrived(&self) -> bool {
        let head = self.head();
        self.has_read()
            && self.deliveries.values().all(|open| match open.progress.get() {
                Stage::Busy | Stage::Away | Stage::Ended(Ended::Displaced) => false,
                Stage::CaughtUp(version) | Stage::Ended(Ended::GivenUp(version)) => version >= head,
            })
    }

    /// No agent works on the task here. Returns whether the dispatcher is done.
    async fn conclude(&mut self) -> bool {
        if self.owner.is_none() {
            self.owner = self.ask_whose().await;
        }
        match self.owner {
            None => false,
            // Once everything is delivered, the actor releases its claim.
            Some(Whose::Us | Whose::Nobody) if self.has_arrived() => !self.agent_runs() && self.dismissed(),
            Some(Whose::Us) => false,
            Some(Whose::Nobody) => {
                self.claim_what_is_away();
                false
            }
            Some(Whose::Another(executor)) => {
                // Whoever called may have meant that one.
                self.dispatchers.ground.tell(executor, &self.key, News::Configs);
                self.deliveries.clear();
                self.dismissed()
            }
            Some(Whose::NoTask) => self.forget_configs().await && self.dismissed(),
        }
    }

    /// What is away may be so for as long as nobody knows: whoever comes after this instance finds it by the claim.
    fn claim_what_is_away(&mut self) {
        if self.is_away() && self.has(Stage::Away) {
            let input = Input::TakeOver { ticket: None, from: None, handed_over: false };
            drive(&self.dispatchers.actors, &self.actor, input);
            self.owner = None;
        }
    }

    async fn ask_whose(&self) -> Option<Whose> {
        let Dispatcher { dispatchers, key, .. } = self;
        match dispatchers.ground.retry_for_request().run(|| dispatchers.ground.tasks.head(key)).await {
            Ok(None) => Some(Whose::NoTask),
            Ok(Some(head)) => Some(match head.claim {
                None => Whose::Nobody,
                Some(claim) if claim.instance == dispatchers.ground.id => Whose::Us,
                Some(claim) => Whose::Another(claim.instance),
            }),
            Err(error) => {
                tracing::debug!(task = %key, error = %Chain(&error), "a dispatcher waits for the store");
                None
            }
        }
    }

    /// The agent answered with a message only: the config that came with the request is for no task.
    async fn forget_configs(&mut self) -> bool {
        let Dispatcher { dispatchers, key, .. } = self;
        for id in self.deliveries.keys() {
            let remove = || dispatchers.ground.push.remove_config(key, id);
            if let Err(error) = dispatchers.ground.retry_for_request().run(remove).await {
                tracing::debug!(task = %key, error = %Chain(&error), "a config without a task stays for now");
                self.owner = None;
                return false;
            }
        }
        self.deliveries.clear();
        true
    }

    /// Ends this dispatcher's service, unless there is something to do again; tells the actor.
    fn dismissed(&self) -> bool {
        let Some(served) = self.served else { return false };
        let dismissed = self.dispatchers.dismiss(&self.key, &self.mailbox, served);
        if dismissed {
            drive(&self.dispatchers.actors, &self.actor, Input::Delivered(self.number));
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
