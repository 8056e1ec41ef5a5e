//! Reading tasks page by page: the query, the position in it and the token that names a position.

use a2a::{Task, TaskState};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::{Principal, TaskKey, Tenant, weight};

/// How many bytes of tasks [`TaskQuery::new`] allows on a page. A client of gRPC takes 4 MiB, unless it is told otherwise.
pub const PAGE_BYTES: usize = 3 << 20;

/// Which tasks to read, from where and how much of each.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskQuery {
    /// Only tasks of this tenant.
    pub tenant: Tenant,
    /// Only tasks created by this principal; `None` means those created without one.
    pub principal: Option<Principal>,
    /// Only tasks of this context.
    pub context_id: Option<String>,
    /// Only tasks in this state.
    pub state: Option<TaskState>,
    /// Only tasks whose status is of this time or later.
    pub updated_since: Option<DateTime<Utc>>,
    /// Only what comes after this position.
    pub after: Option<Cursor>,
    /// The total that was told with the first page, on a later one.
    pub counted: Option<u64>,
    /// The most tasks to return; at least 1.
    pub limit: usize,
    /// The most bytes of tasks to return, as [`weight`] counts them, of what the query asks for; the first task of
    /// a page may be larger.
    pub bytes: usize,
    /// How many messages of history each task keeps; `None` keeps all.
    pub history: Option<usize>,
    /// Whether tasks keep their artifacts; otherwise the field is absent.
    pub artifacts: bool,
}

impl TaskQuery {
    /// Selects all tasks of a caller, at most `limit` and [`PAGE_BYTES`] on a page, without artifacts.
    pub fn new(tenant: Tenant, principal: Option<Principal>, limit: usize) -> Self {
        TaskQuery {
            tenant,
            principal,
            context_id: None,
            state: None,
            updated_since: None,
            after: None,
            counted: None,
            limit,
            bytes: PAGE_BYTES,
            history: None,
            artifacts: false,
        }
    }

    /// Tells whether a task of this tenant and principal passes the filters.
    pub fn matches(&self, task: &Task) -> bool {
        self.context_id.as_ref().is_none_or(|context| *context == task.context_id)
            && self.state.as_ref().is_none_or(|state| *state == task.status.state)
            && self.updated_since.is_none_or(|since| task.status.timestamp.is_some_and(|at| at >= since))
    }

    /// Cuts a task down to what the query asks for.
    pub fn trim(&self, task: &mut Task) {
        if !self.artifacts {
            task.artifacts = None;
        } else if task.artifacts.is_none() {
            task.artifacts = Some(Vec::new());
        }
        crate::history::trim(task, self.history);
    }

    /// A digest of everything that a position depends on: a token made for one query fits no other.
    fn digest(&self) -> [u8; 8] {
        let state = self.state.as_ref().map(|state| format!("{state:?}"));
        let since = self.updated_since.map(|at| at.timestamp_micros().to_string());
        let fields = [
            Some(self.tenant.as_str()),
            self.principal.as_ref().map(Principal::as_str),
            self.context_id.as_deref(),
            state.as_deref(),
            since.as_deref(),
        ];
        let mut hasher = Sha256::new();
        for field in fields {
            // The length, off by one for a present field, keeps neighbours from running into each other.
            let length = field.map_or(0, |text| text.len() as u64 + 1);
            hasher.update(length.to_be_bytes());
            hasher.update(field.unwrap_or_default());
        }
        let mut digest = [0; 8];
        for (to, from) in digest.iter_mut().zip(hasher.finalize()) {
            *to = from;
        }
        digest
    }
}

/// A position in the order of a list: newest status first, then by id, both descending.
///
/// It names the last task that was read. A task that changes later moves to the front, so that pages never
/// repeat or skip a task that did not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The task's status time.
    pub timestamp: DateTime<Utc>,
    /// The task's id.
    pub task_id: String,
}

impl Cursor {
    /// The position of a task.
    pub fn of(task: &Task) -> Self {
        Cursor { timestamp: task.status.timestamp.unwrap_or_default(), task_id: task.id.clone() }
    }

