//! One actor, as the rest of the instance holds it: the core behind a lock, who waits for it, and its agents.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use a2a_core::{TaskKey, Version};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::agent_task::{AgentControl, Deposit};
use super::core::{Actor, AgentId, Effect, Input, Moment, Reply, Tail, Ticket, Time};
use super::registry::Actors;
use crate::admission::Load;
use crate::ground::{Listener, Signal};

/// The actor of one task on one instance. It ends when it has nothing to do; a later request begins another.
pub(crate) struct Handle {
    key: TaskKey,
    state: Mutex<State>,
    /// Given whenever streams may find something new.
    progress: OnceLock<Arc<Signal>>,
    /// What the task's caller has taken of this instance, once a request here was admitted.
    load: OnceLock<Arc<Load>>,
}

/// What is behind the lock. Held for a step only: never while an agent is polled or a call is made.
pub(super) struct State {
    /// `None` once it has ended.
    actor: Option<Box<Actor>>,
    waiting: Vec<Waiting>,
    /// The agent that was started last.
    agent: Option<(AgentId, Arc<AgentControl>)>,
    /// Earlier ones that are not gone yet.
    earlier: Vec<(AgentId, Arc<AgentControl>)>,
    /// Room for the effects of the next step.
    spare: Vec<Effect>,
    /// When the clock steps it at the latest.
    pub(super) armed: Option<Instant>,
}

impl State {
    /// Keeps what an agent is started with, and who waits, until the core asks for it.
    pub(crate) fn deposit(
        &mut self,
        ticket: Ticket,
        reply: oneshot::Sender<Reply>,
        deposit: Option<Deposit>,
    ) {
        self.waiting.push(Waiting { ticket, reply: Some(reply), deposit, starts: false });
    }

    fn control(&self, agent: AgentId) -> Option<&Arc<AgentControl>> {
        let mut all = self.agent.iter().chain(&self.earlier);
        all.find(|(known, _)| *known == agent).map(|(_, control)| control)
    }
}

/// One request to the actor.
struct Waiting {
    ticket: Ticket,
    /// Where its answer goes, until it is given.
    reply: Option<oneshot::Sender<Reply>>,
    /// What its agent is started with, until it is.
    deposit: Option<Deposit>,
    /// Its agent is about to be started.
    starts: bool,
}

/// What of an actor is counted for the whole instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) runs: bool,
    pub(super) busy: bool,
    pub(super) watchers: usize,
    pub(super) ring_bytes: usize,
}

impl Counts {
    fn of(actor: &Actor) -> Self {
        Counts {
            runs: actor.is_running(),
            busy: actor.is_busy(),
            watchers: actor.watchers(),
            ring_bytes: actor.ring().bytes(),
        }
    }
}

/// The actor has ended: the input is given back.
pub(super) struct Ended(pub(super) Box<Input>);

impl Handle {
    pub(super) fn new(key: TaskKey, actor: Actor) -> Self {
        Handle {
            key,
            state: Mutex::new(State {
                actor: Some(Box::new(actor)),
                waiting: Vec::new(),
                agent: None,
                earlier: Vec::new(),
                spare: Vec::new(),
                armed: None,
            }),
            progress: OnceLock::new(),
            load: OnceLock::new(),
        }
    }

    pub(crate) fn key(&self) -> &TaskKey {
        &self.key
    }

    /// Counts the task's commits as its caller's from now on.
    pub(super) fn counts_for(&self, load: &Arc<Load>) {
        self.load.get_or_init(|| Arc::clone(load));
    }

    pub(super) fn load(&self) -> Option<&Arc<Load>> {
        self.load.get()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one step, after `prepare`. What can be done at once is done; the rest is added to `fx`.
    pub(super) fn step(
        self: &Arc<Self>,
        actors: &Arc<Actors>,
        input: Input,
        prepare: impl FnOnce(&mut State),
        fx: &mut Vec<Effect>,
    ) -> Result<(), Ended> {
        let m = Moment { at: actors.now(), env: &*actors.ground.env };
        let first = fx.len();
        let (ended_at, released) = {
            let mut state = self.state();
            let Some(actor) = state.actor.as_deref_mut() else { return Err(Ended(Box::new(input))) };
            let before = Counts::of(actor);
            // `prepare` needs the whole state; the core is put back before it is stepped.
            prepare(&mut state);
            let Some(actor) = state.actor.as_deref_mut() else { return Err(Ended(Box::new(input))) };
            actor.allow(actors.ring_allowance(before.ring_bytes));
            actor.step(input, m, fx);
            let after = if actor.is_done() { Counts::default() } else { Counts::of(actor) };
            actors.count(&actors.ground.meters, before, after);
            let released = actor.take_released();
            let is_over = actor.ring().ended() || actor.is_absent();
            let ended_at = actor.is_done().then(|| (actor.ring().head(), is_over));
            state.answer(fx, first);
            state.forget_requests();
            if ended_at.is_some() {
                state.actor = None;
            }
            (ended_at, released)
        };
        for received in released {
            actors.ground.meters.delivery_seconds.record(m.at.saturating_sub(received));
        }
        if let Some((version, is_over)) = ended_at {
            actors.forget(self, version, is_over);
            self.wake_readers();
        }
        Ok(())
    }

    pub(super) fn wake_readers(&self) {
        if let Some(progress) = self.progress.get() {
            progress.give();
        }
    }

    /// Room for the effects of a step, used before.
    pub(super) fn take_spare(&self) -> Vec<Effect> {
        std::mem::take(&mut self.state().spare)
    }

    pub(super) fn give_spare(&self, mut spare: Vec<Effect>) {
        spare.clear();
        self.state().spare = spare;
    }

    /// Follows the progress of the ring.
    pub(crate) fn progress(&self) -> Listener {
        self.progress.get_or_init(Arc::default).listen()
    }

    /// Looks at the core, if the actor has not ended.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Actor) -> T) -> Option<T> {
        self.state().actor.as_deref().map(look)
    }

