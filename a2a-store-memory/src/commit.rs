//! The compare-and-append: what a commit does to a task and to the indexes.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a::StreamResponse;
use a2a_core::{
    BackendError, Claim, ClaimChange, Commit, CommitId, CommitRecord, Outcome, Result, TaskKey, Tip, Version,
    reduce,
};

use crate::entry::Entry;
use crate::listing::{Owner, Row};
use crate::location::Location;
use crate::log::Log;
use crate::retention::Surplus;
use crate::shards::lock;

impl Location {
    /// Applies a commit, or says why not.
    pub(crate) fn commit(&self, key: &TaskKey, commit: &Commit<'_>) -> Result<Outcome> {
        let mut shard = self.shards.lock(key);
        let surplus = match shard.tasks.get_mut(key) {
            Some(entry) => {
                let actual = entry.log.tip().version;
                if actual != commit.expected() {
                    return Ok(fate_of_late(entry, commit));
                }
                self.append(key, entry, commit)
            }
            None if commit.expected() != Version::ABSENT => {
                return Ok(Outcome::Conflict { actual: Version::ABSENT });
            }
            None => {
                let mut entry = first(key, commit)?;
                self.listing.insert(&entry.owner, &entry.row);
                self.hand_over(key, &mut entry, commit);
                let surplus = self.finish(key, &mut entry);
                shard.tasks.insert(key.clone(), entry);
                surplus
            }
        };
        drop(shard);
        if let Some(surplus) = surplus {
            self.discard(surplus);
        }
        Ok(Outcome::Applied(commit.record().version))
    }

    /// Appends an empty commit to a task whose turn is under way.
    pub(crate) fn fence(&self, entry: &mut Entry, id: CommitId) -> Option<Tip> {
        if reduce::ends_turn(&entry.row.state) {
            return None;
        }
        if entry.log.last_id() != Some(id) {
            let Tip { version, generation } = entry.log.tip();
            let record = CommitRecord { version: version.next(), generation, id, events: Vec::new() };
            entry.log.push(Arc::new(record), &self.config);
        }
        Some(entry.log.tip())
    }

    fn append(&self, key: &TaskKey, entry: &mut Entry, commit: &Commit<'_>) -> Option<Surplus> {
        entry.log.push(Arc::clone(commit.record()), &self.config);
        self.hand_over(key, entry, commit);
        // A terminal state is never left, whatever the writer believes.
        if entry.row.state.is_terminal() || entry.row.describes(commit.task()) {
            return None;
        }
        let row = Row::new(Arc::clone(&entry.row.position.id), commit.task());
        self.listing.replace(&entry.owner, &entry.row, &row);
        entry.row = row;
        self.finish(key, entry)
    }

    fn hand_over(&self, key: &TaskKey, entry: &mut Entry, commit: &Commit<'_>) {
        match commit.claim_change() {
            ClaimChange::Keep => return,
            ClaimChange::Make { .. } => {
                if let Some(caller) = commit.caller() {
                    entry.caller = Some(Box::new(caller.clone()));
                }
            }
            ClaimChange::End => {}
        }
        self.set_claim(key, entry, commit.claim_after(entry.claim));
    }

    /// Records who may run a task's agent.
    pub(crate) fn set_claim(&self, key: &TaskKey, entry: &mut Entry, next: Option<Claim>) {
        lock(&self.executing).hand_over(key, entry.claim.as_ref(), next.as_ref());
        entry.claim = next;
    }

    fn finish(&self, key: &TaskKey, entry: &mut Entry) -> Option<Surplus> {
        if !entry.row.state.is_terminal() {
            return None;
        }
        let (place, surplus) = lock(&self.retention).finish(key, entry.log.bytes(), &self.config);
        entry.finished = Some(place);
        Some(surplus)
    }
}

/// A commit that is the last one in the log already is a repetition: its first answer was lost.
fn fate_of_late(entry: &Entry, commit: &Commit<'_>) -> Outcome {
    let actual = entry.log.tip().version;
    let record = commit.record();
    if record.version == actual && entry.log.last_id() == Some(record.id) {
        Outcome::Applied(actual)
    } else {
        Outcome::Conflict { actual }
    }
}

fn first(key: &TaskKey, commit: &Commit<'_>) -> Result<Entry> {
    let record = commit.record();
    if !matches!(record.events.first(), Some(StreamResponse::Task(_))) {
        return Err(BackendError::rejected("the first commit of a task must begin with the task itself"));
    }
    let owner = Owner { tenant: key.tenant.clone(), principal: commit.principal().cloned() };
    Ok(Entry {
        row: Row::new(key.task_id.as_str().into(), commit.task()),
        log: Log::new(Arc::clone(record)),
        owner: Arc::new(owner),
        claim: None,
        caller: None,
        watchers: BTreeSet::new(),
        finished: None,
    })
}
