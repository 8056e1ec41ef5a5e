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

#[cfg(test)]
mod tests {
    use a2a_core::Tenant;
    use a2a_testkit::sample::instance;

    use super::*;

    #[test]
    fn tasks_are_in_key_order_and_as_many_as_asked_for() {
        let (me, other) = (Executor::first(instance()), Executor::first(instance()));
        let keys = ["c", "a", "b"].map(|id| TaskKey::new(Tenant::default(), id));
        let mut executing = Executing::default();
        for key in &keys {
            executing.hand_over(key, None, Some(&me));
        }
        let [c, a, b] = keys;
        assert_eq!(executing.of(&me.instance, 2), [a.clone(), b.clone()]);

        executing.hand_over(&a, Some(&me), Some(&other));
        executing.hand_over(&b, Some(&me), None);
        assert_eq!(executing.of(&me.instance, 9), std::slice::from_ref(&c));
        assert_eq!(executing.of(&other.instance, 9), [a]);

        executing.hand_over(&c, Some(&me), None);
        assert_eq!(executing.tasks.len(), 1, "an executor without tasks takes room");
    }
}
