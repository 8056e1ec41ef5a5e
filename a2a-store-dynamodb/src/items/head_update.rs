//! What a commit makes of the head, as a value.

use a2a::Task;
use a2a_core::{Claim, Tip, reduce};

use crate::items::attributes::Change;

/// What a commit makes of the head.
#[derive(Debug)]
pub(crate) struct HeadUpdate<'a> {
    /// The task after it.
    pub(crate) task: &'a Task,
    pub(crate) tip: Tip,
    /// The claim after it, where it changes that.
    pub(crate) claim: Option<Option<Claim>>,
    /// What becomes of the caller, where that changes.
    pub(crate) caller: Option<Change>,
    /// The turn has ended with this, and not before.
    pub(crate) has_ended_now: bool,
    /// When it ended, in milliseconds, where that is not now.
    pub(crate) ended_at: Option<i64>,
    /// An earlier attempt may have got as far as the snapshot: a large one is left to whoever repairs the head.
    pub(crate) is_repeated: bool,
}

impl HeadUpdate<'_> {
    /// Tells whether the task waits for nobody of ours.
    pub(crate) fn ends_turn(&self) -> bool {
        reduce::ends_turn(&self.task.status.state)
    }

    /// Whoever takes an ended task over to deliver what is left of it does not prolong it: its snapshot stays no longer.
    pub(crate) fn keeps_expiry(&self) -> bool {
        self.task.status.state.is_terminal() && !self.has_ended_now
    }
}
