//! Who runs what: the tasks of each executor, in order.

use std::collections::{BTreeMap, BTreeSet};

use a2a_core::{Executor, InstanceId, TaskKey};

/// The tasks by the instance that runs them.
#[derive(Debug, Default)]
pub(crate) struct Executing {
    tasks: BTreeMap<InstanceId, BTreeSet<TaskKey>>,
}

impl Executing {
    /// Records that a task went from one executor to another.
    pub(crate) fn hand_over(&mut self, key: &TaskKey, from: Option<&Executor>, to: Option<&Executor>) {
        let (from, to) = (from.map(|e| e.instance), to.map(|e| e.instance));
        if from == to {
            return;
        }
        if let Some(from) = from
            && let Some(tasks) = self.tasks.get_mut(&from)
        {
            tasks.remove(key);
            if tasks.is_empty() {
                self.tasks.remove(&from);
            }
        }
        if let Some(to) = to {
            self.tasks.entry(to).or_default().insert(key.clone());
        }
    }

    /// Returns the first tasks of an executor, in key order.
    pub(crate) fn of(&self, who: &InstanceId, limit: usize) -> Vec<TaskKey> {
        self.tasks.get(who).into_iter().flatten().take(limit).cloned().collect()
    }
}
