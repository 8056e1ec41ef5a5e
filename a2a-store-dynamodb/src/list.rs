//! Lists: positions from an index, one range per state, merged; then each task as it is now.

use std::collections::HashSet;

use a2a::{Task, TaskState};
use a2a_core::{Cursor, FillingPage, Result, TaskPage, TaskQuery};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::FutureExt;
use futures::future::try_join_all;

use crate::DynamoDbStore;
use crate::attributes::{Attributes, PK, number, text};
use crate::head::{BY_CALLER, BY_CONTEXT, POSITION};
use crate::table;
use crate::{keys, order};

/// An entry of the index.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) cursor: Cursor,
    pub(crate) pk: String,
}

impl DynamoDbStore {
    /// Reads one page of tasks.
    pub(crate) async fn read_page(&self, query: &TaskQuery) -> Result<TaskPage> {
        keys::check("tenant", query.tenant.as_str())?;
        keys::check("context id", query.context_id.as_deref().unwrap_or_default())?;
        keys::check_principal(query.principal.as_ref())?;
        let (mut page, mut shown) = (FillingPage::new(query), HashSet::new());
        let mut after = query.after.clone();
        loop {
            let room = page.room();
            let (entries, is_last) = self.entries(query, after.as_ref(), room).await?;
            let done = self.fill(query, &mut page, &mut shown, &entries).await?;
            let is_full = done < entries.len() || page.room() == 0;
            let last = done.checked_sub(1).and_then(|last| entries.get(last));
            after = last.map(|entry| entry.cursor.clone()).or(after);
            let is_end = is_last && done == entries.len();
            if is_end || is_full {
                let mut tasks = page.into_tasks();
                // A task may have moved up while it was read.
                tasks.sort_by(|a, b| position(b).cmp(&position(a)));
                let next = if is_end { None } else { after };
                let counted = next.is_none() && query.after.is_none();
                let total = if counted { tasks.len() as u64 } else { self.count_all(query).await? };
                return Ok(TaskPage { tasks, next, total });
            }
        }
    }

    /// The next entries after a position, in order, and whether there are no more.
    async fn entries(
        &self,
        query: &TaskQuery,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<(Vec<Entry>, bool)> {
        let states = order::states(query.state.as_ref());
        let mut ranges = Vec::with_capacity(states.len());
        for state in &states {
            ranges.push(self.range_entries(query, state, after, limit).boxed());
        }
        let mut entries: Vec<Entry> = try_join_all(ranges).await?.into_iter().flatten().collect();
        entries.sort_by(|a, b| key(&b.cursor).cmp(&key(&a.cursor)));
        let is_last = entries.len() <= limit;
        entries.truncate(limit);
        Ok((entries, is_last))
    }

    /// The first entries of one state after a position: one more than the limit, where there are so many.
    async fn range_entries(
        &self,
        query: &TaskQuery,
        state: &TaskState,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let first = after.map_or_else(|| order::end(state), |cursor| order::at(state, cursor));
        let wanted = limit.saturating_add(1);
        // The position itself is in the range, and comes first.
        let page = i32::try_from(wanted.saturating_add(1)).unwrap_or(i32::MAX);
        let mut request = self.index(query, state, &first).scan_index_forward(false).limit(page);
        let mut entries = Vec::new();
        loop {
            let (items, next) = self.calls.page(request.clone()).await?;
            for item in &items {
                let cursor = order::cursor(item.text(POSITION)?)?;
                if after.is_none_or(|after| key(&cursor) < key(after)) {
                    entries.push(Entry { cursor, pk: item.text(PK)?.to_owned() });
                }
            }
            if next.is_none() || entries.len() >= wanted {
                entries.truncate(wanted);
                return Ok(entries);
            }
            // Expired entries fill pages and count for nothing: those that DynamoDB has yet to remove are passed
            // over in as few requests as can be.
            request = request.set_limit(None).set_exclusive_start_key(next);
        }
    }

    /// A query of the entries of one state up to a position, without the expired ones.
    fn index(&self, query: &TaskQuery, state: &TaskState, last: &str) -> QueryFluentBuilder {
        let principal = query.principal.as_ref();
        let (index, attribute, partition) = match &query.context_id {
            Some(context) => {
                (table::BY_CONTEXT, BY_CONTEXT, keys::context(&query.tenant, principal, context))
            }
            None => (table::BY_CALLER, BY_CALLER, keys::caller(&query.tenant, principal)),
        };
        let first = query.updated_since.map_or_else(|| order::begin(state), |time| order::since(state, time));
        // A range whose ends have passed each other is an error to DynamoDB, and empty to everybody else.
        let first = if first.as_str() > last { last.to_owned() } else { first };
        self.calls
            .query()
            .index_name(index)
            .key_condition_expression(format!(
                "{attribute} = :partition AND {POSITION} BETWEEN :first AND :last"
            ))
            .filter_expression("attribute_not_exists(x) OR x > :now")
            .expression_attribute_values(":partition", text(partition))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .expression_attribute_values(":now", number(self.now()))
    }

    /// Counts the matches of all pages.
    async fn count_all(&self, query: &TaskQuery) -> Result<u64> {
        let states = order::states(query.state.as_ref());
        let mut counts = Vec::with_capacity(states.len());
        for state in &states {
            counts.push(self.calls.count(self.index(query, state, &order::end(state))).boxed());
        }
        Ok(try_join_all(counts).await?.into_iter().sum())
    }
}

fn key(cursor: &Cursor) -> (chrono::DateTime<chrono::Utc>, &str) {
    (cursor.timestamp, &cursor.task_id)
}

fn position(task: &Task) -> (chrono::DateTime<chrono::Utc>, &str) {
    (task.status.timestamp.unwrap_or_default(), &task.id)
}
