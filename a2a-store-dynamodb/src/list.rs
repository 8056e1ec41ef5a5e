//! Lists: positions from an index, one range per state that lasts, merged; then each task as it is now.

mod keys_page;
mod page;

use std::collections::HashSet;

use a2a::Task;
use a2a_core::{Cursor, FillingPage, Result, TaskKey, TaskPage, TaskQuery, first_task_of};
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::FutureExt;
use futures::future::try_join_all;
use tokio::time::Instant;

use crate::DynamoDbStore;
use crate::items::attributes::{Attributes, Item, PK, number, text};
use crate::items::head::{BY_CALLER, BY_CONTEXT, Head, POSITION};
use crate::items::keys;
use crate::items::order::{self, Range};
use crate::items::shards;
use crate::items::unreadable::read_or_leave_out;
use crate::table;

/// How many entries of a place are read at least: fewer cost the same.
const LEAST: usize = 16;

/// An entry of the index.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) cursor: Cursor,
    pub(crate) pk: String,
}

impl DynamoDbStore {
    /// Reads one page of tasks.
    pub(crate) async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        keys::check("tenant", query.tenant.as_str())?;
        keys::check("context id", query.context_id.as_deref().unwrap_or_default())?;
        keys::check_principal(query.principal.as_ref())?;
        let (mut page, mut shown) = (FillingPage::new(query), HashSet::new());
        let mut after = query.after.clone();
        loop {
            let room = page.room();
            let first = self.first_of_context(query).await?;
            let (entries, is_last) = self.entries(query, first, after.as_ref(), room, self.now()).await?;
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

    /// The next entries after a position, in order, and whether there are no more: those that have not expired at a time, and
    /// the `first` task of the context, which is in no index of them.
    ///
    /// Of each place a share of them is read at first, and more of those only that may have some before the last one.
    async fn entries(
        &self,
        query: &TaskQuery,
        first: Option<Entry>,
        after: Option<&Cursor>,
        limit: usize,
        at: i64,
    ) -> Result<(Vec<Entry>, bool)> {
        let wanted = limit.saturating_add(1);
        let first = first.filter(|entry| after.is_none_or(|after| key(&entry.cursor) < key(after)));
        let mut stretches: Vec<Stretch> = places(query).into_iter().map(Stretch::new).collect();
        let mut share = (2 * wanted).div_ceil(stretches.len().max(1)).max(LEAST).min(wanted);
        loop {
            let last = last_of(&stretches, first.as_ref(), wanted);
            let dry = stretches.iter_mut().filter(|stretch| stretch.may_have_before(last.as_ref()));
            let reads: Vec<_> =
                dry.map(|stretch| self.extend_stretch(query, stretch, after, share, at).boxed()).collect();
            if reads.is_empty() {
                break;
            }
            try_join_all(reads).await?;
            share = wanted;
        }
        let mut entries: Vec<Entry> = stretches.into_iter().flat_map(|stretch| stretch.entries).collect();
        entries.extend(first);
        entries.sort_by(|a, b| key(&b.cursor).cmp(&key(&a.cursor)));
        let is_last = entries.len() <= limit;
        entries.truncate(limit);
        Ok((entries, is_last))
    }

    /// Reads some more entries of a place, those after a position: so many, or, where expired ones are in the way, those of a
    /// whole page.
    async fn extend_stretch(
        &self,
        query: &TaskQuery,
        stretch: &mut Stretch,
        after: Option<&Cursor>,
        more: usize,
        at: i64,
    ) -> Result<()> {
        let place = &stretch.place;
        let first = after.map_or_else(|| place.range.end(), |cursor| place.range.at(cursor));
        // The position itself is in the range, and comes first.
        let limit = i32::try_from(more.saturating_add(1)).unwrap_or(i32::MAX);
        let request = self.index(query, place, &first, at).scan_index_forward(false);
        let request = request.set_limit((!stretch.has_gaps).then_some(limit));
        let (items, next) = self.calls.page(request.set_exclusive_start_key(stretch.next.take())).await?;
        stretch.has_gaps = items.len() < more;
        for item in &items {
            let cursor = order::cursor(item.text(POSITION)?)?;
            if after.is_none_or(|after| key(&cursor) < key(after)) {
                stretch.entries.push(Entry { cursor, pk: item.text(PK)?.to_owned() });
            }
        }
        stretch.is_exhausted = next.is_none();
        stretch.read_to = next.as_ref().map(|item| order::cursor(item.text(POSITION)?)).transpose()?;
        stretch.next = next;
        Ok(())
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

    /// A query of the entries of one place up to a position, without those that have expired at a time.
    fn index(&self, query: &TaskQuery, place: &Place, last: &str, at: i64) -> QueryFluentBuilder {
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
            .expression_attribute_values(":now", number(at));
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
            let entries = self.index(query, place, &place.range.end(), self.now());
            counts.push(self.calls.count(entries, until).boxed());
        }
        let (counts, first) = futures::try_join!(try_join_all(counts), self.first_of_context(query))?;
        Ok(counts.into_iter().sum::<u64>() + u64::from(first.is_some()))
    }
}

/// The first entries of a place, as far as they are read.
#[derive(Debug)]
struct Stretch {
    place: Place,
    entries: Vec<Entry>,
    /// What was read last, be it expired or not, where there is more.
    read_to: Option<Cursor>,
    /// Where to go on.
    next: Option<Item>,
    /// Of what was read last, much counted for nothing.
    has_gaps: bool,
    /// There are no more.
    is_exhausted: bool,
}

impl Stretch {
    fn new(place: Place) -> Self {
        Stretch {
            place,
            entries: Vec::new(),
            read_to: None,
            next: None,
            has_gaps: false,
            is_exhausted: false,
        }
    }

    /// Whether an entry that is not read yet may come before this one.
    fn may_have_before(&self, last: Option<&Cursor>) -> bool {
        let is_beyond = self.read_to.as_ref().zip(last).is_some_and(|(read, last)| key(read) <= key(last));
        !self.is_exhausted && !is_beyond
    }
}

/// The last of so many entries, the first ones of those that are read; `None` where there are not so many.
fn last_of(stretches: &[Stretch], first: Option<&Entry>, wanted: usize) -> Option<Cursor> {
    let read = stretches.iter().flat_map(|stretch| &stretch.entries).chain(first);
    let mut read: Vec<&Cursor> = read.map(|entry| &entry.cursor).collect();
    read.sort_by(|a, b| key(b).cmp(&key(a)));
    read.get(wanted.saturating_sub(1)).map(|last| (*last).clone())
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
