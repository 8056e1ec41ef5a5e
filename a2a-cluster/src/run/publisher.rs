//! Sends a run's commits to the instances that watch its task; exists only where there are any.
//!
//! It reads the task's feed like any other reader, so that a slow bus holds up neither the agent nor a
//! client: what gathers while one message is on its way goes with the next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::{BusMessage, CommitRecord, InstanceId, News, Reach, Recipient, TaskKey, Version};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::error::Chain;
use crate::feed::Attached;
use crate::feed::ring::Tail;
use crate::instance::Instance;
use crate::telemetry::{Counted, sending, trace};
use crate::weight;

/// The commits of one message weigh at most this, so that it fits in one billing unit of a broker.
const MESSAGE_BYTES: usize = 48 * 1024;

/// The watchers of a run's task, and how far each has got.
#[derive(Debug, Default)]
pub(crate) struct Publisher(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    watchers: BTreeMap<InstanceId, Watcher>,
    publishing: bool,
}

/// One that has everything up to a version.
#[derive(Debug)]
struct Watcher {
    reach: Reach,
    sent: Version,
    _counted: Counted,
}

impl Publisher {
    /// Adds a watcher that has everything up to `after`, or sets one back to it. Returns the work of sending, where
    /// it has to be begun.
    pub(super) fn add(
        &self,
        instance: &Arc<Instance>,
        key: &TaskKey,
        version: Version,
        done: &CancellationToken,
        who: Recipient,
        after: Version,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        let start = {
            let mut state = self.0.state();
            let counted = Counted::by(&instance.meters.watchers);
            let watcher = Watcher { reach: who.reach, sent: after, _counted: counted };
            state.watchers.insert(who.instance, watcher);
            !std::mem::replace(&mut state.publishing, true)
        };
        self.0.changed.notify_one();
        start.then(|| {
            let feed = instance.feeds.hold(key);
            feed.advance(version, false);
            publish(Arc::clone(instance), key.clone(), feed, Arc::clone(&self.0), done.clone())
        })
    }

    /// Removes a watcher.
    pub(super) fn remove(&self, who: InstanceId) {
        self.0.state().watchers.remove(&who);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the version of those who are furthest behind `head`, and who they are.
    fn furthest_behind(&self, head: Version) -> Option<(Version, Vec<Recipient>)> {
        let state = self.state();
        let least = state.watchers.values().map(|watcher| watcher.sent).min().filter(|sent| *sent < head)?;
        let furthest = state.watchers.iter().filter(|(_, watcher)| watcher.sent == least);
        let recipient =
            |(who, watcher): (&InstanceId, &Watcher)| Recipient { instance: *who, reach: watcher.reach };
        let who = furthest.map(recipient).collect();
        Some((least, who))
    }

    fn sent(&self, who: &[Recipient], from: Version, up_to: Version) {
        let mut state = self.state();
        for who in who {
            // One that was set back meanwhile is served again from there.
            if let Some(watcher) =
                state.watchers.get_mut(&who.instance).filter(|watcher| watcher.sent == from)
            {
                watcher.sent = up_to;
            }
        }
    }
}

async fn publish(
    instance: Arc<Instance>,
    key: TaskKey,
    feed: Attached,
    shared: Arc<Shared>,
    done: CancellationToken,
) {
    let mut progress = feed.progress();
    loop {
        progress.mark_unchanged();
        let ended = done.is_cancelled();
        match shared.furthest_behind(feed.head()) {
            Some((from, who)) => send(&instance, &key, &feed, &shared, from, who).await,
            None if ended => return,
            None => {
                tokio::select! {
                    biased;
                    () = instance.closing.cancelled() => return,
                    () = shared.changed.notified() => {}
                    _ = progress.changed() => {}
                    () = done.cancelled() => {}
                }
            }
        }
    }
}

async fn send(
    instance: &Instance,
    key: &TaskKey,
    feed: &Attached,
    shared: &Shared,
    from: Version,
    who: Vec<Recipient>,
) {
    let (news, up_to) = match feed.after(from) {
        Tail::Commits(commits) => fitting(commits),
        Tail::Behind => {
            let head = feed.head();
            (News::Changed(head), head)
        }
    };
    let trace = trace::header(&*instance.env);
    let message = BusMessage { from: instance.id, task: key.clone(), news, trace };
    match instance.send(&who, &message).instrument(sending(instance, &message)).await {
        Ok(delivery) => {
            if let Some(since) = feed.known_since(from.next()) {
                instance.meters.send_seconds.record(since.elapsed());
            }
            for gone in delivery.gone {
                shared.state().watchers.remove(&gone);
                if let Err(error) = instance.tasks.unwatch(key, &gone).await {
                    tracing::debug!(error = %Chain(&error), "a watcher that is gone stays recorded");
                }
            }
        }
        // A follower that misses a message asks the store.
        Err(error) => tracing::warn!(error = %Chain(&error), "news of a task could not be sent"),
    }
    shared.sent(&who, from, up_to);
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
