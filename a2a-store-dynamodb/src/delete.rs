//! Deletion: the head becomes a mark, the end of the log a fence, everything else goes.
//!
//! The mark makes the task absent at once and keeps its incarnation; the fence lies where the next commit of a
//! writer would go that has not heard of the deletion: behind the last entry of this life's log, be that an item
//! or in the head. Both expire with the retention of commits.
//!
//! The mark keeps the id of the commit that has created the task, so that its writer, if it still waits for an answer, is
//! told that the commit was applied, and does not create the task anew.

use std::collections::HashMap;

use a2a_core::{CommitId, Result, TaskKey, Version, reduce};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::DynamoDbStore;
use crate::items::attributes::{
    Attributes, EXPIRES, FREE, INCARNATION, Item, PK, SK, is_expired, number, text,
};
use crate::items::claim;
use crate::items::entry;
use crate::items::head;
use crate::items::keys;
use crate::items::order;
use crate::requests::calls::Written;

/// How many items are removed at once.
pub(crate) const AT_ONCE: usize = 16;

/// What a deletion needs of a head: also one that cannot be understood otherwise can be deleted.
struct Remains {
    incarnation: u64,
    version: Version,
    /// The commit that has created the task, where it is still known.
    entry: Option<CommitId>,
    expires: Option<i64>,
    is_deleted: bool,
    may_be_written: bool,
}

/// What a deletion has found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Removed {
    /// There was a task.
    pub(crate) existed: bool,
    /// An agent may have been at work on it.
    pub(crate) may_be_written: bool,
    /// How many items were removed beside the head.
    pub(crate) items: usize,
}

impl Remains {
    fn of(head: &Item) -> Result<Self> {
        Ok(Remains {
            incarnation: head.parse(INCARNATION)?,
            version: Version::new(head.find(head::VERSION)?.unwrap_or_default()),
            entry: entry::id_of(head)?,
            expires: head.find(EXPIRES)?,
            is_deleted: head.contains_key(head::DELETED),
            may_be_written: may_be_written(head),
        })
    }
}

impl DynamoDbStore {
    /// Removes a task; tells whether there was one.
    pub(crate) async fn delete(&self, key: &TaskKey) -> Result<bool> {
        Ok(self.remove(key).await?.existed)
    }

    /// Removes a task, but for its mark and fence.
    pub(crate) async fn remove(&self, key: &TaskKey) -> Result<Removed> {
        let pk = keys::partition(key)?;
        self.known_logs.forget(&pk);
        self.upkeep.forget_status(&pk);
        loop {
            let Some(head) = self.calls.get(&pk, keys::HEAD).await?.as_ref().map(Remains::of).transpose()?
            else {
                // No task, then; at most what belongs to none.
                let items = self.sweep(key, 0).await?;
                return Ok(Removed { existed: false, may_be_written: false, items });
            };
            let head = self.with_first_commit(&pk, head).await?;
            if head.is_deleted || self.mark(&pk, &head).await? {
                self.fence_off(&pk, &head).await?;
                let items = self.sweep(key, head.incarnation).await?;
                let existed = !head.is_deleted && !is_expired(head.expires, self.now());
                return Ok(Removed { existed, may_be_written: head.may_be_written, items });
            }
        }
    }

    /// Finds the commit that has created the task, where its entry is not in the head.
    async fn with_first_commit(&self, pk: &str, head: Remains) -> Result<Remains> {
        if head.is_deleted || head.entry.is_some() {
            return Ok(head);
        }
        let first = self.calls.get(pk, &keys::commit(Version::ABSENT.next())).await?;
        let life = head.incarnation;
        let of_this_life =
            first.filter(|item| matches!(item.parse::<u64>(INCARNATION), Ok(found) if found == life));
        let entry = of_this_life.as_ref().map(entry::id_of).transpose().ok().flatten().flatten();
        Ok(Remains { entry, ..head })
    }

