//! The names of a caller's tasks, of all or of one context: those that lists leave out as well, because they cannot be
//! read, or have expired and are not removed yet.

use std::collections::HashSet;

use a2a_core::{Cursor, KeyPage, Result, TaskKey, TaskQuery, first_task_of};
use chrono::DateTime;

use crate::DynamoDbStore;
use crate::items::attributes::{Attributes, Item, PK};
use crate::items::head::{BY_CALLER, BY_CONTEXT, DELETED, POSITION};
use crate::items::keys;
use crate::items::order;
use crate::items::shards;
use crate::list::Entry;
use crate::list::page::HEADS;

/// Nothing had expired then.
const BEFORE_ALL: i64 = 0;

impl DynamoDbStore {
    /// Reads one page of names.
    pub(crate) async fn list_keys(&self, query: &TaskQuery) -> Result<KeyPage> {
        keys::check("tenant", query.tenant.as_str())?;
        keys::check("context id", query.context_id.as_deref().unwrap_or_default())?;
        keys::check_principal(query.principal.as_ref())?;
        let first = self.first_name_of_context(query).await?;
        let after = query.after.as_ref();
        let (entries, is_last) = self.entries(query, first, after, query.limit.max(1), BEFORE_ALL).await?;
        let mut seen = HashSet::new();
        let mut names: Vec<&str> = entries.iter().map(|entry| entry.pk.as_str()).collect();
        names.retain(|pk| seen.insert(*pk));
        let mut found = Vec::with_capacity(names.len());
        for partitions in names.chunks(HEADS) {
            for head in self.calls.get_each(partitions, keys::HEAD).await? {
                if is_of(query, &head) {
                    found.push(keys::task_of(head.text(PK)?)?);
                }
            }
        }
        let next = entries.last().filter(|_| !is_last).map(|entry| entry.cursor.clone());
        Ok(KeyPage { keys: found, next })
    }

    /// The task after which the context is named that is asked for: it is in no index of contexts.
    async fn first_name_of_context(&self, query: &TaskQuery) -> Result<Option<Entry>> {
        let Some(task_id) = query.context_id.as_deref().and_then(first_task_of) else { return Ok(None) };
        let pk = keys::partition(&TaskKey::new(query.tenant.clone(), &task_id))?;
        let Some(head) = self.calls.get(&pk, keys::HEAD).await? else { return Ok(None) };
        if head.contains_key(BY_CONTEXT) || !is_of(query, &head) {
            return Ok(None);
        }
        let position = head.text(POSITION).and_then(order::cursor);
        let last = || Cursor { timestamp: DateTime::UNIX_EPOCH, task_id };
        Ok(Some(Entry { cursor: position.unwrap_or_else(|_| last()), pk }))
    }
}

/// Tells whether a head, as it is now, is one of a task of this caller and context: the index lags, and the key may be another
/// task's by now. What cannot be understood of it otherwise does not matter.
fn is_of(query: &TaskQuery, head: &Item) -> bool {
    let text = |name| head.find_text(name).ok().flatten();
    let caller = shards::caller(&query.tenant, query.principal.as_ref());
    let is_callers = text(BY_CALLER).is_some_and(|partition| shards::caller_of(partition) == caller);
    let context = query.context_id.as_deref().zip(text(BY_CONTEXT));
    let is_in_context = context.is_none_or(|(context, partition)| {
        keys::context(&query.tenant, query.principal.as_ref(), context) == partition
    });
    is_callers && is_in_context && !head.contains_key(DELETED)
}
