//! The writes of this instance to the task: the one place where claims are made, kept, handed on and ended.
//!
//! One write is on its way at a time. What is written next is decided when the one before has ended: a verdict over a
//! task whose executor is gone, or a claim, comes before what an agent says. A claim is named by the commit that made
//! it. It is ended by a commit, or by a release of exactly that claim. While the outcome of a claim is not known, an
//! agent of ours that was there before is kept, and what it says is held: a claim that is refused has changed nothing.

mod turn;

use std::sync::Arc;

use a2a::{StreamResponse, Task};
use a2a_core::{
    CallerContext, CancelRequest, Claim, ClaimChange, CommitId, CommitRecord, News, Principal, StoredTask,
    Tip, Version, reduce,
};

use super::effect::{CommitCall, Effect, Report, StartAgent};
use super::input::{FollowUp, Reply, TakeOverOutcome, Ticket, TurnKind, Written};
use super::plan::{canceled, failed};
use super::run::Run;
use super::{Actor, Moment, Time};

/// A write that is on its way.
#[derive(Debug, Clone)]
pub(super) struct Write {
    what: What,
    /// Until when whoever waits for it is kept waiting.
    patience: Option<Time>,
}

impl Write {
    /// Tells whether this message's claim is on its way.
    pub(super) fn is_for(&self, ticket: Ticket) -> bool {
        matches!(&self.what, What::Claim(claiming)
            if matches!(&claiming.purpose, ClaimFor::FollowUp(follow_up) if follow_up.ticket == ticket))
    }

    /// Whoever waited for this write has left, and reads nothing.
    pub(super) fn abandon(&mut self, ticket: Ticket) {
        if let What::Claim(claiming) = &mut self.what
            && let ClaimFor::FollowUp(follow_up) = &mut claiming.purpose
            && follow_up.ticket == ticket
        {
            follow_up.reads = false;
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.patience
    }
}

/// What a write is for.
#[derive(Debug, Clone)]
enum What {
    /// What the agent said. `over`: it ends the turn.
    Turn { over: bool, claim: ClaimChange },
    /// A claim, for a message, a cancel, a take-over or webhooks.
    Claim(Box<Claiming>),
    /// The end of a task in its executor's place.
    Verdict { verdict: Verdict, before: Option<Claim>, deliver: bool },
    /// The end of a claim on a task that needs no executor.
    EndClaim,
    /// The release of our own claim.
    Release,
}

/// How a task is ended in its executor's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Cancel,
    Fail(&'static str),
}

/// What a claim is for.
#[derive(Debug, Clone)]
pub(super) enum ClaimFor {
    /// A message to the parked task.
    FollowUp(Box<FollowUp>),
    /// A cancel of the parked task, which the agent is to hear of.
    Cancel(Box<CancelRequest>),
    /// The turn of an executor that is gone.
    Resume { handed_over: bool },
    /// What webhooks lack of a task whose executor is gone.
    Deliver,
}

/// A claim that is being made.
#[derive(Debug, Clone)]
pub(super) struct Claiming {
    pub(super) purpose: ClaimFor,
    pub(super) attempt: u32,
    pub(super) before: Option<Claim>,
    pub(super) task: Arc<Task>,
    pub(super) principal: Option<Principal>,
    pub(super) caller: Option<CallerContext>,
    /// Whoever waits for it was told that its outcome is not known.
    pub(super) told: bool,
}

impl Actor {
    /// Begins the next write, if none is on its way and one is wanted.
    pub(super) fn advance_write(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        self.refuse_overdue_requests(m, fx);
        if let Some(write) = &mut self.write {
            if write.patience.is_some_and(|until| until <= m.at) {
                write.patience = None;
                self.tell_unknown(fx);
            }
            return;
        }
        self.claim_for_requests(m, fx);
        while self.write.is_none() && self.loading.is_none() && self.plan_turn(m, fx) {}
        if self.write.is_none() && self.run.is_none() && self.attended.is_none() {
            self.release_delivered(fx);
        }
    }

