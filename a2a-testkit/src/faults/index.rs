//! Indexes that lag: what `list` and `executing` do not show yet, or show still.

use std::collections::HashMap;
use std::time::Duration;

use a2a_core::{Claim, ClaimChange, Commit, ExecutingPage, InstanceId, TaskKey, TaskPage, Tenant, Version};
use tokio::time::Instant;

/// The latest changes of all tasks of a store, and when its indexes show them.
#[derive(Debug, Default)]
pub(super) struct Index {
    tasks: HashMap<TaskKey, Entry>,
}

#[derive(Debug, Default)]
struct Entry {
    version: Version,
    claim: Option<Claim>,
    /// Who executed the task before, until the index shows who did next.
    before: Vec<(Instant, Option<InstanceId>)>,
    /// When the lists show the task in its present state.
    listed: Option<Instant>,
}

impl Entry {
    fn take_over(&mut self, claim: Option<Claim>, shown: Instant) {
        let executor = |claim: Option<Claim>| claim.map(|claim| claim.instance);
        if executor(claim) != executor(self.claim) {
            // One task's changes are seen in order.
            let shown = self.before.last().map_or(shown, |(earlier, _)| shown.max(*earlier));
            self.before.push((shown, executor(self.claim)));
        }
        self.claim = claim;
    }

    /// Who executes the task as the index shows it.
    fn executor(&self, now: Instant) -> Option<InstanceId> {
        match self.before.iter().find(|(shown, _)| *shown > now) {
            Some((_, before)) => *before,
            None => self.claim.map(|claim| claim.instance),
        }
    }
}

impl Index {
    /// Notes an applied commit that the indexes show after `lag`; at once without one.
    pub(super) fn committed(&mut self, key: &TaskKey, commit: &Commit<'_>, lag: Option<Duration>) {
        let (now, record) = (Instant::now(), commit.record());
        // Who executes a task that had commits before indexes began to lag is not known here until a commit says so.
        let is_unknown =
            record.version > Version::ABSENT.next() && commit.claim_change() == ClaimChange::Keep;
        let entry = match lag {
            Some(_) if !is_unknown => self.tasks.entry(key.clone()).or_default(),
            // Where indexes never lagged there is nothing to keep track of.
            _ => match self.tasks.get_mut(key) {
                Some(entry) => entry,
                None => return,
            },
        };
        let lag = lag.unwrap_or_default();
        // A repetition changes nothing; and answers of two commits may cross on their way here.
        if record.version <= entry.version {
            return;
        }
        entry.version = record.version;
        entry.before.retain(|(shown, _)| *shown > now);
        entry.take_over(commit.claim_after(entry.claim), now + lag);
        if record.state().is_some() {
            entry.listed = entry.listed.max(Some(now + lag));
        }
    }

    /// Notes that a claim was released.
    pub(super) fn released(&mut self, key: &TaskKey, claim: &Claim, lag: Option<Duration>) {
        if let Some(entry) = self.tasks.get_mut(key).filter(|entry| entry.claim.as_ref() == Some(claim)) {
            entry.take_over(None, Instant::now() + lag.unwrap_or_default());
        }
    }

    /// Notes that a task was deleted: the index may still show who executed it.
    pub(super) fn deleted(&mut self, key: &TaskKey, lag: Option<Duration>) {
        if let Some(entry) = self.tasks.get_mut(key) {
            entry.version = Version::ABSENT;
            entry.take_over(None, Instant::now() + lag.unwrap_or_default());
        }
    }

    /// Hides from a list the tasks whose state it does not know yet.
    pub(super) fn hide_recent(&self, tenant: &Tenant, page: &mut TaskPage) {
        let now = Instant::now();
        page.tasks.retain(|task| {
            let entry = self.tasks.get(&TaskKey::new(tenant.clone(), &*task.id));
            entry.is_none_or(|entry| entry.listed.is_none_or(|shown| shown <= now))
        });
    }

    /// Hides from a page of an executor's tasks those that became its lately; adds to the first page those that it
    /// has no more since lately.
    pub(super) fn lag_executing(&self, who: &InstanceId, is_first: bool, page: &mut ExecutingPage) {
        let now = Instant::now();
        let is_its = |entry: &Entry| entry.executor(now).as_ref() == Some(who);
        page.tasks.retain(|key| self.tasks.get(key).is_none_or(is_its));
        if is_first {
            let executes = |entry: &Entry| entry.claim.is_some_and(|claim| claim.instance == *who);
            let still = self.tasks.iter().filter(|(_, entry)| is_its(entry) && !executes(entry));
            page.tasks.extend(still.map(|(key, _)| key.clone()));
            page.tasks.sort();
        }
    }
}
