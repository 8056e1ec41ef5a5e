//! The pure core of an actor: everything that one instance knows of one task, and what follows from what happens.
//!
//! [`Actor::step`] takes one input and says what is to be done. It waits for nothing, calls nothing, reads no clock
//! and draws nothing by itself: the same state, input and moment always give the same effects. So a model checker
//! can try its interleavings (`docs/proof.md` says which), and whoever steps it needs to decide nothing.
//!
//! A step has two halves. The first takes note of what happened. The second, `advance`, looks at the state alone and
//! sees to it that whatever is wanted is under way: that readers are fed, that the next write is made, that a cancel
//! insists, that watchers are sent what they lack. Since it is done after every input, nothing can be forgotten by
//! the input that made it necessary.

mod begin;
mod buffer;
mod cancel;
mod claims;
mod effect;
mod follow;
mod input;
mod pending;
mod plan;
mod publish;
mod requests;
mod ring;
mod run;
mod settings;
mod take_over;
mod tickets;
mod until;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use a2a::Task;
use a2a_core::{Claim, CommitRecord, Env, InstanceId, News, Principal, Version};

pub use crate::ground::telemetry::TurnOutcome;
pub use begin::other_message;
pub use buffer::{AgentOutput, EventBuffer};
pub use effect::{CommitCall, Effect, Report, StartAgent};
pub use input::{
    AnswerAt, FirstTurn, FollowUp, Input, Known, Later, Leave, ReadFailed, Reply, Seen, TakeOverOutcome,
    Ticket, TurnKind, Written,
};
pub use pending::lacks_events;
pub use plan::{StopReason, canceled, failed};
pub use ring::{Ring, Tail};
pub use settings::Settings;
pub use until::Until;

use cancel::Cancel;
use claims::Write;
use follow::Follow;
use publish::Publish;
use requests::Request;
use run::Run;
use take_over::TakeOver;

/// Time since the instance began, on its own monotonic clock.
pub type Time = Duration;

/// Names an agent within its actor.
pub type AgentId = u32;

/// What a step may know of the moment in which it is taken.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The time.
    pub at: Time,
    /// Wall-clock time and fresh ids, for what users see.
    pub env: &'a dyn Env,
}

/// What the task is being loaded for. One at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum LoadedFor {
    /// To cancel it without its executor.
    Cancel,
    /// To take it over.
    TakeOver,
    /// To commit in smaller pieces what was too large as a whole.
    Redo(AgentId),
}

/// All that one instance knows of one task.
///
/// Two facts do not exclude each other. *Readers* are none, or are served by the agent that runs here under a claim,
/// or are following. *Ownership* is none, or claiming (a write in flight makes a claim), executing (a run with a
/// claim), or delivering (no agent any more, and webhooks lack something).
#[derive(Debug, Clone)]
pub struct Actor {
    me: InstanceId,
    settings: Arc<Settings>,
    ring: Ring,
    /// The task does not exist, or exists no more.
    absent: bool,
    /// What the store has of it cannot be read here.
    unreadable: bool,
    /// How many tasks of this id were seen to be gone. Streams of one show nothing of the next.
    life: u32,
    /// Streams that read from the ring.
    readers: usize,
    /// Streams that read the store first.
    joining: usize,
    follow: Follow,
    publish: Publish,
    run: Option<Box<Run>>,
    /// Agents that are being dropped, and until when a later one waits for that.
    ending: Vec<(AgentId, Time)>,
    /// The claim under which webhooks are served, once no agent works any more.
    delivering: Option<Claim>,
    /// The dispatcher that sees to the webhooks; 0 is one that is about to.
    attended: Option<u64>,
    /// The one write that is on its way.
    write: Option<Write>,
    /// Follow-ups that wait for the one before them.
    requests: VecDeque<Request>,
    cancel: Option<Cancel>,
    take_over: Option<TakeOver>,
    loading: Option<LoadedFor>,
    reading_head: bool,
    /// The claim of the run for which the head is being read. What it says of a later one is out of date.
    head_for: Option<Claim>,
    next_agent: AgentId,
    cut_off: bool,
    leaving: Option<Leave>,
}

impl Actor {
    /// Knows nothing of a task yet.
    pub fn new(me: InstanceId, settings: Arc<Settings>) -> Self {
        let ring = Ring::new(settings.ring_commits, settings.ring_bytes);
        Actor {
            me,
            settings,
            ring,
            absent: false,
            unreadable: false,
            life: 0,
            readers: 0,
            joining: 0,
            follow: Follow::default(),
            publish: Publish::default(),
            run: None,
            ending: Vec::new(),
            delivering: None,
            attended: None,
            write: None,
            requests: VecDeque::new(),
            cancel: None,
            take_over: None,
            loading: None,
            reading_head: false,
            head_for: None,
            next_agent: 0,
            cut_off: false,
            leaving: None,
        }
    }

