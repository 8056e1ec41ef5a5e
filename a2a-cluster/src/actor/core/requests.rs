//! Messages to the parked task that arrive here: one after the other claims it.

use std::sync::Arc;

use a2a::{StreamResponse, Task, TaskState};
use a2a_core::reduce;

use super::claims::{ClaimFor, Claiming};
use super::effect::Effect;
use super::input::{FollowUp, Reply};
use super::{Actor, LoadedFor, Moment, Time};

/// A message that waits for the one before it.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) follow_up: FollowUp,
    /// Until when it waits: what comes before it may not be answered for long.
    until: Time,
}

impl Actor {
    /// A message that was checked against the task as it was then; it waits for its turn to claim.
    pub(super) fn continue_with(&mut self, follow_up: FollowUp, m: Moment<'_>, fx: &mut Vec<Effect>) {
        if self.leaving.is_some() {
            fx.push(Effect::Reply(follow_up.ticket, Reply::Stopped));
        } else {
            let until = m.at + self.settings.request_patience;
            self.requests.push_back(Request { follow_up, until });
        }
    }

    /// Whoever has waited for long enough is told that nothing was done.
    pub(super) fn refuse_overdue_requests(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        self.requests.retain(|request| {
            let waits = m.at < request.until;
            if !waits {
                fx.push(Effect::Reply(request.follow_up.ticket, Reply::Busy));
            }
            waits
        });
    }

    pub(super) fn requests_deadline(&self) -> Option<Time> {
        self.requests.front().map(|request| request.until)
    }

    /// Claims the task for the first message that still meets it as it was read.
    pub(super) fn claim_for_requests(&mut self, m: Moment<'_>, fx: &mut Vec<Effect>) {
        while self.write.is_none()
            && !self.is_unsure_of_task()
            && let Some(request) = self.requests.pop_front()
        {
            self.claim_for_follow_up(request.follow_up, m, fx);
        }
    }

    /// Tells whether the task as the agent here has it holds what is in no commit: one was too large, and the task is
    /// being read again as it was before.
    fn is_unsure_of_task(&self) -> bool {
        self.run.as_ref().is_some_and(|run| self.loading == Some(LoadedFor::Redo(run.agent)))
    }

    /// Claims the parked task for a message. Where an agent of ours has left it open, the claim follows what that one
    /// said last, so that it cannot be outrun.
    fn claim_for_follow_up(&mut self, mut follow_up: FollowUp, m: Moment<'_>, fx: &mut Vec<Effect>) {
        match self.run.as_ref().filter(|run| run.tip.version >= follow_up.after.version) {
            Some(run) if run.is_parked() => {
                follow_up.task = Arc::clone(&run.task);
                follow_up.after = run.tip;
                follow_up.before = run.claim;
            }
            _ => {}
        }
        if self.known() > follow_up.after.version {
            fx.push(Effect::Reply(follow_up.ticket, Reply::Stale));
            return;
        }
        let mut task = Task::clone(&follow_up.task);
        let message = reduce::user_message(&task, follow_up.message.clone());
        let events =
            vec![reduce::status(&task, TaskState::Working, None, m.env), StreamResponse::Message(message)];
        events.iter().for_each(|event| reduce::apply(&mut task, event));
        let claiming = Claiming {
            before: follow_up.before,
            attempt: 1,
            task: Arc::new(task),
            principal: follow_up.principal.clone(),
            caller: follow_up.caller.clone(),
            purpose: ClaimFor::FollowUp(Box::new(follow_up)),
            told: false,
        };
        self.claim_with(claiming, events, m, fx);
    }
}
