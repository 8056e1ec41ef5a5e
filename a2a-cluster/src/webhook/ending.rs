//! What is known of the end of a task's turn.

use a2a::StreamResponse;
use a2a_core::{Generation, TaskHead, reduce};
use chrono::{DateTime, Utc};

/// Tells whether a turn ends with an event.
pub(super) fn ends_turn(event: &StreamResponse) -> bool {
    reduce::state_of(event).is_some_and(reduce::ends_turn)
}

/// Why a webhook is told no more than the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It refuses whatever comes from us.
    Refused,
    /// It was away for too long.
    Overdue,
}

/// What is known of the end of the task's turn.
#[derive(Debug, Default)]
pub(super) struct Ending {
    pub(super) is_over: bool,
    /// How many events the task had by then.
    generation: Generation,
    /// When it ended.
    pub(super) at: Option<DateTime<Utc>>,
    /// Since when the webhook takes nothing that it is told here.
    away: Option<DateTime<Utc>>,
}

impl Ending {
    /// Since when the webhook is away and nothing new comes, as far as that is known. What could not be told for our own sake, it was
    /// not away for.
    pub(super) fn since(&self) -> Option<DateTime<Utc>> {
        Some(self.at?.max(self.away?))
    }

    /// Takes note that the webhook takes nothing now.
    pub(super) fn is_away(&mut self, now: DateTime<Utc>) {
        self.away.get_or_insert(now);
    }

    /// Takes note that it took something.
    pub(super) fn is_there(&mut self) {
        self.away = None;
    }

    /// Takes note of what the task is like.
    pub(super) fn saw(&mut self, head: &TaskHead) {
        self.is_over = reduce::ends_turn(&head.state);
        // Another turn may have begun and ended since the last look.
        if !self.is_over || head.generation != self.generation {
            self.at = None;
        }
        self.generation = head.generation;
    }
}

#[cfg(test)]
mod tests {
    use a2a::TaskState;

    use super::*;

    fn head(state: TaskState, generation: u64) -> TaskHead {
        let generation = Generation::new(generation);
        TaskHead { state, principal: None, caller: None, claim: None, generation }
    }

    #[test]
    fn the_time_of_an_end_is_of_one_turn() {
        let at = DateTime::UNIX_EPOCH;
        let mut ending = Ending::default();
        ending.saw(&head(TaskState::InputRequired, 3));
        assert!(ending.is_over && ending.since().is_none());
        ending.at = Some(at);
        ending.saw(&head(TaskState::InputRequired, 3));
        assert_eq!(ending.since(), None, "it was not called yet");
        let (sooner, later) = (at - chrono::TimeDelta::seconds(9), at + chrono::TimeDelta::seconds(9));
        ending.is_away(sooner);
        ending.is_away(later);
        assert_eq!(ending.since(), Some(at), "it was away before the end");
        ending.is_there();
        ending.is_away(later);
        assert_eq!(ending.since(), Some(later), "it was there after the end");
        // Two looks apart, a whole turn has passed.
        ending.saw(&head(TaskState::InputRequired, 7));
        assert_eq!(ending.since(), None);
        ending.at = Some(at);
        ending.saw(&head(TaskState::Working, 7));
        assert!(!ending.is_over && ending.since().is_none());
    }
}
