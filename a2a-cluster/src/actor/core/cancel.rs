//! Cancelling a task from here: its executor is asked, asked again, and in the end passed over.
//!
//! An agent of ours is asked at once. An executor elsewhere is asked over the bus, again and again; it answers that its
//! agent winds down, or refuses. One that says nothing, or takes too long, is passed over by a commit. Where nobody
//! has the task, it is claimed here, and the agent's `cancel` speaks.

use std::collections::VecDeque;

use a2a_core::{CancelKey, CancelRequest, Claim, CommitId, InstanceId, News, StoredTask, reduce};
use uuid::Uuid;

use super::claims::{ClaimFor, Verdict};
use super::effect::Effect;
use super::input::{Reply, Seen, Ticket};
use super::plan::StopReason;
use super::{Actor, LoadedFor, Moment, Settings, Time};

/// A cancel that is under way.
#[derive(Debug, Clone)]
pub(super) struct Cancel {
    /// Each with the time until which it waits: the store may not answer for long.
    pub(super) waiters: Vec<(Ticket, Time)>,
    /// The instance on whose behalf it is, where nobody here waits, and what that calls it.
    pub(super) remote: Option<(InstanceId, CancelKey)>,
    /// Its name in what executors are asked.
    id: Uuid,
    request: CancelRequest,
    since: Time,
    /// When the executor is asked again.
    ask_at: Time,
    /// Before this the task is not loaded again: the store could not be read.
    load_after: Time,
    /// The executor has answered that its agent winds down.
    heard: bool,
    /// The task was claimed for it once, and lost to somebody else.
    has_claimed: bool,
    /// Before this the turn is not fenced again, and then not for twice as long: two that insist must not keep each other's
    /// verdicts from the log.
    fence_after: Time,
    fence_pause: Time,
    /// The turn may be fenced: nobody goes on with it, so it is ended, whoever still waits for that.
    may_be_fenced: bool,
}

impl Cancel {
    pub(super) fn deadline(&self) -> Time {
        self.ask_at
    }

    /// Tells whether nobody waits for it any more, and nothing of it is half done.
    pub(super) fn is_forgotten(&self) -> bool {
        self.waiters.is_empty() && self.remote.is_none() && !self.may_be_fenced
    }

    /// Tells whether its executor has had its time.
    fn is_overdue(&self, m: Moment<'_>, settings: &Settings) -> bool {
        let grace = if self.heard { settings.cancel_grace } else { Time::ZERO };
        m.at.saturating_sub(self.since) >= settings.cancel_patience + grace
    }
}

/// What other instances asked of one run for the sake of cancels: a refusal is told to all of them; a question that comes
/// again is answered as before, a new one asks the agent anew.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// Since the agent was asked last.
    open: Vec<(InstanceId, CancelKey)>,
    refused: VecDeque<Uuid>,
}

/// How many questions are remembered. A bus repeats what is recent.
const REMEMBERED: usize = 64;

impl Asked {
    fn is_refused(&self, request: Uuid) -> bool {
        self.refused.contains(&request)
    }

    fn note(&mut self, from: InstanceId, key: CancelKey) {
        if !self.open.contains(&(from, key)) && self.open.len() < REMEMBERED {
            self.open.push((from, key));
        }
    }

    /// The agent refuses what it was asked.
    pub(super) fn refuse(&mut self, fx: &mut Vec<Effect>) {
        for (from, key) in self.open.drain(..) {
            self.refused.push_back(key.request);
            fx.push(Effect::Hint(from, News::CancelRefused(key)));
        }
        while self.refused.len() > REMEMBERED {
            self.refused.pop_front();
        }
    }
}

impl Actor {
    /// A caller wants the task cancelled, here or on another instance.
    pub(super) fn cancel_asked(
        &mut self,
        ticket: Option<Ticket>,
        remote: Option<(InstanceId, CancelKey)>,
        request: CancelRequest,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        if self.leaving.is_some() {
            fx.extend(ticket.map(|ticket| Effect::Reply(ticket, Reply::Stopped)));
            return;
        }
        let patience = self.settings.cancel_patience + self.settings.cancel_grace + self.settings.lease * 2;
        let cancel = self.cancel.get_or_insert_with(|| Cancel {
            waiters: Vec::new(),
            remote: None,
            id: m.env.uuid(),
            request,
            since: m.at,
            ask_at: m.at,
            load_after: Time::ZERO,
            heard: false,
            has_claimed: false,
            fence_after: Time::ZERO,
            fence_pause: self.settings.cancel_repeat,
            may_be_fenced: false,
        });
        cancel.waiters.extend(ticket.map(|ticket| (ticket, m.at + patience)));
        cancel.remote = remote.or(cancel.remote);
    }

    /// Another instance asks the executor: this one, if it has the task by the claim that is meant.
    pub(super) fn cancel_heard(
        &mut self,
        from: InstanceId,
        key: CancelKey,
        request: Option<CancelRequest>,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let is_meant = |claim: Option<Claim>| claim.is_some_and(|claim| claim.by == key.claim);
        match &mut self.run {
            Some(run) if is_meant(run.claim) => {
                if run.asked.is_refused(key.request) {
                    fx.push(Effect::Hint(from, News::CancelRefused(key)));
                } else {
                    run.asked.note(from, key);
                    fx.push(Effect::Hint(from, News::Cancelling(key)));
                    self.ask_to_stop(StopReason::Cancel, request.unwrap_or_default(), m, fx);
                }
            }
            // Recorded for the sake of webhooks only; the agent is to hear of the cancel.
            None if is_meant(self.delivering) => {
                self.cancel_asked(None, Some((from, key)), request.unwrap_or_default(), m, fx);
            }
            // The question is late, or came again: that turn is over.
            Some(_) | None => {}
        }
    }

