//! What a run tells whoever started it.

use a2a::{Task, TaskStatus};
use a2a_core::reduce;

use super::Run;
use crate::run::{AnswerAt, Reply};

impl Run {
    /// Answers whoever started the run, if it is time.
    pub(super) fn answer_progress(&mut self, committed: bool) {
        if self.reply.is_none() || self.turn.uncreated.is_some() {
            return;
        }
        let reply = match self.answer_at {
            AnswerAt::Opening => Reply::Open,
            AnswerAt::Creation => Reply::Task(Box::new(self.task.clone())),
            AnswerAt::TurnEnd if committed && self.task.status.state.is_terminal() => {
                Reply::Task(Box::new(end_of(&mut self.task)))
            }
            AnswerAt::TurnEnd if committed && reduce::is_interrupted(&self.task.status.state) => {
                Reply::Task(Box::new(self.task.clone()))
            }
            AnswerAt::TurnEnd => return,
        };
        self.answer(reply);
    }

    pub(super) fn answer(&mut self, reply: Reply) {
        if let Some(waiting) = self.reply.take() {
            // Whoever asked may have left; the agent works on.
            let _ = waiting.send(reply);
        }
    }
}

/// Takes a task that has ended. Nothing happens to it any more: of what is left only the state is asked for.
fn end_of(task: &mut Task) -> Task {
    let status = TaskStatus { state: task.status.state.clone(), message: None, timestamp: None };
    let left = Task {
        id: String::new(),
        context_id: String::new(),
        status,
        artifacts: None,
        history: None,
        metadata: None,
    };
    std::mem::replace(task, left)
}
