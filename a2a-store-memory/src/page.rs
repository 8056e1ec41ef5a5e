//! One page of a list: the tasks at the selected positions, cut down to what the query asks for.

use a2a::Task;
use a2a_core::{Cursor, FillingPage, TaskKey, TaskPage, TaskQuery};

use crate::listing::Position;
use crate::location::Location;

impl Location {
    /// Reads a page.
    ///
    /// The tasks are read after the index is let go, so one may have changed since. It is at the front of the
    /// list now: on the first page it is shown there, on later ones not at all.
    pub(crate) fn page(&self, query: &TaskQuery) -> TaskPage {
        let selection = self.listing.select(query);
        let mut page = FillingPage::new(query);
        let mut last = None;
        let mut more = selection.more;
        for position in &selection.positions {
            if let Some(task) = self.listed(query, position)
                && !page.takes(task)
            {
                more = true;
                break;
            }
            last = Some(position);
        }
        let next = last.filter(|_| more);
        let next = next.map(|last| Cursor { timestamp: last.at, task_id: last.id.to_string() });
        let mut tasks = page.into_tasks();
        tasks.sort_by(|a, b| place(b).cmp(&place(a)));
        TaskPage { tasks, next, total: query.counted.unwrap_or(selection.total) }
    }

    /// The task at a position, if it still belongs there.
    fn listed(&self, query: &TaskQuery, position: &Position) -> Option<Task> {
        let key = TaskKey::new(query.tenant.clone(), &*position.id);
        let task = self.with(&key, |entry| entry.log.task()).flatten()?;
        let here = query.after.as_ref().is_none_or(|cursor| cursor.precedes(&task));
        (here && query.matches(&task)).then(|| cut(&task, query))
    }
}

fn place(task: &Task) -> (chrono::DateTime<chrono::Utc>, &str) {
    (task.status.timestamp.unwrap_or_default(), &task.id)
}

/// Copies what the query asks for and no more; the rest of a task may be large.
fn cut(task: &Task, query: &TaskQuery) -> Task {
    let history = task.history.as_ref().map(|history| {
        let surplus = query.history.map_or(0, |keep| history.len().saturating_sub(keep));
        history.iter().skip(surplus).cloned().collect()
    });
    let mut copy = Task {
        id: task.id.clone(),
        context_id: task.context_id.clone(),
        status: task.status.clone(),
        artifacts: query.artifacts.then(|| task.artifacts.clone()).flatten(),
        history,
        metadata: task.metadata.clone(),
    };
    query.trim(&mut copy);
    copy
}

#[cfg(test)]
mod tests {
    use a2a::{Part, TaskState};
    use a2a_core::{Tenant, reduce};
    use a2a_testkit::sample::{at, chunk, message, task};

    use super::*;

    #[test]
    fn a_cut_copy_is_a_trimmed_one() {
        let mut whole = task("t", "c", TaskState::Working, at(0));
        let bare = whole.clone();
        for number in 0..3 {
            let event = message(&whole, &number.to_string(), vec![Part::text("hello")]);
            reduce::apply(&mut whole, &event);
        }
        let event = chunk(&whole, "a", vec![Part::text("x")], false);
        reduce::apply(&mut whole, &event);
        whole.metadata = Some([("k".to_owned(), "v".into())].into());

        for task in [whole, bare] {
            for history in [None, Some(0), Some(2), Some(3), Some(usize::MAX)] {
                for artifacts in [false, true] {
                    let query =
                        TaskQuery { history, artifacts, ..TaskQuery::new(Tenant::default(), None, 1) };
                    let mut trimmed = task.clone();
                    query.trim(&mut trimmed);
                    assert_eq!(cut(&task, &query), trimmed, "{query:?}");
                }
            }
        }
    }
}