    /// Somebody else waits for the write that is on its way, and not for ever either.
    pub(super) fn keep_waiting(&mut self, m: Moment<'_>) {
        if let Some(write) = &mut self.write {
            write.patience.get_or_insert(m.at + self.settings.request_patience);
        }
    }

    /// Whoever waits for this write is told that its outcome is not known. The write goes on.
    pub(super) fn tell_unknown(&mut self, fx: &mut Vec<Effect>) {
        let waiting: Vec<Ticket> = match self.write.as_mut().map(|write| &mut write.what) {
            Some(What::Claim(claiming)) => match &claiming.purpose {
                ClaimFor::FollowUp(follow_up) if !claiming.told => {
                    claiming.told = true;
                    vec![follow_up.ticket]
                }
                _ => vec![],
            },
            Some(What::Turn { .. }) => match &mut self.run {
                Some(run) => run.waiters.drain(..).map(|(ticket, _)| ticket).collect(),
                None => vec![],
            },
            _ => vec![],
        };
        waiting.into_iter().for_each(|ticket| fx.push(Effect::Reply(ticket, Reply::Unknown)));
    }

    fn commit(&mut self, what: What, call: CommitCall, patience: Option<Time>, fx: &mut Vec<Effect>) {
        self.write = Some(Write { what, patience });
        fx.push(Effect::Commit(call));
    }

    /// Claims the task as it was loaded, for another purpose than a message.
    pub(super) fn claim_loaded(
        &mut self,
        stored: StoredTask,
        purpose: ClaimFor,
        attempt: u32,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let after = stored.tip();
        let claiming = Claiming {
            before: stored.head.claim,
            attempt,
            principal: stored.head.principal,
            caller: stored.head.caller.map(|caller| *caller),
            task: Arc::new(stored.task),
            purpose,
            told: false,
        };
        self.claim_after(after, claiming, vec![], m, fx);
    }

    pub(super) fn claim_with(
        &mut self,
        claiming: Claiming,
        events: Vec<StreamResponse>,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let ClaimFor::FollowUp(follow_up) = &claiming.purpose else { return };
        let after = follow_up.after;
        self.claim_after(after, claiming, events, m, fx);
    }

    fn claim_after(
        &mut self,
        after: Tip,
        claiming: Claiming,
        events: Vec<StreamResponse>,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let (patience, caller) = match &claiming.purpose {
            ClaimFor::FollowUp(follow_up) => {
                (Some(m.at + self.settings.request_patience), follow_up.caller.clone())
            }
            _ => (None, None),
        };
        let call = CommitCall {
            after,
            id: CommitId::generate(m.env),
            events,
            task: Arc::clone(&claiming.task),
            claim: ClaimChange::Make { instance: self.me, attempt: claiming.attempt },
            principal: None,
            caller,
            may_refuse: patience.is_some(),
        };
        self.commit(What::Claim(Box::new(claiming)), call, patience, fx);
    }

    /// Ends the task as it was loaded, in its executor's place.
    pub(super) fn pass_verdict(
        &mut self,
        stored: StoredTask,
        verdict: Verdict,
        deliver: bool,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let after = stored.tip();
        let mut task = stored.task;
        let event = match verdict {
            Verdict::Cancel => canceled(&task, m.env),
            Verdict::Fail(why) => failed(&task, why, m.env),
        };
        reduce::apply(&mut task, &event);
        let claim =
            if deliver { ClaimChange::Make { instance: self.me, attempt: 1 } } else { ClaimChange::End };
        let call = CommitCall {
            after,
            id: CommitId::generate(m.env),
            events: vec![event],
            task: Arc::new(task),
            claim,
            principal: None,
            caller: None,
            may_refuse: false,
        };
        self.commit(What::Verdict { verdict, before: stored.head.claim, deliver }, call, None, fx);
    }

