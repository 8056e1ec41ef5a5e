//! A commit made ready to write: checked, encoded, and judged for what it must touch beside the log.

use a2a::Task;
use a2a_core::{BackendError, ClaimChange, Commit, CommitId, Result, TaskKey, Tip, Version, reduce};

use crate::items::attributes::Change;
use crate::items::entry::Body;
use crate::items::head;
use crate::items::head_update::HeadUpdate;
use crate::items::keys;
use crate::items::part::{self, PART_BYTES};
use crate::items::payload;

/// Up to what cost of its entry a task of one commit is kept as that entry alone, in its head. Whoever asks for the
/// facts of such a task only, or changes them, pays for all of it.
const SINGLE_ITEM_UNITS: u64 = 8;

/// Up to what size the first entry of a longer log lies in the head: each write of the head pays for it.
const FIRST_BYTES: usize = 1024;

/// A commit, encoded.
#[derive(Debug)]
pub(crate) struct PreparedCommit<'a> {
    pub(crate) key: &'a TaskKey,
    pub(crate) pk: String,
    pub(crate) commit: &'a Commit<'a>,
    /// The size of the events as JSON.
    pub(crate) json_bytes: u64,
    pub(crate) body: Body,
    /// The packed events where they do not fit into the entry.
    pub(crate) overflow: Option<Vec<u8>>,
    /// What becomes of the caller in the head, where that changes.
    pub(crate) caller: Option<Change>,
}

impl<'a> PreparedCommit<'a> {
    /// Checks and encodes a commit. Nothing is written when this fails.
    pub(crate) async fn encode(key: &'a TaskKey, commit: &'a Commit<'a>, max_bytes: usize) -> Result<Self> {
        let pk = keys::partition(key)?;
        let task = commit.task();
        keys::check("task id", &task.id)?;
        keys::check("context id", &task.context_id)?;
        keys::check_principal(commit.principal())?;
        let caller = head::caller_change(commit)?;

        let json = payload::to_json(&commit.record().events)?;
        let json_bytes = json.len();
        if json_bytes > max_bytes {
            return Err(BackendError::TooLarge { what: "a commit", actual: json_bytes, limit: max_bytes });
        }
        let payload = payload::pack(json).await;
        let (body, overflow) = if payload.bytes.len() > PART_BYTES {
            let parts = part::count(payload.bytes.len());
            (Body::Parts { deflated: payload.deflated, parts }, Some(payload.bytes))
        } else {
            (Body::Inline(payload), None)
        };
        Ok(PreparedCommit { key, pk, commit, json_bytes: json_bytes as u64, body, overflow, caller })
    }

    pub(crate) fn version(&self) -> Version {
        self.commit.record().version
    }

    pub(crate) fn tip(&self) -> Tip {
        self.commit.tip()
    }

    pub(crate) fn id(&self) -> CommitId {
        self.commit.record().id
    }

    pub(crate) fn task(&self) -> &'a Task {
        self.commit.task()
    }

    /// What writing the log entry and its parts costs.
    pub(crate) fn units(&self) -> u64 {
        let overflow = self.overflow.iter().flat_map(|bytes| bytes.chunks(PART_BYTES));
        self.body.units() + overflow.map(|piece| part::units(piece.len())).sum::<u64>()
    }

    /// Tells whether the head changes: the status, the claim, or anything at all once the turn has ended,
    /// so that the head of such a task tells where its log ends.
    pub(crate) fn touches_head(&self) -> bool {
        self.commit.record().state().is_some()
            || self.commit.claim_change() != ClaimChange::Keep
            || self.ends_turn()
    }

    /// Tells whether the head holds the entry of this commit, which creates the task.
    pub(crate) fn fits_head(&self) -> bool {
        let Body::Inline(payload) = &self.body else { return false };
        match self.task().status.state.is_terminal() {
            true => self.body.units() <= SINGLE_ITEM_UNITS,
            false => payload.bytes.len() <= FIRST_BYTES,
        }
    }

    /// Tells whether it only says how a turn goes on.
    pub(crate) fn is_passing_status(&self) -> bool {
        !self.ends_turn() && self.commit.claim_change() == ClaimChange::Keep
    }

    /// What it makes of the head.
    pub(crate) fn head_update(&self) -> HeadUpdate<'_> {
        // In the same write as the log entry where a claim is made: the index of executors must not miss a task that
        // somebody runs.
        let claim = (self.commit.claim_change() != ClaimChange::Keep).then(|| self.commit.claim_after(None));
        HeadUpdate {
            task: self.task(),
            tip: self.tip(),
            claim,
            caller: self.caller.clone(),
            has_ended_now: !self.commit.record().events.is_empty(),
            ended_at: None,
            is_repeated: false,
        }
    }

    /// Tells whether the task waits for nobody of ours after this commit.
    pub(crate) fn ends_turn(&self) -> bool {
        reduce::ends_turn(&self.task().status.state)
    }
}

/// Measures a task as JSON without keeping it.
pub(crate) fn measure(task: &Task) -> u64 {
    struct Count(u64);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match serde_json::to_writer(&mut count, task) {
        Ok(()) => count.0,
        // What JSON cannot hold is refused when it is written.
        Err(_) => u64::MAX,
    }
}
