//! Whose resources are to be looked at, from what there is and who is known. A pure function.

use std::collections::{BTreeMap, BTreeSet};

use a2a_core::{InstanceId, MemberState};

use super::inventory::{Queues, Subscriptions};

/// Why resources are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Their instance was evicted.
    Evicted,
    /// No membership record knows their instance.
    Orphaned,
}

/// The resources of one instance that is no live member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) instance: InstanceId,
    pub(super) cause: Cause,
    pub(super) queue_url: Option<String>,
    pub(super) subscriptions: Vec<String>,
}

/// What a pass shall look at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Evicted members first, then orphans, each in the order of their start.
    pub(super) cases: Vec<Case>,
    /// Evicted members that have nothing any more.
    pub(super) released: Vec<InstanceId>,
    pub(super) somebody_is_alive: bool,
}

pub(super) fn plan(
    mut queues: Queues,
    mut subscriptions: Subscriptions,
    roster: &BTreeMap<InstanceId, MemberState>,
) -> Plan {
    let found: BTreeSet<_> = queues.keys().chain(subscriptions.keys()).copied().collect();
    let is_evicted = |instance: &InstanceId| roster.get(instance) == Some(&MemberState::Evicted);
    let released = roster.keys().filter(|id| is_evicted(id) && !found.contains(id)).copied().collect();
    let mut cases = Vec::new();
    for instance in found {
        let cause = match roster.get(&instance) {
            Some(MemberState::Evicted) => Cause::Evicted,
            Some(_) => continue,
            None => Cause::Orphaned,
        };
        let queue_url = queues.remove(&instance);
        let subscriptions = subscriptions.remove(&instance).unwrap_or_default();
        cases.push(Case { instance, cause, queue_url, subscriptions });
    }
    cases.sort_by_key(|case| case.cause);
    let somebody_is_alive = roster.keys().any(|id| !is_evicted(id));
    Plan { cases, released, somebody_is_alive }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> InstanceId {
        InstanceId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn the_living_are_left_alone_the_evicted_come_first() {
        let queues = (1..=5).map(|n| (id(n), format!("url/{n}"))).collect();
        let subscriptions = [3, 4, 9].map(|n| (id(n), vec![format!("arn:{n}")])).into();
        let roster = [
            (id(2), MemberState::Serving),
            (id(3), MemberState::Draining),
            (id(4), MemberState::Evicted),
            (id(7), MemberState::Evicted),
        ];
        let plan = plan(queues, subscriptions, &roster.into());
        let cases: Vec<_> = plan.cases.iter().map(|case| (case.cause, case.instance)).collect();
        let orphans = [1, 5, 9].map(|n| (Cause::Orphaned, id(n)));
        assert_eq!(cases, [vec![(Cause::Evicted, id(4))], orphans.to_vec()].concat());
        assert_eq!(plan.cases[0].subscriptions, ["arn:4"]);
        assert_eq!(plan.cases[3].queue_url, None);
        assert_eq!(plan.released, [id(7)]);
        assert!(plan.somebody_is_alive);
    }

    #[test]
    fn a_roster_of_evicted_members_has_nobody_alive() {
        let plan = plan(Queues::new(), Subscriptions::new(), &[(id(1), MemberState::Evicted)].into());
        assert!(!plan.somebody_is_alive);
    }
}
