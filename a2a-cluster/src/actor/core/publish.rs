//! Sending the task's commits to the instances that watch it, each from where it stands; nothing where there are none.

use std::collections::BTreeMap;
use std::sync::Arc;

use a2a_core::{CommitRecord, InstanceId, News, Reach, Recipient, Version, weight};

use super::Actor;
use super::effect::Effect;
use super::ring::Tail;

/// The commits of one message weigh at most this, so that it fits in one billing unit of a broker.
const MESSAGE_BYTES: usize = 48 * 1024;

/// The watchers of the task, and how far each has got.
#[derive(Debug, Clone, Default)]
pub(super) struct Publish {
    watchers: BTreeMap<InstanceId, Watcher>,
    /// A message is on its way to these.
    sending: Option<Sending>,
    /// The store is being asked who watches.
    finding: u32,
}

#[derive(Debug, Clone, Copy)]
struct Watcher {
    /// It has everything up to this version.
    sent: Version,
    reach: Reach,
}

#[derive(Debug, Clone)]
struct Sending {
    to: Vec<InstanceId>,
    from: Version,
    up_to: Version,
}

impl Publish {
    pub(super) fn is_idle(&self) -> bool {
        self.watchers.is_empty() && self.sending.is_none() && self.finding == 0
    }

    /// Takes note that the store is asked who watches.
    pub(super) fn finding(&mut self) {
        self.finding += 1;
    }

    /// Takes note of who watches; they have everything up to `after`.
    pub(super) fn found(&mut self, watchers: Vec<(InstanceId, Reach)>, after: Version, me: InstanceId) {
        self.finding = self.finding.saturating_sub(1);
        for (watcher, reach) in watchers {
            if watcher != me && !self.watchers.contains_key(&watcher) {
                self.add(watcher, after, reach);
            }
        }
    }

    /// Adds a watcher that has everything up to `after`, or sets one back to it.
    pub(super) fn add(&mut self, who: InstanceId, after: Version, reach: Reach) {
        self.watchers.insert(who, Watcher { sent: after, reach });
    }

    pub(super) fn remove(&mut self, who: InstanceId) {
        self.watchers.remove(&who);
    }

    /// Nobody watches any more. What is on its way is waited for.
    pub(super) fn remove_all(&mut self) {
        self.watchers.clear();
    }

    pub(super) fn clear(&mut self) {
        *self = Publish::default();
    }

    /// How many instances watch.
    pub(super) fn len(&self) -> usize {
        self.watchers.len()
    }

    /// Those who are furthest behind `head`, and where they stand.
    fn furthest_behind(&self, head: Version) -> Option<(Version, Vec<Recipient>)> {
        let least = self.watchers.values().map(|watcher| watcher.sent).min().filter(|sent| *sent < head)?;
        let furthest = self.watchers.iter().filter(|(_, watcher)| watcher.sent == least);
        let who = furthest.map(|(who, watcher)| Recipient { instance: *who, reach: watcher.reach }).collect();
        Some((least, who))
    }
}

impl Actor {
    /// How many instances are sent this task's commits.
    pub fn watchers(&self) -> usize {
        self.publish.len()
    }

    /// An instance watches the task and has everything up to `after`.
    pub(super) fn watched_by(&mut self, who: InstanceId, after: Version, reach: Reach, fx: &mut Vec<Effect>) {
        // Also while the answer to the commit that creates the task is awaited: others see the task already.
        if self.run.is_some() || self.delivering.is_some() {
            self.keep_up(fx);
            self.publish.add(who, after, reach);
        } else if self.ring.head() > after {
            // The run ended meanwhile.
            fx.push(Effect::Hint(who, News::Changed(self.ring.head())));
        }
    }

    /// Sends what watchers lack. Once this instance does not have the task any more and they lack nothing, they are
    /// forgotten: the next executor asks the store who watches.
    pub(super) fn advance_publish(&mut self, fx: &mut Vec<Effect>) {
        if self.publish.sending.is_some() || self.publish.watchers.is_empty() {
            return;
        }
        let head = self.ring.head();
        let Some((from, to)) = self.publish.furthest_behind(head) else {
            if !self.has_task() && self.write.is_none() && self.publish.finding == 0 {
                self.publish.watchers.clear();
            }
            return;
        };
        let (news, up_to) = match self.ring.after(from) {
            Tail::Commits(commits) => fitting(commits),
            Tail::Behind => (News::Changed(head), head),
        };
        let instances = to.iter().map(|recipient| recipient.instance).collect();
        self.publish.sending = Some(Sending { to: instances, from, up_to });
        fx.push(Effect::Send { to, news, first: from.next() });
    }

    /// A message left, or did not: a follower that misses one asks the store.
    pub(super) fn sent(&mut self, gone: Vec<InstanceId>, fx: &mut Vec<Effect>) {
        let Some(Sending { to, from, up_to }) = self.publish.sending.take() else { return };
        for who in to {
            // One that was set back meanwhile is served again from there.
            if let Some(watcher) = self.publish.watchers.get_mut(&who).filter(|watcher| watcher.sent == from)
            {
                watcher.sent = up_to;
            }
        }
        for who in gone {
            self.publish.remove(who);
            fx.push(Effect::ForgetWatcher(who));
        }
    }
}

/// Takes as many commits as fit in one message, at least one.
fn fitting(commits: Vec<Arc<CommitRecord>>) -> (News, Version) {
    let mut bytes = 0;
    let mut fitting = Vec::with_capacity(commits.len());
    let mut last = Version::ABSENT;
    for commit in commits {
        bytes += weight::of_record(&commit);
        if bytes > MESSAGE_BYTES && !fitting.is_empty() {
            break;
        }
        last = commit.version;
        fitting.push(commit);
    }
    (News::Commits(fitting), last)
}
