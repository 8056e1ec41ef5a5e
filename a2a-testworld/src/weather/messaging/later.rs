//! What the endpoint is to do later: setting filter policies, deleting queues.

use bytes::Bytes;
use tokio::time::Instant;

use super::names::Queue;
use crate::weather::endpoint::Head;
use crate::weather::station::Station;

/// What is to be done, and when.
#[derive(Debug, Default)]
pub(super) struct Later(Vec<Task>);

/// A request that is to be sent later.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) due: Instant,
    pub(super) head: Head,
    pub(super) body: Bytes,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Filter {
        /// Its ARN.
        subscription: String,
        /// The policy that is to take effect.
        policy: String,
        /// What the endpoint has in the meantime.
        meanwhile: String,
    },
    Deletion(Queue),
}

impl What {
    fn is_of(&self, other: &What) -> bool {
        match (self, other) {
            (What::Filter { subscription, .. }, What::Filter { subscription: other, .. }) => {
                subscription == other
            }
            (What::Deletion(queue), What::Deletion(other)) => queue == other,
            _ => false,
        }
    }
}

impl Later {
    /// Has something done later, in place of what was to be done to the same thing.
    pub(super) fn add(&mut self, task: Task) {
        self.0.retain(|other| !other.what.is_of(&task.what));
        self.0.push(task);
    }

    /// The filter policy that is to take effect, and what the endpoint has in the meantime.
    pub(super) fn filter(&self, arn: &str) -> Option<(&str, &str)> {
        self.0.iter().find_map(|task| match &task.what {
            What::Filter { subscription, policy, meanwhile } if subscription == arn => {
                Some((policy.as_str(), meanwhile.as_str()))
            }
            _ => None,
        })
    }

    pub(super) fn deletes(&self, queue: &Queue) -> bool {
        self.0.iter().any(|task| matches!(&task.what, What::Deletion(of) if of == queue))
    }

    /// Forgets filters of a subscription, or of all subscriptions of a topic.
    pub(super) fn forget_filters(&mut self, arn: &str) {
        let belongs = |subscription: &str| {
            subscription == arn || subscription.strip_prefix(arn).is_some_and(|rest| rest.starts_with(':'))
        };
        self.0.retain(|task| match &task.what {
            What::Filter { subscription, .. } => !belongs(subscription),
            What::Deletion(_) => true,
        });
    }

    pub(super) fn hurry_filters(&mut self, now: Instant) {
        self.hurry(now, |what| matches!(what, What::Filter { .. }));
    }

    pub(super) fn hurry_deletions(&mut self, now: Instant) {
        self.hurry(now, |what| matches!(what, What::Deletion(_)));
    }

    fn hurry(&mut self, now: Instant, which: impl Fn(&What) -> bool) {
        self.0.iter_mut().filter(|task| which(&task.what)).for_each(|task| task.due = task.due.min(now));
    }

    fn next(&self) -> Option<&Task> {
        self.0.iter().min_by_key(|task| task.due)
    }

    fn done(&mut self, what: &What) {
        self.0.retain(|task| task.what != *what);
    }
}

impl Station {
    /// Does what is due, and waits for it where another request does it already: a request that comes after the time must
    /// find it done.
    pub(in crate::weather) async fn settle(&self) {
        while self.due().is_some() {
            let _settling = self.messaging.settling.lock().await;
            let Some(Task { head, body, what, .. }) = self.due() else { return };
            let said = self.endpoint.pass(&head, body).await;
            let applied = said.is_ok_and(|said| said.status.is_success());
            let mut state = self.messaging.state();
            state.later.done(&what);
            match what {
                What::Filter { .. } => {
                    drop(state);
                    self.sky.count(|counts| counts.messaging.filters_in_effect += u64::from(applied));
                }
                What::Deletion(queue) => state.mailbox.forget(&queue),
            }
        }
    }

    /// Does what is due at its time, even if no request comes.
    pub(in crate::weather) async fn settle_in_time(&self) {
        loop {
            let changed = self.messaging.changed.notified();
            let next = self.messaging.state().later.next().map(|task| task.due);
            match next {
                Some(due) => tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
            self.settle().await;
        }
    }

    /// Has the endpoint do something later.
    pub(super) fn later(&self, task: Task) {
        self.messaging.state().later.add(task);
        self.messaging.changed.notify_one();
    }

    fn due(&self) -> Option<Task> {
        let state = self.messaging.state();
        state.later.next().filter(|task| task.due <= Instant::now()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method};

    use super::*;

    fn later(subscriptions: &[&str]) -> Later {
        let mut later = Later::default();
        for subscription in subscriptions {
            let what = What::Filter {
                subscription: (*subscription).to_owned(),
                policy: "wanted".to_owned(),
                meanwhile: "meanwhile".to_owned(),
            };
            let head = Head { method: Method::POST, path: "/".to_owned(), headers: HeaderMap::new() };
            later.add(Task { due: Instant::now(), head, body: Bytes::new(), what });
        }
        later
    }

    #[test]
    fn what_was_to_be_done_to_a_subscription_or_to_those_of_a_topic_is_forgotten() {
        let mut of_both = later(&["arn:topic:1", "arn:topic:2", "arn:topic-2:1"]);
        of_both.forget_filters("arn:topic:2");
        assert_eq!(of_both.filter("arn:topic:2"), None);
        assert_eq!(of_both.filter("arn:topic:1"), Some(("wanted", "meanwhile")));
        of_both.forget_filters("arn:topic");
        assert_eq!(of_both.filter("arn:topic:1"), None);
        assert_eq!(of_both.filter("arn:topic-2:1"), Some(("wanted", "meanwhile")));
    }

    #[test]
    fn a_second_task_takes_the_place_of_the_first_one() {
        let later = later(&["arn:topic:1", "arn:topic:1"]);
        assert_eq!(later.0.len(), 1);
    }
}