    /// Ends the claim on the task as it was loaded: nobody needs to run it.
    pub(super) fn end_claim(&mut self, stored: StoredTask, m: Moment<'_>, fx: &mut Vec<Effect>) {
        let call = CommitCall {
            after: stored.tip(),
            id: CommitId::generate(m.env),
            events: vec![],
            task: Arc::new(stored.task),
            claim: ClaimChange::End,
            principal: None,
            caller: None,
            may_refuse: false,
        };
        self.commit(What::EndClaim, call, None, fx);
    }

    fn release_delivered(&mut self, fx: &mut Vec<Effect>) {
        if let Some(claim) = self.delivering.take() {
            self.write = Some(Write { what: What::Release, patience: None });
            fx.push(Effect::Release(claim));
        }
    }

    /// Takes note of what became of the write.
    pub(super) fn written(
        &mut self,
        record: Option<Arc<CommitRecord>>,
        outcome: Written,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let Some(Write { what, .. }) = self.write.take() else { return };
        if self.leaving == Some(super::Leave::Evicted) {
            return;
        }
        if let (Written::Applied, Some(record)) = (&outcome, &record) {
            // Who watches is found out next, and lacks it.
            let is_sent = matches!(what, What::Claim(_) | What::Verdict { .. });
            self.show(record, is_sent, m, fx);
        }
        match what {
            What::Turn { over, claim } => self.turn_written(record, over, claim, outcome, m, fx),
            What::Claim(claiming) => self.claim_written(*claiming, record, outcome, m, fx),
            What::Verdict { verdict, before, deliver } => {
                if let (Written::Applied, Some(record)) = (&outcome, &record) {
                    self.verdict_applied(verdict, before, deliver, record, fx);
                }
                if let Verdict::Fail(_) = verdict {
                    self.end_take_over(take_over_outcome(&outcome, TakeOverOutcome::Failed), fx);
                }
            }
            What::EndClaim => self.end_take_over(take_over_outcome(&outcome, TakeOverOutcome::Ended), fx),
            // Where nobody knows whether it was released, only a commit may take its place: that is how every other
            // claim is made.
            What::Release => {}
        }
    }

    fn claim_written(
        &mut self,
        claiming: Claiming,
        record: Option<Arc<CommitRecord>>,
        outcome: Written,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let refused = match outcome {
            Written::Applied => {
                if let Some(record) = record {
                    self.claimed(claiming, &record, m, fx);
                }
                return;
            }
            Written::Lost => Reply::Stale,
            Written::Unknown => Reply::Unknown,
            Written::TooLarge(error) | Written::Refused(error) => Reply::Refused(error),
        };
        if let Reply::Stale | Reply::Unknown = refused {
            // Another version than its own stops an agent that was here before.
            let follows_ours = match &claiming.purpose {
                ClaimFor::FollowUp(follow_up) => {
                    self.run.as_ref().is_some_and(|run| run.tip == follow_up.after)
                }
                _ => true,
            };
            if follows_ours {
                self.end_run(Reply::Lost(None), m, fx);
            }
        }
        if let Reply::Unknown = refused {
            self.look_after_unknown(fx);
        }
        match claiming.purpose {
            ClaimFor::FollowUp(_) if claiming.told => {}
            ClaimFor::FollowUp(follow_up) => fx.push(Effect::Reply(follow_up.ticket, refused)),
            // The cancel looks again by itself.
            ClaimFor::Cancel(_) => {}
            ClaimFor::Resume { .. } | ClaimFor::Deliver => {
                let how = if let Reply::Stale = refused {
                    TakeOverOutcome::NotTheirs
                } else {
                    TakeOverOutcome::Again
                };
                self.end_take_over(how, fx);
            }
        }
    }

