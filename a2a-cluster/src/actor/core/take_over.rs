//! Taking over the task of an executor that is gone: failed, resumed, delivered from here, or only released.

use a2a_core::{InstanceId, MemberState, StoredTask, reduce};

use super::claims::{ClaimFor, Verdict};
use super::effect::{Effect, Report};
use super::input::{Leave, ReadFailed, TakeOverOutcome, Ticket};
use super::{Actor, AgentId, LoadedFor, Moment};

/// A take-over that is under way.
#[derive(Debug, Clone)]
pub(super) struct TakeOver {
    pub(super) tickets: Vec<Ticket>,
    /// Whose claim stands; `None`: nobody's.
    from: Option<InstanceId>,
    handed_over: bool,
}

impl Actor {
    /// The executor is gone. A second request joins the first.
    pub(super) fn take_over_asked(
        &mut self,
        ticket: Option<Ticket>,
        from: Option<InstanceId>,
        handed_over: bool,
        fx: &mut Vec<Effect>,
    ) {
        let runs = self.run.is_some() || self.delivering.is_some();
        if self.leaving.is_some() || runs {
            let outcome = if runs { TakeOverOutcome::NotTheirs } else { TakeOverOutcome::Again };
            ticket
                .into_iter()
                .for_each(|ticket| fx.push(Effect::Reply(ticket, super::Reply::TakeOver(outcome))));
            return;
        }
        let take_over =
            self.take_over.get_or_insert_with(|| TakeOver { tickets: Vec::new(), from, handed_over });
        take_over.tickets.extend(ticket);
    }

    pub(super) fn end_take_over(&mut self, outcome: TakeOverOutcome, fx: &mut Vec<Effect>) {
        let Some(take_over) = self.take_over.take() else { return };
        fx.push(Effect::Report(Report::TakenOver(outcome)));
        for ticket in take_over.tickets {
            fx.push(Effect::Reply(ticket, super::Reply::TakeOver(outcome)));
        }
    }

    /// A member of whom nothing was heard was looked up.
    pub(super) fn member_found(&mut self, who: InstanceId, found: Result<Option<MemberState>, ReadFailed>) {
        let Ok(state) = found else { return };
        let is_gone = state.is_none_or(MemberState::is_final);
        let handed_over = state == Some(MemberState::Left);
        if is_gone && self.follow.executor() == Some(who) && self.run.is_none() && self.leaving.is_none() {
            self.take_over.get_or_insert_with(|| TakeOver {
                tickets: Vec::new(),
                from: Some(who),
                handed_over,
            });
        }
    }

    pub(super) fn advance_take_over(&mut self, fx: &mut Vec<Effect>) {
        if self.take_over.is_some() && self.loading.is_none() && self.write.is_none() {
            self.loading = Some(LoadedFor::TakeOver);
            fx.push(Effect::Load);
        }
    }

    /// The task was loaded.
    pub(super) fn loaded(
        &mut self,
        loaded: Result<Option<(Box<StoredTask>, bool)>, ReadFailed>,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let Some(purpose) = self.loading.take() else { return };
        match (purpose, loaded) {
            (LoadedFor::Cancel, Ok(Some((stored, pending)))) => {
                self.loaded_to_cancel(*stored, pending, m, fx)
            }
            (LoadedFor::Cancel, Ok(None)) => self.gone(fx),
            (LoadedFor::Cancel, Err(ReadFailed::ForNow)) => self.not_loaded_to_cancel(m),
            (LoadedFor::Cancel, Err(ReadFailed::ForGood)) => self.end_cancel(super::Reply::Unknown, fx),
            (LoadedFor::TakeOver, Ok(Some((stored, pending)))) => {
                self.loaded_to_take_over(*stored, pending, m, fx)
            }
            (LoadedFor::TakeOver, Ok(None)) => self.end_take_over(TakeOverOutcome::NotTheirs, fx),
            (LoadedFor::TakeOver, Err(_)) => self.end_take_over(TakeOverOutcome::Again, fx),
            (LoadedFor::Redo(agent), loaded) => self.loaded_to_redo(agent, loaded, m, fx),
        }
    }

    /// The task was loaded as it was before a commit that was too large. Another agent's may have come since then.
    fn loaded_to_redo(
        &mut self,
        agent: AgentId,
        loaded: Result<Option<(Box<StoredTask>, bool)>, ReadFailed>,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let Some(run) = self.run.as_ref().filter(|run| run.agent == agent) else { return };
        match loaded {
            Ok(Some((stored, _))) if run.tip == stored.tip() => {
                self.redo_from(std::sync::Arc::new(stored.task), m);
            }
            Ok(_) => self.end_run(super::Reply::Lost(None), m, fx),
            // It was retried for as long as this instance runs agents.
            Err(_) => self.leave_run(m, fx),
        }
    }

    fn loaded_to_take_over(
        &mut self,
        stored: StoredTask,
        pending: bool,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let Some(take_over) = &self.take_over else { return };
        let claim = stored.head.claim;
        let is_theirs = claim.map(|claim| claim.instance) == take_over.from;
        let handed_over = take_over.handed_over;
        if !is_theirs || self.run.is_some() || self.delivering.is_some() || self.write.is_some() {
            self.end_take_over(TakeOverOutcome::NotTheirs, fx);
            return;
        }
        if reduce::ends_turn(&stored.task.status.state) {
            match (pending, claim) {
                (true, _) => self.claim_loaded(stored, ClaimFor::Deliver, 1, m, fx),
                (false, Some(_)) => self.end_claim(stored, m, fx),
                (false, None) => self.end_take_over(TakeOverOutcome::NotTheirs, fx),
            }
            return;
        }
        let attempts = claim.map_or(1, |claim| claim.attempt);
        let next = if handed_over { attempts } else { attempts.saturating_add(1) };
        let is_leaving = matches!(self.leaving, Some(Leave::Fail | Leave::HandOver));
        if next <= self.settings.attempts && !is_leaving {
            self.claim_loaded(stored, ClaimFor::Resume { handed_over }, next, m, fx);
        } else {
            let why = self.why_lost(claim.map(|claim| claim.instance));
            self.pass_verdict(stored, Verdict::Fail(why), pending, m, fx);
        }
    }
    /// What the caller of a task is told that fails because its executor does not go on with it.
    fn why_lost(&self, executor: Option<InstanceId>) -> &'static str {
        if executor == Some(self.me) {
            "the server could not go on with the task"
        } else if self.settings.attempts > 1 {
            "the agent was lost with its server each time it was started"
        } else {
            "the server that ran the agent was lost"
        }
    }
}
