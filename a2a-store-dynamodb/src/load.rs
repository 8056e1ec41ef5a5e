//! Reading a task: the head, the snapshot that it points to, and the log after that to its end. The head of a
//! task that one commit made is all of it.
//!
//! The three reads are not atomic, and need not be. A snapshot never changes once a head points to it, the log
//! only grows at its end, and the log is read after the head: so what is read is always a prefix of the task's
//! history that holds every commit answered before the read began. A snapshot that a newer one supersedes stays for
//! an hour, so that writers never take it from under a reader, however many there are. Where the task was deleted
//! and created anew meanwhile, the head is read again.

pub(crate) mod behind;

use std::time::Duration;

use a2a_core::{
    BackendError, Claim, ClaimChange, CommitRecord, Result, StoredTask, TaskHead, TaskKey, Tip, Version,
    reduce,
};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::time::sleep;

use crate::DynamoDbStore;
use crate::items::attributes::{Attributes, INCARNATION, Item, SK};
use crate::items::entry::Entry;
use crate::items::head::Head;
use crate::items::keys;
use crate::items::snapshot::Snapshot;
use crate::load::behind::Behind;
use crate::log;
use crate::log_stats::{LogStats, sooner};
use crate::snapshots::stored;

/// How often a head may name what is gone, and be another when it is read again.
const TRIES: usize = 16;

/// How often a head that does not change may name what is not there before that is gone.
const SAME: usize = 3;

/// How long a reader waits before it looks at such a head once more.
const PAUSE: Duration = Duration::from_millis(50);

/// How many large commits are read at once.
const AT_ONCE: usize = 4;

/// A task as read, and what that says about its log.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) stored: StoredTask,
    pub(crate) stats: LogStats,
    pub(crate) behind: Option<Behind>,
}

impl DynamoDbStore {
    /// Reads a task's head; `None` where there is no task.
    pub(crate) async fn read_head(&self, pk: &str) -> Result<Option<Head>> {
        let head = self.calls.get(pk, keys::HEAD).await?.as_ref().map(Head::read).transpose()?;
        Ok(head.filter(|head| head.is_visible(self.now())))
    }

    /// Reads a whole task and remembers where its log stands; renews what would expire while it is needed.
    pub(crate) async fn load(&self, key: &TaskKey, head: Option<Head>) -> Result<Option<StoredTask>> {
        let pk = keys::partition(key)?;
        let Some(Loaded { stored, mut stats, behind }) = self.read_task(&pk, head, true).await? else {
            return Ok(None);
        };
        if behind.is_some() {
            self.repair_later(&pk);
        }
        if !stored.head.state.is_terminal() {
            if self.is_expiring(&stats) {
                stats = self.take_snapshot(&pk, &stored.task, stats).await;
            }
            self.known_logs.note(&pk, stats);
        }
        Ok(Some(stored))
    }

    /// Reads a task, with its artifacts or without those that lie apart.
    pub(crate) async fn read_task(
        &self,
        pk: &str,
        mut head: Option<Head>,
        with_artifacts: bool,
    ) -> Result<Option<Loaded>> {
        let (mut before, mut same) = (None, 0);
        for _ in 0..TRIES {
            let found = match head.take() {
                Some(head) => Some(head),
                None => self.read_head(pk).await?,
            };
            let Some(found) = found else { return Ok(None) };
            same = if before.as_ref() == Some(&found) { same + 1 } else { 0 };
            if same == SAME {
                return Err(BackendError::corrupt(format!("a task of which a part is missing, {pk}")));
            }
            if same > 0 {
                // A transaction may have been seen in part: only reads of single items never do.
                sleep(PAUSE).await;
            }
            if let Some(loaded) = self.assemble(pk, found.clone(), with_artifacts).await? {
                return Ok(Some(loaded));
            }
            before = Some(found);
        }
        Err(BackendError::Unavailable("the task changed whenever it was read".into()))
    }

