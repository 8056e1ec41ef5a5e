//! Giving way to others, also where an agent blocks the worker on which that happens.
//!
//! A task that yields is looked at again by the worker on which it did, and by no other: what gives way while an agent
//! blocks that worker would wait for the agent. So whatever gives way here does so by [`give_way`].

use tokio::sync::Notify;
use tokio::task::yield_now;

/// Wakes, now and then, those who gave way.
static GAVE_WAY: Notify = Notify::const_new();

/// Lets others go first: for one look at what is ready, or until somebody wakes it where its worker is blocked.
pub(crate) async fn give_way() {
    tokio::select! {
        biased;
        () = yield_now() => {}
        () = GAVE_WAY.notified() => {}
    }
}

/// Wakes those who gave way.
pub(crate) fn wake_those_who_gave_way() {
    GAVE_WAY.notify_waiters();
}