    /// Knows from the beginning that this instance stops.
    #[must_use]
    pub fn leaving(mut self, leave: Option<Leave>) -> Self {
        self.leaving = leave;
        self
    }

    /// Takes note of what happened, and adds to `fx` what is to be done.
    pub fn step(&mut self, input: Input, m: Moment<'_>, fx: &mut Vec<Effect>) {
        self.take(input, m, fx);
        self.advance(m, fx);
    }

    fn take(&mut self, input: Input, m: Moment<'_>, fx: &mut Vec<Effect>) {
        match input {
            Input::Attach { joined: true } => self.readers += 1,
            Input::Attach { joined: false } => self.joining += 1,
            Input::Detach { joined: true } => self.readers = self.readers.saturating_sub(1),
            Input::Detach { joined: false } => self.joining = self.joining.saturating_sub(1),
            Input::Joined { seen, registered } => {
                self.joining = self.joining.saturating_sub(1);
                self.readers += 1;
                self.joined(&seen, registered, fx);
            }
            Input::Found(known, version) => self.found(known, version, fx),
            Input::Begin(first) => self.begin(*first, m, fx),
            Input::Continue(follow_up) => self.continue_with(*follow_up, m, fx),
            Input::Cancel { ticket, request } => self.cancel_asked(Some(ticket), None, request, m, fx),
            Input::Abandon(ticket) => self.abandon(ticket),
            Input::TakeOver { ticket, from, handed_over } => {
                self.take_over_asked(ticket, from, handed_over, fx);
            }
            Input::Said(agent, outputs) => self.said(agent, outputs, m, fx),
            Input::AgentGone(agent) => self.agent_gone(agent),
            Input::Written { record, outcome } => self.written(record, outcome, m, fx),
            Input::Loaded(loaded) => self.loaded(loaded, m, fx),
            Input::Watched(watched) => self.watched(watched, m, fx),
            Input::Read(read) => self.read(read, m, fx),
            Input::Head(head) => self.head(head, m, fx),
            Input::Watchers(watchers, after) => self.publish.found(watchers, after, self.me),
            Input::Member(who, found) => self.member_found(who, found),
            Input::Sent { gone } => self.sent(gone, fx),
            Input::News { from, news, received } => self.news(from, news, received, m, fx),
            Input::Attended(dispatcher) => self.attended_by(dispatcher, fx),
            // An earlier one leaves late: a later one is there.
            Input::Delivered(dispatcher) => {
                self.attended = self.attended.filter(|attends| *attends != dispatcher)
            }
            Input::ReachChanged => self.announce(fx),
            Input::CutOff(cut_off) => self.cut_off(cut_off, m, fx),
            Input::Leave(leave) => self.leave(leave, m, fx),
            Input::Tick => {}
        }
    }

    /// Sees to it that all that is wanted is under way.
    fn advance(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        self.advance_run(m, fx);
        self.advance_cancel(m, fx);
        self.advance_take_over(fx);
        self.advance_write(m, fx);
        self.advance_follow(m, fx);
        self.advance_publish(fx);
    }

    /// When the actor wants to be stepped at the latest.
    pub fn deadline(&self) -> Option<Time> {
        let blocked = self.write.is_some() || self.loading.is_some();
        let run = self.run.as_ref().and_then(|run| run.deadline(blocked));
        let ending = self.ending.iter().map(|(_, until)| *until).max().filter(|_| self.is_starting());
        let write = self.write.as_ref().and_then(Write::deadline);
        let cancel = self.cancel.as_ref().map(Cancel::deadline);
        let (requests, follow) = (self.requests_deadline(), self.follow_deadline());
        [run, ending, write, requests, cancel, follow].into_iter().flatten().min()
    }

    /// Tells whether nothing is left to do or to wait for.
    pub fn is_done(&self) -> bool {
        self.readers + self.joining == 0
            && self.run.is_none()
            && self.ending.is_empty()
            && self.delivering.is_none()
            && self.attended.is_none()
            && self.write.is_none()
            && self.requests.is_empty()
            && self.cancel.is_none()
            && self.take_over.is_none()
            && self.loading.is_none()
            && !self.reading_head
            && self.follow.is_idle()
            && self.publish.is_idle()
    }

