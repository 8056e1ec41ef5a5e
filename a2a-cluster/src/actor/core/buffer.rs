//! What an agent has said that is in no commit yet: bounded by the size of one commit.

use std::collections::VecDeque;

use a2a::{A2AError, StreamResponse};
use a2a_core::{commit, reduce, weight};

/// One thing that an agent said.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "most of what an agent says is events; boxing each costs more")]
pub enum AgentOutput {
    /// An event of its task.
    Event(StreamResponse),
    /// It gave up.
    Failed(A2AError),
    /// It could not cancel, or would not.
    CancelFailed(A2AError),
    /// It panicked. What it said in panic stays in the log.
    Panicked,
    /// It has nothing more to say.
    Ended,
}

impl AgentOutput {
    /// The bytes that it takes, roughly.
    pub fn bytes(&self) -> usize {
        match self {
            AgentOutput::Event(event) => weight::of_event(event),
            _ => 0,
        }
    }

    /// Tells whether it only continues a turn, so that nobody waits for it more than for what comes next.
    fn is_progress(&self) -> bool {
        match self {
            AgentOutput::Event(StreamResponse::ArtifactUpdate(_)) => true,
            AgentOutput::Event(StreamResponse::StatusUpdate(update)) => {
                !reduce::ends_turn(&update.status.state)
            }
            _ => false,
        }
    }
}

/// The outputs that wait for a commit. When it is full, the agent is not polled: that is its backpressure.
#[derive(Debug, Clone, Default)]
pub struct EventBuffer {
    outputs: VecDeque<AgentOutput>,
    bytes: usize,
    urgent: usize,
}

impl EventBuffer {
    /// Tells whether there is room for more.
    pub fn has_room(&self) -> bool {
        self.outputs.len() < commit::MAX_EVENTS && self.bytes < commit::TARGET_BYTES
    }

    /// Tells whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.outputs.is_empty()
    }

    /// Tells whether all that waits is progress, and there is room for more of it.
    pub fn may_wait(&self) -> bool {
        self.urgent == 0 && self.has_room()
    }

    /// Tells whether the agent's end is what comes next.
    pub fn ends_next(&self) -> bool {
        matches!(self.outputs.front(), Some(AgentOutput::Ended))
    }

    /// Takes one more output.
    pub fn push(&mut self, output: AgentOutput) {
        self.bytes += output.bytes();
        self.urgent += usize::from(!output.is_progress());
        self.outputs.push_back(output);
    }

    /// Takes more outputs, in order.
    pub fn extend(&mut self, outputs: Vec<AgentOutput>) {
        for output in &outputs {
            self.bytes += output.bytes();
            self.urgent += usize::from(!output.is_progress());
        }
        if self.outputs.is_empty() {
            self.outputs = VecDeque::from(outputs);
        } else {
            self.outputs.extend(outputs);
        }
    }

    /// Gives the oldest output away.
    pub fn pop(&mut self) -> Option<AgentOutput> {
        let output = self.outputs.pop_front()?;
        self.bytes -= output.bytes();
        self.urgent -= usize::from(!output.is_progress());
        Some(output)
    }

    /// Forgets all that waits.
    pub fn clear(&mut self) {
        *self = EventBuffer::default();
    }
}
