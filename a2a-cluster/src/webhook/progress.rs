//! How far a delivery got, as the task's dispatcher sees it.

use std::sync::{Arc, Mutex, PoisonError};

use a2a_core::Version;
use tokio::sync::Notify;

/// How far a delivery got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is something to deliver, or to find out.
    Busy,
    /// There is, and the webhook is away: a shutdown does not wait for it.
    Away,
    /// Everything up to this version is delivered and acknowledged.
    CaughtUp(Version),
    /// It is over.
    Ended(Ended),
}

/// How a delivery ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The webhook is not called any more in the turn that ended with this version.
    GivenUp(Version),
    /// What it puts on record does not count: another one has begun, or the config is not this one any more.
    Displaced,
}

/// A delivery's progress, shared with its dispatcher.
#[derive(Debug)]
pub(super) struct Progress {
    stage: Mutex<Stage>,
    dispatcher: Arc<Notify>,
}

impl Progress {
    pub(super) fn new(dispatcher: Arc<Notify>) -> Self {
        Progress { stage: Mutex::new(Stage::Busy), dispatcher }
    }

    pub(super) fn get(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, stage: Stage) {
        let before =
            std::mem::replace(&mut *self.stage.lock().unwrap_or_else(PoisonError::into_inner), stage);
        if before != stage {
            self.dispatcher.notify_one();
        }
    }
}
