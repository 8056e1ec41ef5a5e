//! What agents say, and what of it has to be in the log.

use a2a::TaskState;
use a2a_core::commit::MAX_EVENTS;

use crate::config::Move;
use crate::core::{AgentId, AgentOutput, Input};
use crate::names::{Tag, message};
use crate::world::{Doing, World};

impl World {
    /// An agent says something.
    pub(crate) fn says(&mut self, node: usize, id: AgentId, say: Move) {
        let Some(agent) = self.node(node).agents.iter().find(|agent| agent.id == id) else { return };
        let tag = Tag { node: node as u8, agent: self.node(node).lives * 100 + id, number: agent.said };
        let event = |event| AgentOutput::Event(event);
        let outputs = match say {
            Move::Progress => vec![event(tag.progress())],
            Move::Flood => {
                let tags = (0..MAX_EVENTS as u32).map(|n| Tag { number: tag.number + n, ..tag });
                tags.map(|tag| event(tag.progress())).collect()
            }
            Move::Ask => vec![event(tag.status(TaskState::InputRequired))],
            Move::AskAndEnd => vec![event(tag.status(TaskState::InputRequired)), AgentOutput::Ended],
            Move::Complete => vec![event(tag.status(TaskState::Completed)), AgentOutput::Ended],
            Move::End => vec![AgentOutput::Ended],
            Move::Fail => vec![AgentOutput::Failed(a2a::A2AError::internal("failed")), AgentOutput::Ended],
            Move::Answer => vec![event(a2a::StreamResponse::Message(message("answer"))), AgentOutput::Ended],
            Move::Comply => vec![event(tag.status(TaskState::Canceled)), AgentOutput::Ended],
            Move::Decline => vec![AgentOutput::CancelFailed(a2a::A2AError::task_not_cancelable("task"))],
        };
        let ends = outputs.iter().any(|output| matches!(output, AgentOutput::Ended));
        let tags = outputs
            .iter()
            .filter(|output| matches!(output, AgentOutput::Event(event) if Tag::of(event).is_some()));
        let said = tags.count() as u32;
        self.agent(node, id, |agent| {
            agent.said += said;
            agent.cancelled &= say != Move::Decline || agent.overdue;
            if ends {
                agent.doing = Doing::Ended;
            }
        });
        self.feed(node, Input::Said(id, outputs));
        let has_room = self.node(node).actor.as_ref().is_some_and(|actor| actor.has_room(id));
        self.agent(node, id, |agent| agent.waits_for_room = !has_room);
    }
}