    /// The recent commits.
    pub fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Takes the times of receipt of what the bus brought and readers can see since the last call.
    pub fn take_released(&mut self) -> Vec<Time> {
        self.ring.take_released()
    }

    /// Tells whether the task does not exist, or exists no more.
    pub fn is_absent(&self) -> bool {
        self.absent
    }

    /// Tells whether streams cannot be fed: what the store has of the task cannot be read here.
    pub fn is_unreadable(&self) -> bool {
        self.unreadable && !self.is_served()
    }

    /// Which task of this id this is: a later one is made where the earlier one is gone.
    pub fn life(&self) -> u32 {
        self.life
    }

    /// What is known now, for whoever is about to read the store.
    pub fn knows(&self) -> Known {
        Known { life: self.life, version: self.known() }
    }

    /// Tells whether a stream that opens here has to register before it reads. It need not where the agent runs here,
    /// or where this instance is registered already.
    pub fn needs_watch(&self) -> bool {
        !self.is_served() && !self.follow.is_registered()
    }

    /// The task as far as its agent here has got.
    pub fn task(&self) -> Option<Arc<Task>> {
        self.run.as_ref().map(|run| Arc::clone(&run.task))
    }

    /// Who created the task on which an agent runs here, where callers are told apart.
    pub fn principal(&self) -> Option<Principal> {
        self.run.as_ref().and_then(|run| run.principal.clone())
    }

    /// Lets the ring keep so many bytes, and never more than is set.
    pub fn allow(&mut self, ring_bytes: usize) {
        self.ring.limit(ring_bytes.min(self.settings.ring_bytes));
    }

    /// Tells whether streams are open here.
    pub fn has_readers(&self) -> bool {
        self.readers + self.joining > 0
    }

    /// The version before the commit that began the turn of the agent that runs here, while it has said nothing.
    pub fn version_before_turn(&self) -> Option<Version> {
        self.run.as_ref().map(|run| Version::new(run.tip.version.get().saturating_sub(1)))
    }

