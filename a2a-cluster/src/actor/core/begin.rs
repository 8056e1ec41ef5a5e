//! A message that begins a task: one agent starts for it here, however often the message comes.

use std::sync::Arc;

use a2a::{A2AError, Message, Task};
use a2a_core::{Tip, Version};

use super::effect::{Effect, StartAgent};
use super::input::{FirstTurn, Reply, TurnKind};
use super::run::Run;
use super::{Actor, Moment};

/// What a request is told that comes under the key of another one.
pub fn other_message() -> A2AError {
    A2AError::invalid_params("another message was sent under the same Idempotency-Key")
}

impl Run {
    /// Tells whether this message began it. Another one may come under the same key.
    fn is_begun_by(&self, first: &FirstTurn) -> bool {
        let message = |task: &Task| {
            let message = task.history.iter().flatten().next().cloned();
            message.map(|message| Message { context_id: None, ..message })
        };
        let is_elsewhere = first.names_context && first.task.context_id != self.task.context_id;
        !is_elsewhere && message(&self.task) == message(&first.task)
    }
}

impl Actor {
    /// A message begins the task. One that is begun here already is joined: no second agent starts.
    pub(super) fn begin(&mut self, first: FirstTurn, m: Moment<'_>, fx: &mut Vec<Effect>) {
        self.readers += usize::from(first.reads);
        if self.leaving.is_some() {
            fx.push(Effect::Reply(first.ticket, Reply::Stopped));
            return;
        }
        // Until the commit that creates it is known to be applied, nobody can meet it in the store.
        if let Some(run) = self.run.as_mut().filter(|run| run.claim.is_none()) {
            if run.is_begun_by(&first) {
                run.waiters.push((first.ticket, first.answer_at));
                self.keep_waiting(m);
            } else {
                fx.push(Effect::Reply(first.ticket, Reply::Refused(other_message())));
            }
            return;
        }
        if self.run.is_some() || self.known() > Version::ABSENT || self.write.is_some() {
            fx.push(Effect::Reply(first.ticket, Reply::Met(Box::new(first.task))));
            return;
        }
        self.absent = false;
        let task = Arc::new(first.task);
        let start = StartAgent {
            agent: self.name_agent(),
            kind: TurnKind::First,
            attempt: 1,
            task: Arc::clone(&task),
            base: None,
            principal: first.principal.clone(),
            caller: first.caller.clone(),
            ticket: Some(first.ticket),
            cancel: None,
        };
        let mut run = Run::new(start, Tip::ABSENT, task, None, m, &self.settings);
        run.principal = first.principal;
        run.caller = first.caller;
        run.turn.always_task = first.always_task;
        run.waiters.push((first.ticket, first.answer_at));
        self.run = Some(Box::new(run));
        if first.webhooks {
            self.attend(fx);
        }
    }
}
