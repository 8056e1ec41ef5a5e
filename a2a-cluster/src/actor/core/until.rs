//! Where a client's stream of a task ends.

use a2a::{StreamResponse, TaskState};
use a2a_core::reduce;

/// Where a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// With the turn: a terminal or interrupted state.
    TurnEnds,
    /// The same, but for a state in which the agent waits for authorization: it may get it from elsewhere, and go on.
    AuthorizedTurnEnds,
    /// With the task: a terminal state.
    TaskEnds,
}

impl Until {
    /// Tells whether a stream ends with this event.
    pub fn reached(self, event: &StreamResponse) -> bool {
        reduce::state_of(event).is_some_and(|state| match self {
            Until::TaskEnds => state.is_terminal(),
            Until::TurnEnds => reduce::ends_turn(state),
            Until::AuthorizedTurnEnds => reduce::ends_turn(state) && *state != TaskState::AuthRequired,
        })
    }
}
