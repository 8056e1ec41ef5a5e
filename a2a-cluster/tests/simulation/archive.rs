//! What really happened: every commit that any instance has made of any task, who had the claim, and who was evicted.
//!
//! The store itself may forget: old commits, finished tasks, and what was deleted. What is gone leaves a mark, under which
//! nothing is created: a task of the same id and version would be taken for it by whoever still works on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use a2a::TaskPushNotificationConfig;
use a2a_core::{
    Claim, Commit, CommitRecord, InstanceId, Member, MemberState, Principal, PushSubscription, TaskKey,
    Version,
};
use tokio::time::Instant;

use crate::tapped::Tap;

/// One commit.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) record: Arc<CommitRecord>,
    pub(crate) at: Instant,
    /// Who had the claim before it.
    pub(crate) before: Option<Claim>,
}

/// One task from its first commit on.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) key: TaskKey,
    pub(crate) principal: Option<Principal>,
    pub(crate) log: Vec<Entry>,
    claim: Option<Claim>,
    /// When it was deleted, or found expired.
    pub(crate) gone: Option<Instant>,
}

impl Life {
    pub(crate) fn is_over(&self) -> bool {
        self.log.iter().any(|entry| entry.record.is_terminal())
    }
}

/// A webhook that was configured: it is to have what comes after a version.
#[derive(Debug, Clone)]
pub(crate) struct Saved {
    pub(crate) key: TaskKey,
    id: Option<String>,
    pub(crate) url: String,
    pub(crate) after: Version,
    /// Where a later copy of the message configured it anew, it is to have what comes after this.
    pub(crate) later: Version,
    /// It was configured more than once: a message came again. Then it may be told everything again, too.
    pub(crate) is_repeated: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Archive(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    lives: Vec<Life>,
    saved: Vec<Saved>,
    /// The members that said something, by what their labels say.
    members: BTreeMap<InstanceId, String>,
    served: BTreeSet<InstanceId>,
    evicted: BTreeSet<InstanceId>,
}

impl Kept {
    fn life(&mut self, key: &TaskKey) -> Option<&mut Life> {
        self.lives.iter_mut().find(|life| life.key == *key)
    }
}

impl Archive {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap()
    }

    /// All lives, in the order in which they began.
    pub(crate) fn lives(&self) -> Vec<Life> {
        self.kept().lives.clone()
    }

    /// All webhooks that were configured.
    pub(crate) fn saved(&self) -> Vec<Saved> {
        self.kept().saved.clone()
    }

    /// The instances that served, and were declared dead. One whose start failed is not among them.
    pub(crate) fn evicted(&self) -> BTreeSet<InstanceId> {
        let kept = self.kept();
        kept.evicted.intersection(&kept.served).copied().collect()
    }

    /// All ids that a server of this label has had.
    pub(crate) fn ids_of(&self, label: &str) -> Vec<InstanceId> {
        let kept = self.kept();
        kept.members.iter().filter(|(_, its)| *its == label).map(|(id, _)| *id).collect()
    }

    /// A task is about to be deleted.
    pub(crate) fn goes(&self, key: &TaskKey) {
        if let Some(life) = self.kept().life(key) {
            life.gone.get_or_insert_with(Instant::now);
        }
    }

    /// Whether a task of this id is gone, or any where none is named.
    pub(crate) fn has_gone(&self, task: Option<&str>) -> bool {
        let is_it = |life: &Life| task.is_none_or(|task| life.key.task_id == task);
        self.kept().lives.iter().any(|life| life.gone.is_some() && is_it(life))
    }

    /// Whether a task of this id is over, or any where none is named.
    pub(crate) fn is_over(&self, task: Option<&str>) -> bool {
        let is_it = |life: &Life| task.is_none_or(|task| life.key.task_id == task);
        self.kept().lives.iter().any(|life| is_it(life) && life.is_over())
    }

    /// The tasks that are there, and whose they are.
    pub(crate) fn tasks(&self) -> Vec<(TaskKey, Option<Principal>)> {
        let kept = self.kept();
        let living = kept.lives.iter().filter(|life| life.gone.is_none());
        living.map(|life| (life.key.clone(), life.principal.clone())).collect()
    }

    /// Whose a task is, or was.
    pub(crate) fn owner(&self, task: &str) -> Option<Option<Principal>> {
        let kept = self.kept();
        kept.lives.iter().find(|life| life.key.task_id == task).map(|life| life.principal.clone())
    }
}

impl Tap for Archive {
    fn knows(&self, key: &TaskKey) -> bool {
        self.kept().lives.iter().any(|life| life.key == *key)
    }

    fn is_gone(&self, key: &TaskKey) {
        self.goes(key);
    }

    fn applied(&self, key: &TaskKey, commit: &Commit<'_>) {
        let mut kept = self.kept();
        let record = commit.record();
        let index = kept.lives.iter().position(|life| life.key == *key).unwrap_or_else(|| {
            let (key, principal) = (key.clone(), commit.principal().cloned());
            kept.lives.push(Life { key, principal, log: vec![], claim: None, gone: None });
            kept.lives.len() - 1
        });
        let life = &mut kept.lives[index];
        if life.log.last().is_some_and(|last| last.record.id == record.id) {
            return;
        }
        life.log.push(Entry { record: Arc::clone(record), at: Instant::now(), before: life.claim });
        life.claim = commit.claim_after(life.claim);
    }

    fn released(&self, key: &TaskKey, claim: &Claim) {
        if let Some(life) = self.kept().life(key).filter(|life| life.claim.as_ref() == Some(claim)) {
            life.claim = None;
        }
    }

    fn saves(&self, key: &TaskKey, subscription: &PushSubscription) {
        let mut kept = self.kept();
        let TaskPushNotificationConfig { id, url, .. } = subscription.config.clone();
        let after = subscription.progress.acknowledged;
        if let Some(saved) = kept.saved.iter_mut().find(|saved| saved.key == *key && saved.id == id) {
            saved.is_repeated = true;
            saved.after = saved.after.min(after);
            saved.later = saved.later.max(after);
        } else {
            kept.saved.push(Saved { key: key.clone(), id, url, after, later: after, is_repeated: false });
        }
    }

    fn beats(&self, me: &Member) {
        let mut kept = self.kept();
        kept.members.insert(me.id, me.label.clone().unwrap_or_default());
        if me.state == MemberState::Serving {
            kept.served.insert(me.id);
        }
    }

    fn evicted(&self, who: &InstanceId) {
        self.kept().evicted.insert(*who);
    }
}

/// Counts the calls of an instance: whoever calls and calls without a pause harms everybody.
#[derive(Debug)]
pub(crate) struct Pace {
    counted: Mutex<(Instant, usize)>,
    is_lost: AtomicBool,
}

/// So many calls in one second are no use of a store.
const MANY: usize = 20_000;

impl Pace {
    pub(crate) fn new() -> Self {
        Pace { counted: Mutex::new((Instant::now(), 0)), is_lost: AtomicBool::new(false) }
    }

    /// Whether an instance called without a pause.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }
}

impl Tap for Pace {
    fn called(&self) -> bool {
        let (since, calls) = &mut *self.counted.lock().unwrap();
        if since.elapsed().as_secs() >= 1 {
            (*since, *calls) = (Instant::now(), 0);
        }
        *calls += 1;
        self.is_lost.fetch_or(*calls > MANY, Ordering::Relaxed);
        *calls <= MANY
    }
}
