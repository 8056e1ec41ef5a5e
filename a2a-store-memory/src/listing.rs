//! The order of lists: sets of positions, one for each combination of filters that a query can have.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use a2a::{Task, TaskState};
use a2a_core::{Principal, TaskQuery, Tenant};
use chrono::{DateTime, Utc};
use foldhash::HashMap;

use crate::shards::Shards;

/// Whose tasks a list shows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) tenant: Tenant,
    pub(crate) principal: Option<Principal>,
}

/// Where a task stands in a list; ordered like lists, but oldest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) at: DateTime<Utc>,
    pub(crate) id: Arc<str>,
    /// A task without a status time stands where the epoch is, but passes no time filter.
    dated: bool,
}

/// All that lists know of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) position: Position,
    pub(crate) state: TaskState,
    context: Arc<str>,
}

impl Row {
    pub(crate) fn new(id: Arc<str>, task: &Task) -> Self {
        let at = task.status.timestamp;
        Row {
            position: Position { at: at.unwrap_or_default(), id, dated: at.is_some() },
            state: task.status.state.clone(),
            context: task.context_id.as_str().into(),
        }
    }

    /// Tells whether the row is what [`Row::new`] would make of this task.
    pub(crate) fn describes(&self, task: &Task) -> bool {
        self.position.at == task.status.timestamp.unwrap_or_default()
            && self.position.dated == task.status.timestamp.is_some()
            && self.state == task.status.state
            && *self.context == *task.context_id
    }
}

/// The positions on one page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    /// In the order of the list: newest first.
    pub(crate) positions: Vec<Position>,
    /// Whether the list goes on after the last of them.
    pub(crate) more: bool,
    /// How many tasks match on all pages.
    pub(crate) total: u64,
}

/// The lists of all owners.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    owners: Shards<HashMap<Arc<Owner>, Tasks>>,
}

/// One owner's tasks: all, and by context.
#[derive(Debug, Default)]
struct Tasks {
    all: Ordered,
    contexts: HashMap<Arc<str>, Context>,
}

/// The tasks of one context. Most have a single one, which needs no sets.
#[derive(Debug)]
enum Context {
    Single(Row),
    Several(Box<Ordered>),
}

/// Tasks in order: all, and by state.
#[derive(Debug, Default)]
struct Ordered {
    all: BTreeSet<Position>,
    states: HashMap<TaskState, BTreeSet<Position>>,
}

impl Listing {
    /// Adds a task.
    pub(crate) fn insert(&self, owner: &Arc<Owner>, row: &Row) {
        self.owners.lock(owner).entry(Arc::clone(owner)).or_default().insert(row);
    }

    /// Moves a task that changed, so that no reader finds it twice or not at all.
    pub(crate) fn replace(&self, owner: &Arc<Owner>, old: &Row, new: &Row) {
        let mut owners = self.owners.lock(owner);
        let tasks = owners.entry(Arc::clone(owner)).or_default();
        tasks.remove(old);
        tasks.insert(new);
    }

    /// Takes a task out.
    pub(crate) fn remove(&self, owner: &Arc<Owner>, row: &Row) {
        let mut owners = self.owners.lock(owner);
        if let Some(tasks) = owners.get_mut(owner) {
            tasks.remove(row);
            if tasks.all.is_empty() {
                owners.remove(owner);
            }
        }
    }

    /// Selects a page.
    pub(crate) fn select(&self, query: &TaskQuery) -> Selection {
        let owner = Owner { tenant: query.tenant.clone(), principal: query.principal.clone() };
        let owners = self.owners.lock(&owner);
        owners
            .get(&owner)
            .and_then(|tasks| tasks.matching(query))
            .map_or(Selection { positions: Vec::new(), more: false, total: 0 }, |positions| {
                select(&positions, query)
            })
    }
}

impl Tasks {
    fn insert(&mut self, row: &Row) {
        self.all.insert(row);
        match self.contexts.entry(Arc::clone(&row.context)) {
            Entry::Vacant(place) => {
                place.insert(Context::Single(row.clone()));
            }
            Entry::Occupied(mut context) => context.get_mut().insert(row),
        }
    }

    fn remove(&mut self, row: &Row) {
        self.all.remove(row);
        if let Some(context) = self.contexts.get_mut(&row.context)
            && context.remove(row)
        {
            self.contexts.remove(&row.context);
        }
    }

    /// Finds the set in which every task passes the query's context and state.
    fn matching(&self, query: &TaskQuery) -> Option<Cow<'_, BTreeSet<Position>>> {
        let state = query.state.as_ref();
        match &query.context_id {
            Some(context) => self.contexts.get(context.as_str())?.in_state(state),
            None => self.all.in_state(state).map(Cow::Borrowed),
        }
    }
}

impl Context {
    fn insert(&mut self, row: &Row) {
        match self {
            Context::Single(first) => {
                let mut ordered = Ordered::default();
                ordered.insert(first);
                ordered.insert(row);
                *self = Context::Several(Box::new(ordered));
            }
            Context::Several(ordered) => ordered.insert(row),
        }
    }

    /// Takes a task out; tells whether it was the last one.
    fn remove(&mut self, row: &Row) -> bool {
        match self {
            Context::Single(single) => single == row,
            Context::Several(ordered) => {
                ordered.remove(row);
                ordered.is_empty()
            }
        }
    }

    fn in_state(&self, state: Option<&TaskState>) -> Option<Cow<'_, BTreeSet<Position>>> {
        match self {
            Context::Single(row) => state
                .is_none_or(|state| *state == row.state)
                .then(|| Cow::Owned(BTreeSet::from([row.position.clone()]))),
            Context::Several(ordered) => ordered.in_state(state).map(Cow::Borrowed),
        }
    }
}

impl Ordered {
    fn insert(&mut self, row: &Row) {
        self.all.insert(row.position.clone());
        self.states.entry(row.state.clone()).or_default().insert(row.position.clone());
    }

    fn remove(&mut self, row: &Row) {
        self.all.remove(&row.position);
        if let Some(state) = self.states.get_mut(&row.state) {
            state.remove(&row.position);
            if state.is_empty() {
                self.states.remove(&row.state);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn in_state(&self, state: Option<&TaskState>) -> Option<&BTreeSet<Position>> {
        state.map_or(Some(&self.all), |state| self.states.get(state))
    }
}

fn select(positions: &BTreeSet<Position>, query: &TaskQuery) -> Selection {
    let recent =
        |position: &&Position| query.updated_since.is_none_or(|since| position.dated && position.at >= since);
    let total = match query.updated_since {
        None => positions.len(),
        Some(since) => positions.range(lowest(since)..).filter(recent).count(),
    };
    let mut page = match &query.after {
        None => positions.range(..),
        Some(cursor) => positions
            .range(..Position { at: cursor.timestamp, id: cursor.task_id.as_str().into(), dated: false }),
    }
    .rev()
    .take_while(|position| query.updated_since.is_none_or(|since| position.at >= since))
    .filter(recent)
    .cloned();
    let selected = page.by_ref().take(query.limit.max(1)).collect();
    Selection { positions: selected, more: page.next().is_some(), total: total as u64 }
}

fn lowest(at: DateTime<Utc>) -> Position {
    Position { at, id: "".into(), dated: false }
}

#[cfg(test)]
mod tests;