    /// Returns what follows a cursor in the ring.
    pub(crate) fn after(&self, cursor: Version) -> Option<Tail> {
        self.look(|actor| actor.ring().after(cursor))
    }

    /// When the core wants to be stepped, and is not going to be by then.
    pub(super) fn arm(&self, origin: Instant) -> Option<Instant> {
        let mut state = self.state();
        let due = origin + state.actor.as_deref()?.deadline()?;
        if state.armed.is_some_and(|armed| armed <= due) {
            return None;
        }
        state.armed = Some(due);
        Some(due)
    }

    pub(super) fn disarm(&self) {
        self.state().armed = None;
    }

    /// Takes what an agent is started with, and its control.
    pub(super) fn take_start(
        &self,
        agent: AgentId,
        ticket: Option<Ticket>,
    ) -> Option<(Arc<AgentControl>, Option<Deposit>)> {
        let mut state = self.state();
        let control = Arc::clone(state.control(agent)?);
        let request = state.waiting.iter_mut().find(|waiting| Some(waiting.ticket) == ticket);
        let deposit = request.and_then(|waiting| {
            waiting.starts = false;
            waiting.deposit.take()
        });
        state.forget_requests();
        Some((control, deposit))
    }

    /// Tells whether there is room for what an agent says next.
    pub(super) fn has_room(&self, agent: AgentId) -> bool {
        self.look(|actor| actor.has_room(agent)).unwrap_or(false)
    }

    /// Tells whether something is left of an agent that was started here.
    pub(super) fn has_agent(&self) -> bool {
        let state = self.state();
        state.agent.iter().chain(&state.earlier).any(|(_, control)| !control.is_gone())
    }

    /// When a commit became known here, if the ring has it.
    pub(super) fn known_since(&self, version: Version) -> Option<Time> {
        self.look(|actor| actor.ring().known_since(version)).flatten()
    }
}

impl State {
    /// Does at once what only concerns who waits and the agents; what is left is for whoever stepped.
    fn answer(&mut self, fx: &mut Vec<Effect>, first: usize) {
        let mut kept = first;
        for at in first..fx.len() {
            let keep = match fx.get_mut(at) {
                Some(Effect::Reply(ticket, reply)) => {
                    let (ticket, reply) = (*ticket, std::mem::replace(reply, Reply::Stopped));
                    self.reply(ticket, reply);
                    false
                }
                Some(Effect::WakeAgent) => {
                    self.agent.iter().for_each(|(_, control)| control.wake());
                    false
                }
                Some(Effect::CancelAgent(agent, request)) => {
                    let request = std::mem::take(request);
                    if let Some(control) = self.control(*agent) {
                        control.cancel(request);
                    }
                    false
                }
                Some(Effect::StopAgent(agent)) => match self.control(*agent) {
                    Some(control) => {
                        control.stop();
                        false
                    }
                    // It never started: whoever stepped says so.
                    None => true,
                },
                Some(Effect::Start(start)) => {
                    let started = (start.agent, Arc::new(AgentControl::default()));
                    self.earlier.extend(self.agent.replace(started));
                    let ticket = start.ticket;
                    let request = self.waiting.iter_mut().find(|waiting| Some(waiting.ticket) == ticket);
                    request.into_iter().for_each(|waiting| waiting.starts = true);
                    true
                }
                Some(_) => true,
                None => false,
            };
            if keep {
                fx.swap(kept, at);
                kept += 1;
            }
        }
        fx.truncate(kept);
    }

    fn reply(&mut self, ticket: Ticket, reply: Reply) {
        let waiting = self.waiting.iter_mut().find(|waiting| waiting.ticket == ticket);
        if let Some(sender) = waiting.and_then(|waiting| waiting.reply.take()) {
            // Whoever asked may have left; the agent works on.
            let _ = sender.send(reply);
        }
    }

    /// Keeps of each request what is needed yet: not what it brought for an agent that will not start, nor the right to
    /// run that agent; nor where the answer goes of one that was answered, or was given up.
    fn forget_requests(&mut self) {
        let State { actor, waiting, .. } = self;
        let actor = actor.as_deref();
        waiting.retain_mut(|waiting| {
            let (ticket, starts) = (waiting.ticket, waiting.starts);
            if !starts && !actor.is_some_and(|actor| actor.may_start(ticket)) {
                waiting.deposit = None;
            }
            starts || actor.is_some_and(|actor| actor.awaits(ticket))
        });
    }

    /// Forgets an agent that is gone.
    pub(super) fn agent_gone(&mut self, agent: AgentId) {
        self.agent.take_if(|(known, _)| *known == agent);
        self.earlier.retain(|(known, _)| *known != agent);
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("key", &self.key).finish_non_exhaustive()
    }
}
