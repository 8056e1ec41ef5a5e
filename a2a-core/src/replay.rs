//! Reading a log again: from its entries to the task that they make.

use a2a::{StreamResponse, Task};

use crate::reduce::apply;
use crate::{BackendError, CommitRecord, Result};

/// Folds log entries into a task. The first entry of a log begins with the whole task.
///
/// # Errors
///
/// [`BackendError::Corrupt`] where the log does not begin so.
pub fn fold<'a>(
    start: Option<Task>,
    records: impl IntoIterator<Item = &'a CommitRecord>,
) -> Result<Option<Task>> {
    let mut task = start;
    for event in records.into_iter().flat_map(|record| &record.events) {
        match (&mut task, event) {
            (Some(task), event) => apply(task, event),
            (empty, StreamResponse::Task(whole)) => *empty = Some(whole.clone()),
            (_, _) => return Err(BackendError::corrupt("a log that does not begin with a task")),
        }
    }
    Ok(task)
}