    /// Tells whether a task comes after this position.
    pub fn precedes(&self, task: &Task) -> bool {
        let at = task.status.timestamp.unwrap_or_default();
        (at, task.id.as_str()) < (self.timestamp, self.task_id.as_str())
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskPage {
    /// The tasks, in order.
    pub tasks: Vec<Task>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Cursor>,
    /// How many tasks match on all pages, as the first page has counted; where that took too long, how many it had found.
    pub total: u64,
}

/// The names of some tasks, and where the next ones are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// The tasks, each once; empty pages may come before full ones.
    pub keys: Vec<TaskKey>,
    /// Where the next page begins, if there may be one.
    pub next: Option<Cursor>,
}

/// A page that takes tasks until it is full, in number or in bytes.
///
/// ```
/// # use a2a_core::{FillingPage, TaskPage, TaskQuery};
/// /// Of all tasks that follow the query's position, in order, makes the page.
/// fn page(query: &TaskQuery, following: Vec<a2a::Task>, total: u64) -> TaskPage {
///     let mut page = FillingPage::new(query);
///     let took_all = following.into_iter().all(|task| page.takes(task));
///     let next = if took_all { None } else { page.last() };
///     TaskPage { tasks: page.into_tasks(), next, total }
/// }
/// ```
#[derive(Debug)]
pub struct FillingPage<'a> {
    query: &'a TaskQuery,
    tasks: Vec<Task>,
    bytes: usize,
}

impl<'a> FillingPage<'a> {
    /// Begins a page.
    pub fn new(query: &'a TaskQuery) -> Self {
        FillingPage { query, tasks: Vec::new(), bytes: 0 }
    }

    /// Takes the next task of the list, cut down to what the query asks for. Tells whether there was room: where there
    /// was none, the page is full, and the task is the first of the next one.
    pub fn takes(&mut self, mut task: Task) -> bool {
        self.query.trim(&mut task);
        let bytes = self.bytes.saturating_add(weight::of_task(&task));
        let has_room = self.tasks.is_empty() || (self.room() > 0 && bytes <= self.query.bytes);
        if has_room {
            self.bytes = bytes;
            self.tasks.push(task);
        }
        has_room
    }

    /// How many more tasks it takes, unless they are large.
    pub fn room(&self) -> usize {
        self.query.limit.max(1).saturating_sub(self.tasks.len())
    }

    /// How many more bytes it takes.
    pub fn room_in_bytes(&self) -> usize {
        self.query.bytes.saturating_sub(self.bytes)
    }

    /// The position of the last task that it took.
    pub fn last(&self) -> Option<Cursor> {
        self.tasks.last().map(Cursor::of)
    }

    /// Returns the tasks that it took, in that order.
    pub fn into_tasks(self) -> Vec<Task> {
        self.tasks
    }
}

/// A position as clients hold it: opaque text that is bound to its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(String);

/// A page token that we did not make, or not for this query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the page token does not belong to this query")]
pub struct BadPageToken;

const TOKEN_FORMAT: u8 = 2;

impl PageToken {
    /// Names a position of a query, with the total that was told before it.
    pub fn new(query: &TaskQuery, cursor: &Cursor, total: u64) -> Self {
        let mut bytes = vec![TOKEN_FORMAT];
        bytes.extend(query.digest());
        bytes.extend(cursor.timestamp.timestamp_micros().to_be_bytes());
        bytes.extend(total.to_be_bytes());
        bytes.extend(cursor.task_id.as_bytes());
        PageToken(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Returns the text for the client.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Reads a client's text back, for a query equal to the one that the token was made for: the position, and the total.
    ///
    /// Whoever holds the token may have changed the total, of which nothing but the answer depends.
    pub fn parse(query: &TaskQuery, text: &str) -> Result<(Cursor, u64), BadPageToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadPageToken)?;
        let (format, rest) = bytes.split_first().ok_or(BadPageToken)?;
        let (digest, rest) = rest.split_first_chunk::<8>().ok_or(BadPageToken)?;
        let (micros, rest) = rest.split_first_chunk::<8>().ok_or(BadPageToken)?;
        let (total, id) = rest.split_first_chunk::<8>().ok_or(BadPageToken)?;
        if *format != TOKEN_FORMAT || *digest != query.digest() {
            return Err(BadPageToken);
        }
        let timestamp = DateTime::from_timestamp_micros(i64::from_be_bytes(*micros)).ok_or(BadPageToken)?;
        let task_id = String::from_utf8(id.to_vec()).map_err(|_| BadPageToken)?;
        Ok((Cursor { timestamp, task_id }, u64::from_be_bytes(*total)))
    }
}

#[cfg(test)]
mod tests;