    /// Replaces the head by a mark. `false` where it has been replaced, or written, meanwhile: whoever made a claim since then
    /// is at work.
    async fn mark(&self, pk: &str, head: &Remains) -> Result<bool> {
        let name = self.config.env.uuid().to_string();
        let mut mark = HashMap::from([
            (PK.to_owned(), text(pk)),
            (SK.to_owned(), text(keys::HEAD)),
            (INCARNATION.to_owned(), number(head.incarnation)),
            (head::VERSION.to_owned(), number(head.version)),
            (head::DELETED.to_owned(), text(&name)),
            (EXPIRES.to_owned(), number(self.now() + self.commit_seconds())),
        ]);
        if let Some(entry) = &head.entry {
            mark.insert(entry::ID.to_owned(), text(entry.to_string()));
        }
        let put = self
            .calls
            .put(mark)
            .condition_expression(
                "g = :g AND attribute_not_exists(del) AND (attribute_not_exists(v) OR v = :v)",
            )
            .expression_attribute_values(":g", number(head.incarnation))
            .expression_attribute_values(":v", number(head.version));
        Ok(match self.calls.send_put(put).await? {
            Written::Done => true,
            // An attempt without an answer may have been ours.
            Written::Unmet(item) => {
                item.map(|item| item.find_text(head::DELETED).map(|found| found == Some(&name)))
                    .transpose()?
                    == Some(true)
            }
        })
    }

    /// Puts a fence after the last entry of the log.
    async fn fence_off(&self, pk: &str, head: &Remains) -> Result<()> {
        let incarnation = head.incarnation;
        loop {
            let next = match self.newest_entry(pk, incarnation).await? {
                Some(newest) if is_fence(&newest) => return Ok(()),
                Some(newest) => keys::version_of(newest.text(SK)?)?.max(head.version).next(),
                // The entry is in the head, or all have expired.
                None => head.version.next(),
            };
            let fence = HashMap::from([
                (PK.to_owned(), text(pk)),
                (SK.to_owned(), text(keys::commit(next))),
                (INCARNATION.to_owned(), number(incarnation)),
                (head::DELETED.to_owned(), text("fence")),
                (EXPIRES.to_owned(), number(self.now() + self.commit_seconds())),
            ]);
            let put = self
                .calls
                .put(fence)
                .condition_expression(FREE)
                .expression_attribute_values(":g", number(incarnation));
            match self.calls.send_put(put).await? {
                Written::Done => return Ok(()),
                Written::Unmet(Some(item)) if item.parse::<u64>(INCARNATION)? > incarnation => {
                    // A later life has got so far: nobody of this one gets past its entry.
                    return Ok(());
                }
                // A commit came first: the fence goes behind it.
                Written::Unmet(_) => {}
            }
        }
    }

    /// Removes what belongs to this life of the task, but the mark and the fence.
    async fn sweep(&self, key: &TaskKey, incarnation: u64) -> Result<usize> {
        let pk = &keys::partition(key)?;
        let query = self
            .calls
            .query()
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .projection_expression("sk, g, del");
        let (mut from, mut removed) = (None, 0);
        loop {
            let (items, next) = self.calls.page(query.clone().set_exclusive_start_key(from)).await?;
            let mut removals = Vec::new();
            for item in &items {
                let of_this_life = item.find::<u64>(INCARNATION)?.is_none_or(|life| life <= incarnation);
                if of_this_life && !is_fence(item) {
                    let sk = item.text(SK)?;
                    removed += 1;
                    removals.push(self.remove_item(pk, sk, incarnation).boxed());
                    // Nobody can have a delivery tried again whose task is gone.
                    if let Some(config_id) = keys::push_config_named(sk) {
                        removals.push(self.forget_given_up(key, config_id).boxed());
                    }
                }
            }
            stream::iter(removals).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
            if next.is_none() {
                return Ok(removed);
            }
            from = next;
        }
    }

    /// Removes an item unless a later life of the task has taken its place.
    pub(crate) async fn remove_item(&self, pk: &str, sk: &str, incarnation: u64) -> Result<()> {
        let delete = self
            .calls
            .delete(pk, sk)
            .condition_expression("attribute_not_exists(g) OR g <= :g")
            .expression_attribute_values(":g", number(incarnation));
        match self.calls.send_delete(delete).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }
}

/// Tells whether an agent may be at work on a task.
fn may_be_written(head: &Item) -> bool {
    let state = head.text(head::STATE).and_then(order::state_named);
    // What lacks a snapshot is in the index of executors, and nobody's.
    let is_claimed =
        !matches!(claim::executor(head), Ok(None)) && !matches!(claim::awaits_snapshot(head), Ok(true));
    is_claimed || !state.is_ok_and(|state| reduce::ends_turn(&state))
}

/// Tells whether an item is the mark or the fence of a deletion.
fn is_fence(item: &Item) -> bool {
    item.contains_key(head::DELETED)
}