    /// The executor elsewhere answered a cancel: this one, unless the answer is late.
    pub(super) fn cancel_answered(&mut self, key: CancelKey, refused: bool, fx: &mut Vec<Effect>) {
        let Some(cancel) = self.cancel.as_mut().filter(|cancel| cancel.id == key.request) else { return };
        if refused {
            self.end_cancel(Reply::NotCancelable, fx);
        } else {
            cancel.heard = true;
        }
    }

    pub(super) fn end_cancel(&mut self, reply: Reply, fx: &mut Vec<Effect>) {
        let Some(cancel) = self.cancel.take() else { return };
        if let (Some((remote, key)), Reply::NotCancelable) = (cancel.remote, &reply) {
            fx.push(Effect::Hint(remote, News::CancelRefused(key)));
        }
        cancel.waiters.into_iter().for_each(|(ticket, _)| fx.push(Effect::Reply(ticket, reply.clone())));
    }

    /// Insists until the task is over.
    pub(super) fn advance_cancel(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        if self.cancel.is_some() && (self.ring.ended() || self.absent) {
            self.end_cancel(Reply::Over, fx);
        }
        self.give_up_cancel(m, fx);
        let Some(cancel) = &mut self.cancel else { return };
        let asks = cancel.ask_at <= m.at;
        if asks {
            cancel.ask_at = m.at + self.settings.cancel_repeat;
        }
        let is_overdue = cancel.is_overdue(m, &self.settings);
        let may_load = cancel.load_after <= m.at;
        let (id, request) = (cancel.id, cancel.request.clone());
        if let Some(run) = &self.run {
            // One that does not talk any more is about to end, or to begin; then it is asked.
            if asks && run.claim.is_some() {
                self.ask_to_stop(StopReason::Cancel, request, m, fx);
            }
            return;
        }
        let elsewhere = self.follow.executor().filter(|executor| *executor != self.me);
        if let Some(executor) = elsewhere.filter(|_| asks) {
            fx.push(Effect::FindMember(executor));
            match self.follow.claim() {
                Some(claim) => {
                    let key = CancelKey { claim, request: id };
                    fx.push(Effect::Hint(executor, News::Cancel(key, Some(Box::new(request)))));
                }
                None => self.read_head(fx),
            }
        }
        // Whoever is passed over may commit faster than a task can be read and ended: it is fenced first, and writes no more.
        let loads = if elsewhere.is_some() { is_overdue } else { asks };
        if !loads || !may_load || self.loading.is_some() || self.write.is_some() {
            return;
        }
        self.loading = Some(LoadedFor::Cancel);
        fx.push(match self.cancel.as_mut().filter(|_| elsewhere.is_some()) {
            Some(cancel) if cancel.fence_after <= m.at => {
                cancel.fence_after = m.at + cancel.fence_pause;
                cancel.fence_pause *= 2;
                cancel.may_be_fenced = true;
                Effect::FenceAndLoad(CommitId::generate(m.env))
            }
            _ => Effect::Load,
        });
    }

    /// Whoever has waited for long enough is told that nobody knows: commits, or reads, fail for as long as that. The agent
    /// that was asked to stop goes on stopping.
    fn give_up_cancel(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        let Some(cancel) = &mut self.cancel else { return };
        let replies = fx.len();
        cancel.waiters.retain(|(ticket, until)| {
            let waits = m.at < *until;
            if !waits {
                fx.push(Effect::Reply(*ticket, Reply::Unknown));
            }
            waits
        });
        if fx.len() > replies && cancel.is_forgotten() {
            self.cancel = None;
        }
    }

    /// The task was claimed, so that the agent hears of the cancel.
    pub(super) fn has_claimed_to_cancel(&mut self) {
        if let Some(cancel) = &mut self.cancel {
            cancel.has_claimed = true;
        }
    }

    /// The task could not be read.
    pub(super) fn not_loaded_to_cancel(&mut self, m: Moment<'_>) {
        if let Some(cancel) = &mut self.cancel {
            cancel.load_after = m.at + self.settings.retry_max;
            cancel.fence_after = Time::ZERO;
        }
    }

    /// The task was loaded to be cancelled without its executor.
    pub(super) fn loaded_to_cancel(
        &mut self,
        stored: StoredTask,
        deliver: bool,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let seen = Seen::of(&stored);
        self.learn(&seen);
        if seen.state.is_terminal() {
            self.skip_to(seen.tip.version, true, fx);
            return;
        }
        let Some(cancel) = &self.cancel else { return };
        if self.run.is_some() || self.write.is_some() {
            return;
        }
        let is_overdue = cancel.is_overdue(m, &self.settings);
        let elsewhere = seen.claim.is_some_and(|claim| claim.instance != self.me);
        if elsewhere && !is_overdue {
            return;
        }
        // Two that insist would take it from each other for ever, and no agent would be heard to the end.
        if elsewhere && (cancel.has_claimed || !reduce::is_interrupted(&seen.state)) {
            self.pass_verdict(stored, Verdict::Cancel, deliver, m, fx);
        } else if self.leaving.is_none() {
            // No agent works on it, so the agent can be heard here.
            let request = Box::new(cancel.request.clone());
            self.claim_loaded(stored, ClaimFor::Cancel(request), 1, m, fx);
        }
    }
}
