//! How turns of agents end, as an operator counts them.

use a2a::TaskState;

/// How a turn ended, as far as the agent here is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnOutcome {
    /// The task is completed.
    Completed,
    /// The task is failed.
    Failed,
    /// The task is cancelled.
    Canceled,
    /// The agent rejected the task.
    Rejected,
    /// The task waits for its caller.
    InputRequired,
    /// The task waits for credentials.
    AuthRequired,
    /// A message was the answer; there is no task.
    Answered,
    /// The agent, or the store, refused; there is no task.
    Refused,
    /// The turn is left to others.
    HandedOver,
    /// Another writer has the task.
    Lost,
}

impl TurnOutcome {
    /// All outcomes.
    pub const ALL: [Self; 10] = [
        TurnOutcome::Completed,
        TurnOutcome::Failed,
        TurnOutcome::Canceled,
        TurnOutcome::Rejected,
        TurnOutcome::InputRequired,
        TurnOutcome::AuthRequired,
        TurnOutcome::Answered,
        TurnOutcome::Refused,
        TurnOutcome::HandedOver,
        TurnOutcome::Lost,
    ];

    /// The word for it in metrics.
    pub fn word(self) -> &'static str {
        match self {
            TurnOutcome::Completed => "completed",
            TurnOutcome::Failed => "failed",
            TurnOutcome::Canceled => "canceled",
            TurnOutcome::Rejected => "rejected",
            TurnOutcome::InputRequired => "input_required",
            TurnOutcome::AuthRequired => "auth_required",
            TurnOutcome::Answered => "answered",
            TurnOutcome::Refused => "refused",
            TurnOutcome::HandedOver => "handed_over",
            TurnOutcome::Lost => "lost",
        }
    }

    /// How a turn ended that left its task in this state.
    pub(crate) fn of_state(state: &TaskState) -> Self {
        match state {
            TaskState::Completed => TurnOutcome::Completed,
            TaskState::Canceled => TurnOutcome::Canceled,
            TaskState::Rejected => TurnOutcome::Rejected,
            TaskState::InputRequired => TurnOutcome::InputRequired,
            TaskState::AuthRequired => TurnOutcome::AuthRequired,
            _ => TurnOutcome::Failed,
        }
    }
}
