//! Lists: positions from an index, one range per state that lasts, merged; then each task as it is now.

use std::collections::HashSet;

use a2a::Task;
use a2a_core::{Cursor, FillingPage, Result, TaskKey, TaskPage, TaskQuery, first_task_of};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::FutureExt;
use futures::future::try_join_all;
use tokio::time::Instant;

use crate::DynamoDbStore;
use crate::attributes::{Attributes, Item, PK, number, text};
use crate::head::{BY_CALLER, BY_CONTEXT, Head, POSITION};
use crate::order::{self, Range};
use crate::unreadable::read_or_leave_out;
use crate::{keys, shards, table};

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
                let total = match query.counted {
                    Some(counted) => counted,
                    None if next.is_none() && query.after.is_none() => tasks.len() as u64,
                    None => self.count_all(query).await?.max(tasks.len() as u64),
                };
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
        let places = places(query);
        let mut reads = Vec::with_capacity(places.len());
        for place in &places {
            reads.push(self.entries_of(query, place, after, limit).boxed());
        }
        let (read, first) = futures::try_join!(try_join_all(reads), self.first_of_context(query))?;
        let mut entries: Vec<Entry> = read.into_iter().flatten().collect();
        entries.extend(first.filter(|entry| after.is_none_or(|after| key(&entry.cursor) < key(after))));
        entries.sort_by(|a, b| key(&b.cursor).cmp(&key(&a.cursor)));
        let is_last = entries.len() <= limit;
        entries.truncate(limit);
        Ok((entries, is_last))
    }

    /// The first entries of one place after a position: one more than the limit, where there are so many.
    async fn entries_of(
        &self,
        query: &TaskQuery,
        place: &Place,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Entry>> {
        let first = after.map_or_else(|| place.range.end(), |cursor| place.range.at(cursor));
        let wanted = limit.saturating_add(1);
        // The position itself is in the range, and comes first.
        let page = i32::try_from(wanted.saturating_add(1)).unwrap_or(i32::MAX);
        let mut request = self.index(query, place, &first).scan_index_forward(false).limit(page);
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

    /// The task after which the context is named that is asked for: it is in no index of contexts.
    async fn first_of_context(&self, query: &TaskQuery) -> Result<Option<Entry>> {
        let Some(task_id) = query.context_id.as_deref().and_then(first_task_of) else { return Ok(None) };
        let pk = keys::partition(&TaskKey::new(query.tenant.clone(), task_id))?;
        let Some(item) = self.calls.get(&pk, keys::HEAD).await? else { return Ok(None) };
        let Some(head) = read_or_leave_out(&item, Head::read)? else { return Ok(None) };
        let is_in_context = !item.contains_key(BY_CONTEXT);
        let is_asked_for = head.is_visible(self.now())
            && is_in_context
            && head.facts.principal == query.principal
            && query.state.as_ref().is_none_or(|state| *state == head.facts.state);
        let position = |item: &Item| order::cursor(item.text(POSITION)?);
        let cursor = if is_asked_for { read_or_leave_out(&item, position)? } else { None };
        let entry = cursor.map(|cursor| Entry { cursor, pk });
        let is_since =
            |entry: &Entry| query.updated_since.is_none_or(|since| entry.cursor.timestamp >= since);
        Ok(entry.filter(is_since))
    }

    /// A query of the entries of one place up to a position, without the expired ones.
    fn index(&self, query: &TaskQuery, place: &Place, last: &str) -> QueryFluentBuilder {
        let range = place.range;
        let first = query.updated_since.map_or_else(|| range.begin(), |time| range.since(time));
        // A range whose ends have passed each other is an error to DynamoDB, and empty to everybody else.
        let first = if first.as_str() > last { last.to_owned() } else { first };
        let request = self
            .calls
            .query()
            .index_name(place.index)
            .key_condition_expression(format!(
                "{} = :partition AND {POSITION} BETWEEN :first AND :last",
                place.attribute
            ))
            .expression_attribute_values(":partition", text(&place.partition))
            .expression_attribute_values(":first", text(first))
            .expression_attribute_values(":last", text(last))
            .expression_attribute_values(":now", number(self.now()));
        // Only states of a running turn lie together, and few tasks are in one.
        match query.state.as_ref().filter(|_| range == Range::Active) {
            Some(state) => request
                .filter_expression("(attribute_not_exists(x) OR x > :now) AND st = :st")
                .expression_attribute_values(":st", text(order::name_of(state))),
            None => request.filter_expression("attribute_not_exists(x) OR x > :now"),
        }
    }

    /// Counts the matches of all pages, for as long as that may take.
    async fn count_all(&self, query: &TaskQuery) -> Result<u64> {
        let until = Instant::now() + self.config.count_limit;
        let places = places(query);
        let mut counts = Vec::with_capacity(places.len());
        for place in &places {
            counts.push(self.calls.count(self.index(query, place, &place.range.end()), until).boxed());
        }
        let (counts, first) = futures::try_join!(try_join_all(counts), self.first_of_context(query))?;
        Ok(counts.into_iter().sum::<u64>() + u64::from(first.is_some()))
    }
}

/// A range of one partition of an index.
#[derive(Debug)]
struct Place {
    index: &'static str,
    attribute: &'static str,
    partition: String,
    range: Range,
}

/// Where the entries of a list are.
fn places(query: &TaskQuery) -> Vec<Place> {
    let (tenant, principal) = (&query.tenant, query.principal.as_ref());
    let caller = shards::caller(tenant, principal);
    let ranges = Range::passing(query.state.as_ref()).into_iter();
    let places = ranges.flat_map(|range| match &query.context_id {
        Some(context) => {
            let partition = keys::context(tenant, principal, context);
            vec![Place { index: table::BY_CONTEXT, attribute: BY_CONTEXT, partition, range }]
        }
        None => shards::of_range(&caller, range)
            .map(|partition| Place { index: table::BY_CALLER, attribute: BY_CALLER, partition, range })
            .collect(),
    });
    places.collect()
}

fn key(cursor: &Cursor) -> (chrono::DateTime<chrono::Utc>, &str) {
    (cursor.timestamp, &cursor.task_id)
}

fn position(task: &Task) -> (chrono::DateTime<chrono::Utc>, &str) {
    (task.status.timestamp.unwrap_or_default(), &task.id)
}