    async fn assemble(&self, pk: &str, head: Head, with_artifacts: bool) -> Result<Option<Loaded>> {
        let covered = head.covered();
        let base = async {
            match (&head.snapshot, &head.first_entry) {
                (Some(snapshot), _) => {
                    Ok(stored::read(&self.calls, pk, snapshot, with_artifacts).await?.map(Some))
                }
                (None, Some(first)) => {
                    let record = log::unpack(first.entry.clone(), &self.calls, pk).await?;
                    record.map(|record| a2a_core::fold(None, [&*record])).transpose()
                }
                (None, None) => Ok(Some(None)),
            }
        };
        let log = async {
            if head.is_complete() {
                return Ok(Vec::new());
            }
            let items = self.calls.all(log::after(&self.calls, pk, covered)).await?;
            log::entries(&items, head.incarnation)
        };
        let (base, entries): (_, Vec<Entry>) = futures::try_join!(base, log)?;
        let Some(base) = base else { return Ok(None) };
        let is_contiguous = log::contiguous(&entries, covered) == entries.len();
        let tip = Tip { version: covered, generation: head.covered_generation() };
        let tip = entries.last().map_or(tip, |entry| {
            let (version, generation) = (entry.version, entry.generation);
            Tip { version, generation }
        });
        let Tip { version, generation } = tip;
        if !is_contiguous || version < head.version {
            return Ok(None);
        }
        let mut stats = stats_of(&head, &entries, tip);
        stats.noted = self.now();
        let before = head.facts.clone();
        let has_end = reduce::ends_turn(&before.state) && covered >= version;
        let awaits = head.awaits_snapshot;
        let (facts, last) = (facts(head, &entries), entries.last().map(|entry| entry.id));
        let Some(records) = self.open(pk, entries).await? else { return Ok(None) };
        let task = a2a_core::fold(base, records.iter().map(|record| &**record))?
            .ok_or_else(|| BackendError::corrupt("a task without a first commit"))?;
        let head = TaskHead { state: task.status.state.clone(), ..facts };
        stats.in_turn = !reduce::ends_turn(&head.state);
        let behind = Behind::of(&before, has_end, awaits, last, &head);
        Ok(Some(Loaded { stored: StoredTask { task, version, generation, head }, stats, behind }))
    }

    /// Unpacks entries, in order. `None` where a part of one is gone.
    pub(crate) async fn open(
        &self,
        pk: &str,
        entries: Vec<Entry>,
    ) -> Result<Option<Vec<std::sync::Arc<CommitRecord>>>> {
        let mut opened = Vec::with_capacity(entries.len());
        for entry in entries {
            opened.push(log::unpack(entry, &self.calls, pk).boxed());
        }
        let opened: Vec<_> = stream::iter(opened).buffered(AT_ONCE).try_collect().await?;
        Ok(opened.into_iter().collect())
    }

    /// The version that a task has now: of its last log entry, or what its head says where that has expired.
    pub(crate) async fn actual(&self, pk: &str) -> Result<Version> {
        let Some(head) = self.read_head(pk).await? else { return Ok(Version::ABSENT) };
        let floor = head.version.max(head.covered());
        if head.is_complete() {
            return Ok(floor);
        }
        match self.newest_entry(pk, head.incarnation).await? {
            Some(newest) => Ok(keys::version_of(newest.text(SK)?)?.max(floor)),
            None => Ok(floor),
        }
    }

    /// The last item of this life's log that is not in the head: an entry, or the fence of a deletion.
    pub(crate) async fn newest_entry(&self, pk: &str, incarnation: u64) -> Result<Option<Item>> {
        let mut query = self.calls.range(pk, keys::COMMITS).scan_index_forward(false).limit(1);
        loop {
            let (items, next) = self.calls.page(query.clone()).await?;
            for item in items {
                if item.parse::<u64>(INCARNATION)? == incarnation {
                    return Ok(Some(item));
                }
            }
            if next.is_none() {
                return Ok(None);
            }
            // What an earlier life of the task has left is passed over in as few requests as can be.
            query = query.set_limit(None).set_exclusive_start_key(next);
        }
    }
}

fn stats_of(head: &Head, entries: &[Entry], tip: Tip) -> LogStats {
    let snapshot = head.snapshot.clone();
    LogStats {
        incarnation: head.incarnation,
        tip,
        log_units: entries.iter().map(|entry| entry.body.units()).sum(),
        task_bytes: entries.last().map_or(head.covered_bytes(), |entry| entry.task_bytes),
        lasts_until: sooner(
            snapshot.as_ref().and_then(Snapshot::expires),
            entries.first().and_then(|entry| entry.expires),
        ),
        snapshot,
        first_covers: head.first_covers(),
        in_turn: false,
        awaits_head: None,
        caller: head.index_caller.clone(),
        noted: 0,
    }
}

/// The facts at the end of the log: those of the head, and what the entries after it have changed since.
fn facts(head: Head, entries: &[Entry]) -> TaskHead {
    let mut facts = head.facts;
    for entry in entries.iter().filter(|entry| entry.version > head.version) {
        match entry.change {
            ClaimChange::Keep => {}
            ClaimChange::Make { instance, attempt } => {
                facts.claim = Some(Claim { instance, attempt, by: entry.id });
            }
            ClaimChange::End => facts.claim = None,
        }
    }
    facts
}