    /// Tells whether a task is about to be created here.
    pub fn is_creating(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.claim.is_none())
    }

    /// Tells whether an agent runs here, or is being dropped, or is about to run: a write may be a claim.
    pub fn is_busy(&self) -> bool {
        self.run.is_some() || !self.ending.is_empty() || self.write.is_some()
    }

    /// Tells whether an agent runs here.
    pub fn is_running(&self) -> bool {
        self.run.is_some()
    }

    /// Tells whether an agent runs here in the task's first turn, and nobody ran it before.
    pub fn is_in_first_turn(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.creates)
    }

    /// Tells whether a dispatcher is to see to the task's webhooks here.
    pub fn has_task(&self) -> bool {
        self.run.is_some() || self.delivering.is_some()
    }

    /// Tells whether this instance has the task, or nobody can say: a write that may be a claim is on its way.
    pub fn may_have_task(&self) -> bool {
        self.has_task() || self.write.is_some()
    }

    /// The claim under which this instance has the task, if it does.
    pub fn claim(&self) -> Option<Claim> {
        self.run.as_ref().and_then(|run| run.claim).or(self.delivering)
    }

    /// Tells whether an agent may say more now.
    pub fn has_room(&self, agent: AgentId) -> bool {
        self.run.as_ref().is_some_and(|run| run.agent == agent && run.said.has_room())
    }

    /// Tells whether anybody here wants to see the task's commits.
    fn is_read(&self) -> bool {
        let is_there = !self.ring.ended() && !self.absent && !self.unreadable;
        (self.readers > 0 || self.cancel.is_some()) && is_there
    }

    /// Tells whether anybody here wants to see the task's commits, or is about to.
    fn is_wanted(&self) -> bool {
        self.readers + self.joining > 0 || self.cancel.is_some()
    }

    /// Tells whether readers are fed by the agent that runs here: it has the task, or is about to create it. A task that
    /// is parked may be claimed by others at any time, whether its agent goes on talking or not.
    pub fn is_served(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.claim.is_none() || !run.is_parked())
    }

    fn is_starting(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.is_waiting() && !run.waits_for_task())
    }

    /// The last version that this instance knows of.
    fn known(&self) -> Version {
        let run = self.run.as_ref().map_or(Version::ABSENT, |run| run.tip.version);
        self.ring.head().max(run)
    }

    /// Shows a commit of this instance's own. `is_sent`: others are to be sent it, too.
    fn show(&mut self, record: &Arc<CommitRecord>, is_sent: bool, m: Moment<'_>, fx: &mut Vec<Effect>) {
        if is_sent || self.is_wanted() || self.attended.is_some() || !self.publish.is_idle() {
            self.ring.publish(Arc::clone(record), m.at);
        } else {
            // Nobody asks for it now, and whoever comes begins with what the store has.
            self.skip_to(record.version, record.is_terminal(), fx);
        }
        fx.push(Effect::WakeReaders);
    }

    /// Goes to a version that the store has, past commits that the ring lacks. A reader that is behind is woken, and
    /// reads them from the store: no message and no check after silence would bring them, since the ring asks for what
    /// comes after its own head.
    fn skip_to(&mut self, version: Version, ended: bool, fx: &mut Vec<Effect>) {
        if self.ring.advance(version, ended) {
            fx.push(Effect::WakeReaders);
        }
    }

    /// Brings the ring to where the run is: it may not have been kept up while nobody asked.
    fn keep_up(&mut self, fx: &mut Vec<Effect>) {
        if let Some(version) = self.run.as_ref().map(|run| run.tip.version) {
            self.skip_to(version, false, fx);
        }
    }

    fn news(&mut self, from: InstanceId, news: News, received: Time, m: Moment<'_>, fx: &mut Vec<Effect>) {
        if news.version().is_some_and(|version| version > self.known()) {
            // Word of a version that is not its own: the store says whether the agent here has lost the task.
            self.check_run(fx);
        }
        match news {
            News::Commits(_) | News::Changed(_) if !self.is_wanted() => {
                fx.push(Effect::Hint(from, News::Unwatch))
            }
            News::Commits(commits) => {
                let before = self.ring.head();
                commits.into_iter().for_each(|commit| self.ring.offer(commit, received));
                if self.ring.head() > before {
                    self.fed_by(from, fx);
                }
                self.follow.heard(m);
                fx.push(Effect::WakeReaders);
            }
            News::Changed(version) => self.ring.hear_of(version),
            News::Watch { after, reach } => self.watched_by(from, after, reach, fx),
            News::Unwatch => self.publish.remove(from),
            News::Cancel(key, request) => {
                self.cancel_heard(from, key, request.map(|request| *request), m, fx)
            }
            News::Cancelling(key) => self.cancel_answered(key, false, fx),
            News::CancelRefused(key) => self.cancel_answered(key, true, fx),
            News::Configs => {
                if self.has_task() {
                    fx.push(Effect::Attend);
                }
            }
            News::HandOver => self.take_over_asked(None, Some(from), true, fx),
        }
    }

    fn attended_by(&mut self, dispatcher: u64, fx: &mut Vec<Effect>) {
        self.attended = Some(dispatcher);
        self.keep_up(fx);
    }

    fn cut_off(&mut self, cut_off: bool, m: Moment<'_>, fx: &mut Vec<Effect>) {
        self.cut_off = cut_off;
        if let Some(run) = &mut self.run {
            run.clock_stood_still(m, &self.settings);
            if cut_off {
                run.waiters.drain(..).for_each(|(ticket, _)| fx.push(Effect::Reply(ticket, Reply::Unknown)));
            }
        }
        if cut_off {
            self.end_cancel(Reply::Unknown, fx);
            fx.push(Effect::WakeReaders);
        }
    }

    fn leave(&mut self, leave: Leave, m: Moment<'_>, fx: &mut Vec<Effect>) {
        self.leaving = Some(leave);
        for request in self.requests.drain(..) {
            fx.push(Effect::Reply(request.follow_up.ticket, Reply::Stopped));
        }
        self.end_cancel(Reply::Stopped, fx);
        self.end_take_over(TakeOverOutcome::Again, fx);
        if leave == Leave::Evicted {
            // What it has is others' now: nothing of it is committed any more, nor released. What is on its way may be.
            self.tell_unknown(fx);
            self.leave_run(m, fx);
            self.delivering = None;
            self.attended = None;
            self.publish.clear();
        }
    }

    /// Whoever waited has left: nobody insists for them any more, and what is under way goes on.
    fn abandon(&mut self, ticket: Ticket) {
        if let Some(cancel) = &mut self.cancel {
            cancel.waiters.retain(|(waiting, _)| *waiting != ticket);
            if cancel.is_forgotten() {
                self.cancel = None;
            }
        }
        if let Some(run) = &mut self.run {
            run.waiters.retain(|(waiting, _)| *waiting != ticket);
        }
        if let Some(write) = &mut self.write {
            write.abandon(ticket);
        }
        self.requests.retain(|request| request.follow_up.ticket != ticket);
    }
}

#[cfg(test)]
mod tests;