    /// The task is ours: whoever had it is told, and the agent starts.
    fn claimed(&mut self, claiming: Claiming, record: &CommitRecord, m: Moment<'_>, fx: &mut Vec<Effect>) {
        let Claiming { purpose, attempt, before, task, principal, caller, told } = claiming;
        let claim = Claim { instance: self.me, attempt, by: record.id };
        let after = Version::new(record.version.get().saturating_sub(1));
        // What an agent of ours that was here before had not said by now is lost with its claim.
        self.end_run(Reply::Lost(None), m, fx);
        self.delivering = None;
        self.tell_watchers(before, after, fx);
        self.attend(fx);
        let (kind, waiter, cancel, base) = match purpose {
            ClaimFor::Deliver => {
                self.delivering = Some(claim);
                self.end_take_over(TakeOverOutcome::Delivering, fx);
                return;
            }
            ClaimFor::FollowUp(follow_up) => {
                // Whoever was told that nobody knows has left, and reads nothing.
                self.readers += usize::from(follow_up.reads && !told);
                let waiter = (follow_up.ticket, follow_up.answer_at);
                (TurnKind::FollowUp, Some(waiter), None, Some(follow_up.task))
            }
            ClaimFor::Cancel(request) => {
                self.has_claimed_to_cancel();
                (TurnKind::CancelOnly, None, Some(request), None)
            }
            ClaimFor::Resume { handed_over } => {
                self.end_take_over(TakeOverOutcome::Resumed, fx);
                (TurnKind::Resumed { handed_over }, None, None, None)
            }
        };
        let start = StartAgent {
            agent: self.name_agent(),
            kind,
            attempt,
            task: Arc::clone(&task),
            base,
            principal: principal.clone(),
            caller,
            ticket: waiter.map(|(ticket, _)| ticket),
            cancel,
        };
        let mut run = Run::new(start, record.tip(), task, Some(claim), m, &self.settings);
        run.principal = principal;
        run.waiters.extend(waiter.filter(|_| !told));
        self.run = Some(Box::new(run));
        self.answer(true, fx);
    }

    fn verdict_applied(
        &mut self,
        verdict: Verdict,
        before: Option<Claim>,
        deliver: bool,
        record: &CommitRecord,
        fx: &mut Vec<Effect>,
    ) {
        if deliver {
            self.delivering = Some(Claim { instance: self.me, attempt: 1, by: record.id });
            self.attend(fx);
        }
        self.tell_watchers(before, Version::new(record.version.get().saturating_sub(1)), fx);
        if verdict == Verdict::Cancel {
            fx.push(Effect::Report(Report::CancelEnforced));
        }
    }

    /// Those who watch the task, and whoever had it before, lack what came after a version.
    fn tell_watchers(&mut self, before: Option<Claim>, after: Version, fx: &mut Vec<Effect>) {
        if let Some(before) = before.filter(|before| before.instance != self.me) {
            self.publish.add(before.instance, after, a2a_core::Reach::Direct);
            fx.push(Effect::Hint(before.instance, News::Configs));
        }
        self.publish.finding();
        fx.push(Effect::ReadWatchers(after));
    }

    /// Sees to it that the task's webhooks are looked after, for as long as they lack something.
    pub(super) fn attend(&mut self, fx: &mut Vec<Effect>) {
        if self.settings.webhooks {
            self.attended.get_or_insert(0);
            fx.push(Effect::Attend);
        }
    }

    /// A write of ours may have been applied, and nobody knows: if it was, then nobody works under our claim.
    fn look_after_unknown(&mut self, fx: &mut Vec<Effect>) {
        if self.leaving.is_none() {
            self.take_over_asked(None, Some(self.me), false, fx);
        }
    }
}

fn take_over_outcome(outcome: &Written, applied: TakeOverOutcome) -> TakeOverOutcome {
    match outcome {
        Written::Applied => applied,
        Written::Lost => TakeOverOutcome::NotTheirs,
        Written::Unknown | Written::TooLarge(_) | Written::Refused(_) => TakeOverOutcome::Again,
    }
}
