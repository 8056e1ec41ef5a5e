//! The commits of a turn: what its agent said, in pieces where that is too large as a whole, and the end.

use std::collections::VecDeque;
use std::sync::Arc;

use a2a::{StreamResponse, Task};
use a2a_core::{Claim, ClaimChange, CommitId, CommitRecord, Version, reduce};

use super::What;
use crate::actor::core::effect::{CommitCall, Effect, Report};
use crate::actor::core::input::{Reply, Written};
use crate::actor::core::plan::{CommitPlan, failed, plan_commit};
use crate::actor::core::{Actor, LoadedFor, Moment};
use crate::ground::telemetry::TurnOutcome;

impl Actor {
    /// Makes the next commit of what the agent said. `true`: look again, for there was nothing to commit in it.
    pub(super) fn plan_turn(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) -> bool {
        let Some(run) = self.run.as_mut().filter(|run| run.has_something(m)) else { return false };
        let had_room = run.said.has_room();
        let task = Arc::make_mut(&mut run.task);
        let mut events = if let Some(event) = run.redo.pop_front() {
            reduce::apply(task, &event);
            vec![event]
        } else if run.said.is_empty() {
            vec![]
        } else {
            match plan_commit(&mut run.said, task, &mut run.turn, m.env) {
                CommitPlan::Answer(message) => {
                    self.end_run(Reply::Message(Box::new(message)), m, fx);
                    return false;
                }
                CommitPlan::Refuse(error) => {
                    self.end_run(Reply::Refused(error), m, fx);
                    return false;
                }
                CommitPlan::Commit { events, ended } => {
                    run.said_all |= ended;
                    if let Some(refusal) = run.turn.broke_protocol.take() {
                        fx.push(Effect::Report(Report::BrokeProtocol(refusal)));
                    }
                    events
                }
            }
        };
        let Some(run) = &mut self.run else { return false };
        if !had_room && run.said.has_room() {
            fx.push(Effect::WakeAgent);
        }
        let ended = run.said_all && run.redo.is_empty();
        let over = ended || run.task.status.state.is_terminal();
        let creates = run.turn.uncreated.is_some();
        if events.is_empty() && !creates {
            if over {
                self.turn_over(m, fx);
            }
            return !over;
        }
        let claim = match (over, self.attended.is_some(), creates) {
            // Webhooks that lack something keep the executor on record.
            (true, false, _) => ClaimChange::End,
            (true, true, true) | (false, _, true) => ClaimChange::Make { instance: self.me, attempt: 1 },
            (true, true, false) | (false, _, false) => ClaimChange::Keep,
        };
        if let Some(task) = run.turn.uncreated.take() {
            events.insert(0, StreamResponse::Task(*task));
        }
        run.commits(m, &self.settings);
        let call = CommitCall {
            after: run.tip,
            id: CommitId::generate(m.env),
            events,
            task: Arc::clone(&run.task),
            claim,
            principal: run.principal.clone(),
            caller: if creates { run.caller.clone() } else { None },
            may_refuse: creates,
        };
        let patience = creates.then(|| m.at + self.settings.request_patience);
        self.commit(What::Turn { over, claim }, call, patience, fx);
        false
    }

    /// The turn is over, and all of it is committed.
    fn turn_over(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        // What the turn's last commit ended needs no release; without a last commit, it is not ended yet.
        let Some(run) = &self.run else { return };
        let (claim, outcome) = (run.claim, TurnOutcome::of_state(&run.task.status.state));
        self.end_run_with(outcome, Reply::Lost(None), m, fx);
        self.delivering = claim;
    }

    pub(super) fn turn_written(
        &mut self,
        record: Option<Arc<CommitRecord>>,
        over: bool,
        claim: ClaimChange,
        outcome: Written,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let Some(run) = &mut self.run else { return };
        let Some(record) = record else { return };
        let created = match record.events.first() {
            Some(StreamResponse::Task(task)) if run.tip.version == Version::ABSENT => Some(task),
            _ => None,
        };
        match outcome {
            Written::Applied => {
                run.applied(record.tip(), m, &self.settings);
                if let ClaimChange::Make { instance, attempt } = claim {
                    run.claim = Some(Claim { instance, attempt, by: record.id });
                } else if claim == ClaimChange::End {
                    run.claim = None;
                }
                self.answer(false, fx);
                if over {
                    self.turn_over(m, fx);
                }
            }
            Written::Lost => {
                fx.push(Effect::Report(Report::Lost));
                let uncreated = created.map(|task| Box::new(task.clone()));
                self.end_run(Reply::Lost(uncreated), m, fx);
            }
            Written::Unknown => {
                self.end_run(Reply::Unknown, m, fx);
                self.look_after_unknown(fx);
            }
            Written::TooLarge(error) => {
                fx.push(Effect::Report(Report::TooLarge));
                run.turn.uncreated = created.map(|task| Box::new(task.clone()));
                let events = record.events.iter().skip(usize::from(created.is_some())).cloned().collect();
                self.commit_in_pieces(events, error, m, fx);
            }
            Written::Refused(error) => {
                run.turn.uncreated = created.map(|task| Box::new(task.clone()));
                self.broken(error, m, fx);
            }
        }
    }

    /// What the agent said cannot be committed, for a reason that stays.
    fn broken(&mut self, error: a2a::A2AError, m: Moment<'_>, fx: &mut Vec<Effect>) {
        fx.push(Effect::Report(Report::Broken));
        let exists = self.run.as_ref().is_some_and(|run| run.turn.uncreated.is_none());
        self.end_run(Reply::Refused(error), m, fx);
        if exists && self.leaving.is_none() {
            // Nobody works on it any more: it ends as the task of an executor that is gone.
            self.take_over_asked(None, Some(self.me), false, fx);
        }
    }

    /// Commits one by one what is too large together; the one that is too large by itself fails the task.
    fn commit_in_pieces(
        &mut self,
        events: VecDeque<StreamResponse>,
        error: a2a::A2AError,
        m: Moment<'_>,
        fx: &mut Vec<Effect>,
    ) {
        let Some(run) = &mut self.run else { return };
        if events.is_empty() {
            // The message itself is too large: there is to be no task.
            self.end_run(Reply::Refused(error), m, fx);
            return;
        }
        if run.fails {
            // Not even the end is small enough.
            self.broken(error, m, fx);
            return;
        }
        run.redo = events;
        match &run.turn.uncreated {
            Some(task) => {
                let task = Arc::new(Task::clone(task));
                self.redo_from(task, m);
            }
            None => {
                self.loading = Some(LoadedFor::Redo(run.agent));
                fx.push(Effect::Load);
            }
        }
    }

    /// The task is known again as it was before a commit that was too large.
    pub(in super::super) fn redo_from(&mut self, task: Arc<Task>, m: Moment<'_>) {
        let Some(run) = &mut self.run else { return };
        run.task = task;
        if run.redo.len() == 1 {
            run.redo.clear();
            run.said.clear();
            run.fails = true;
            run.redo.push_back(failed(&run.task, "the agent's output is larger than can be kept", m.env));
            run.said_all = true;
        }
    }
}
