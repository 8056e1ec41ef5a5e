//! Hints on their way to the bus: bounded, and cancels come first.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use a2a_core::{BusMessage, InstanceId, News};
use tokio::sync::Notify;

/// How many hints may wait before new ones are dropped; and as many urgent ones beside them.
const MOST: usize = 8192;
/// How many hints are sent at once.
const AT_ONCE: usize = 32;
/// How many more may be, where these are urgent: no number of others can hold a cancel back.
const URGENT_AT_ONCE: usize = 32;

/// A small message on its way to the bus, off everybody's path.
#[derive(Debug)]
pub(crate) struct Hint {
    pub(crate) to: InstanceId,
    pub(crate) message: BusMessage,
}

impl Hint {
    /// Tells whether a caller waits for what this hint brings about.
    fn is_urgent(&self) -> bool {
        matches!(self.message.news, News::Cancel(..) | News::Cancelling(_) | News::CancelRefused(_))
    }
}

/// The hints that wait.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    more: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    urgent: VecDeque<Hint>,
    others: VecDeque<Hint>,
}

impl Outbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a hint. `false`: too many wait, and it is dropped.
    pub(crate) fn push(&self, hint: Hint) -> bool {
        let is_taken = self.waiting().push(hint);
        self.more.notify_one();
        is_taken
    }

    /// Gives away the hint that is to be sent next, if another may be sent while so many are on their way.
    pub(crate) fn next(&self, under_way: usize) -> Option<Hint> {
        let mut waiting = self.waiting();
        let urgent = (under_way < AT_ONCE + URGENT_AT_ONCE).then(|| waiting.urgent.pop_front()).flatten();
        urgent.or_else(|| (under_way < AT_ONCE).then(|| waiting.others.pop_front()).flatten())
    }

    /// Waits until a hint was added. Cancel safe.
    pub(crate) async fn more(&self) {
        self.more.notified().await;
    }
}

impl Waiting {
    fn push(&mut self, hint: Hint) -> bool {
        let is_urgent = hint.is_urgent();
        if is_urgent {
            self.hurry(&hint);
        }
        let queue = if is_urgent { &mut self.urgent } else { &mut self.others };
        let has_room = queue.len() < MOST;
        if has_room {
            queue.push_back(hint);
        }
        has_room
    }

    /// What the same instance is to know of the same task before an urgent hint goes before it: whoever is to be told
    /// of a task's end must be known as its watcher by then.
    fn hurry(&mut self, urgent: &Hint) {
        let is_before = |hint: &mut Hint| hint.to == urgent.to && hint.message.task == urgent.message.task;
        let mut at = 0;
        while let Some(hint) = self.others.get_mut(at) {
            if is_before(hint) {
                self.urgent.extend(self.others.remove(at));
            } else {
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::{CancelKey, CommitId, Env, Reach, SystemEnv, TaskKey, Tenant, Version};

    use super::*;

    fn hint(to: InstanceId, task: &str, news: News) -> Hint {
        let task = TaskKey::new(Tenant::default(), task);
        Hint { to, message: BusMessage { from: to, task, news, trace: None } }
    }

    fn cancel() -> News {
        let key = CancelKey { claim: CommitId::generate(&SystemEnv), request: SystemEnv.uuid() };
        News::Cancel(key, None)
    }

    fn watch() -> News {
        News::Watch { after: Version::ABSENT, reach: Reach::Direct }
    }

    #[test]
    fn a_cancel_comes_first_and_after_what_was_said_of_its_task() {
        let to = InstanceId::generate(&SystemEnv);
        let outbox = Outbox::default();
        for task in ["a", "b", "c"] {
            outbox.push(hint(to, task, watch()));
        }
        outbox.push(hint(to, "b", cancel()));
        let order: Vec<_> = std::iter::from_fn(|| outbox.next(0))
            .map(|hint| (hint.message.task.task_id.to_string(), hint.message.news.kind()))
            .collect();
        let expected = [("b", "watch"), ("b", "cancel"), ("a", "watch"), ("c", "watch")];
        assert_eq!(order, expected.map(|(task, kind)| (task.to_owned(), kind)));
    }

    #[test]
    fn others_under_way_leave_room_for_a_cancel() {
        let to = InstanceId::generate(&SystemEnv);
        let outbox = Outbox::default();
        outbox.push(hint(to, "a", watch()));
        outbox.push(hint(to, "b", cancel()));
        assert_eq!(outbox.next(AT_ONCE).unwrap().message.news.kind(), "cancel");
        assert!(outbox.next(AT_ONCE).is_none());
        assert!(outbox.next(AT_ONCE - 1).is_some());
    }

    #[test]
    fn hints_are_bounded_and_cancels_have_a_bound_of_their_own() {
        let to = InstanceId::generate(&SystemEnv);
        let outbox = Outbox::default();
        assert!((0..MOST).all(|_| outbox.push(hint(to, "a", watch()))));
        assert!(!outbox.push(hint(to, "a", watch())));
        assert!(outbox.push(hint(to, "b", cancel())));
    }
}
