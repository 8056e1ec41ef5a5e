//! Who runs what: the tasks of each executor, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use a2a_core::{Claim, ExecutingPage, InstanceId, TaskKey};

/// The tasks by the instance that runs them.
#[derive(Debug, Default)]
pub(crate) struct Executing {
    tasks: BTreeMap<InstanceId, BTreeSet<TaskKey>>,
}

impl Executing {
    /// Records that a task's claim took the place of another.
    pub(crate) fn hand_over(&mut self, key: &TaskKey, from: Option<&Claim>, to: Option<&Claim>) {
        let (from, to) = (from.map(|claim| claim.instance), to.map(|claim| claim.instance));
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

    /// Returns the tasks of an executor that follow `after`, in key order, at most `limit`.
    pub(crate) fn page(&self, who: &InstanceId, after: Option<&TaskKey>, limit: usize) -> ExecutingPage {
        let Some(tasks) = self.tasks.get(who) else { return ExecutingPage::default() };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut rest = tasks.range::<TaskKey, _>((from, Bound::Unbounded));
        let tasks: Vec<TaskKey> = rest.by_ref().take(limit).cloned().collect();
        let next = rest.next().and(tasks.last()).cloned();
        ExecutingPage { tasks, next }
    }
}

#[cfg(test)]
mod tests {
    use a2a_core::Tenant;
    use a2a_testkit::sample::{commit_id, instance};

    use super::*;

    fn claim() -> Claim {
        Claim { instance: instance(), attempt: 1, by: commit_id() }
    }

    fn of(executing: &Executing, claim: &Claim) -> Vec<TaskKey> {
        executing.page(&claim.instance, None, 9).tasks
    }

    #[test]
    fn tasks_are_in_key_order_on_pages_as_large_as_asked_for() {
        let (me, other) = (claim(), claim());
        let keys = ["c", "a", "b"].map(|id| TaskKey::new(Tenant::default(), id));
        let mut executing = Executing::default();
        for key in &keys {
            executing.hand_over(key, None, Some(&me));
        }
        let [c, a, b] = keys;
        let first = executing.page(&me.instance, None, 2);
        assert_eq!((first.tasks, &first.next), (vec![a.clone(), b.clone()], &Some(b.clone())));
        let last = executing.page(&me.instance, first.next.as_ref(), 2);
        assert_eq!((last.tasks, last.next), (vec![c.clone()], None));
        assert_eq!(executing.page(&me.instance, None, 3).next, None, "no page follows a full last one");

        executing.hand_over(&a, Some(&me), Some(&other));
        executing.hand_over(&b, Some(&me), None);
        assert_eq!(of(&executing, &me), std::slice::from_ref(&c));
        assert_eq!(of(&executing, &other), [a]);

        executing.hand_over(&c, Some(&me), None);
        assert_eq!(executing.tasks.len(), 1, "an executor without tasks takes room");
    }
}
