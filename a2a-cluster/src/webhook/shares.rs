//! Who may call now: calls are bounded in all, for each caller and for each host, so that nobody's calls wait for another's.
//!
//! A host that does not answer in time may be called less and less often at once, down to one call. Callers take turns, and
//! the hosts of each: whoever waits for a host that is full costs the others nothing.

mod queues;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::{Principal, Tenant};
use tokio::sync::oneshot;

use crate::ground::Webhooks;
use queues::Queues;

/// Whose calls are counted together: those for one caller's tasks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    pub(super) tenant: Tenant,
    pub(super) principal: Option<Principal>,
}

impl Owner {
    /// Whose a task's calls are. A caller is one in all tenants, for a request names its tenant as it likes; where nobody says who
    /// calls, a tenant is one.
    pub(super) fn of(tenant: &Tenant, principal: Option<Principal>) -> Self {
        let tenant = if principal.is_some() { Tenant::default() } else { tenant.clone() };
        Owner { tenant, principal }
    }
}

/// The calls under way, and who waits for one.
#[derive(Debug)]
pub(super) struct Shares {
    queues: Mutex<Queues<oneshot::Sender<Share>>>,
}

/// How many calls may be under way.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    in_all: usize,
    of_caller: usize,
    of_host: usize,
}

/// The right to make one call, until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    shares: Arc<Shares>,
    owner: Arc<Owner>,
    host: Arc<str>,
}

/// What becomes of who asks.
#[derive(Debug)]
pub(super) enum Asked {
    Granted(Share),
    /// It comes when there is room. Whoever drops this gives up the place.
    Waits(Waits),
}

/// A place among those who wait.
#[derive(Debug)]
pub(super) struct Waits {
    shares: Arc<Shares>,
    owner: Arc<Owner>,
    host: Arc<str>,
    place: u64,
    granted: oneshot::Receiver<Share>,
}

impl Waits {
    /// Waits for the share. Cancel safe.
    pub(super) async fn granted(&mut self) -> Option<Share> {
        (&mut self.granted).await.ok()
    }
}

impl Shares {
    pub(super) fn new(policy: &Webhooks) -> Arc<Self> {
        let most = Bounds {
            in_all: policy.concurrency.max(1),
            of_caller: policy.concurrency_per_caller.max(1),
            of_host: policy.concurrency_per_host.max(1),
        };
        Arc::new(Shares { queues: Mutex::new(Queues::new(most)) })
    }

    fn queues(&self) -> MutexGuard<'_, Queues<oneshot::Sender<Share>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the right to make one call.
    pub(super) fn ask(self: &Arc<Self>, owner: &Owner, host: &str) -> Asked {
        let mut queues = self.queues();
        let (owner, host) = queues.names(owner, host);
        let shares = Arc::clone(self);
        if queues.take(&owner, &host) {
            return Asked::Granted(Share { shares, owner, host });
        }
        let (grant, granted) = oneshot::channel();
        let place = queues.wait(&owner, &host, grant);
        Asked::Waits(Waits { shares, owner, host, place, granted })
    }

    /// Takes note of whether a host answered in time.
    pub(super) fn answered(self: &Arc<Self>, host: &str, in_time: bool) {
        let mut queues = self.queues();
        queues.answered(host, in_time);
        self.grant(&mut queues);
    }

    /// Grants what has become free.
    fn grant(self: &Arc<Self>, queues: &mut Queues<oneshot::Sender<Share>>) {
        while let Some((owner, host, grant)) = queues.next() {
            // Whoever waits has not left yet: that takes the lock.
            let _ = grant.send(Share { shares: Arc::clone(self), owner, host });
        }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.shares.queues().leave(&self.owner, &self.host, self.place);
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let shares = Arc::clone(&self.shares);
        let mut queues = shares.queues();
        queues.give_back(&self.owner, &self.host);
        shares.grant(&mut queues);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(in_all: usize, of_caller: usize, of_host: usize) -> Arc<Shares> {
        let policy = Webhooks::default();
        let policy = policy.concurrency(in_all).concurrency_per_caller(of_caller);
        Shares::new(&policy.concurrency_per_host(of_host))
    }

    fn owner(name: &str) -> Owner {
        Owner::of(&Tenant::default(), Some(Principal::new(name)))
    }

    #[test]
    fn a_caller_is_one_in_all_tenants_and_nobody_is_one_in_each() {
        let of = |tenant: &str, name: Option<&str>| Owner::of(&Tenant::new(tenant), name.map(Principal::new));
        assert_eq!(of("a", Some("ann")), of("b", Some("ann")));
        assert_ne!(of("a", Some("ann")), of("a", Some("ben")));
        assert_ne!(of("a", None), of("b", None));
    }

    fn granted(asked: Asked) -> Share {
        let Asked::Granted(share) = asked else { panic!("there is room") };
        share
    }

    fn waits(asked: Asked) -> Waits {
        let Asked::Waits(waits) = asked else { panic!("there is no room") };
        waits
    }

    impl Waits {
        fn try_recv(&mut self) -> Option<Share> {
            self.granted.try_recv().ok()
        }
    }

    #[test]
    fn a_host_that_is_full_and_a_caller_who_has_enough_keep_nobody_else_waiting() {
        let shares = shares(100, 4, 2);
        let (ann, ben) = (owner("ann"), owner("ben"));
        let first: Vec<_> = (0..2).map(|_| granted(shares.ask(&ann, "silent"))).collect();
        let mut third = waits(shares.ask(&ann, "silent"));
        let mut bens = waits(shares.ask(&ben, "silent"));
        let other: Vec<_> = (0..2).map(|_| granted(shares.ask(&ann, "other"))).collect();
        let mut fifth = waits(shares.ask(&ann, "third"));
        granted(shares.ask(&ben, "third"));
        drop(other);
        // Ann has two calls left, of which "third" and "silent" may have one each.
        fifth.try_recv().unwrap();
        assert!(third.try_recv().is_none());
        drop(first);
        third.try_recv().unwrap();
        bens.try_recv().unwrap();
    }

    #[test]
    fn a_host_that_hangs_is_called_less_and_less_until_it_answers() {
        let shares = shares(100, 100, 8);
        let ann = owner("ann");
        let mut at_once = Vec::new();
        let first = granted(shares.ask(&ann, "slow"));
        for hung in 0..6 {
            let mut calls = Vec::new();
            while let Asked::Granted(share) = shares.ask(&ann, "slow") {
                calls.push(share);
            }
            at_once.push(calls.len() + 1);
            shares.answered("slow", false);
            assert!(hung < 6);
        }
        assert_eq!(at_once, [8, 4, 2, 1, 1, 1]);
        shares.answered("slow", true);
        let again: Vec<_> = (0..7).map(|_| granted(shares.ask(&ann, "slow"))).collect();
        waits(shares.ask(&ann, "slow"));
        drop((first, again));
    }

    #[test]
    fn a_first_call_finds_room_where_others_hold_all() {
        let shares = shares(4, 2, 2);
        let held: Vec<_> = ["a", "b"]
            .iter()
            .flat_map(|name| (0..2).map(|_| granted(shares.ask(&owner(name), name))).collect::<Vec<_>>())
            .collect();
        let first = granted(shares.ask(&owner("c"), "c"));
        let mut second = waits(shares.ask(&owner("c"), "c"));
        drop(held);
        second.try_recv().unwrap();
        drop(first);
    }

    #[test]
    fn whoever_leaves_takes_nothing_along() {
        let shares = shares(1, 1, 1);
        let ann = owner("ann");
        let first = granted(shares.ask(&ann, "a"));
        drop(waits(shares.ask(&ann, "a")));
        let late = waits(shares.ask(&ann, "b"));
        let mut last = waits(shares.ask(&ann, "c"));
        drop(first);
        // It was granted and never taken.
        drop(late);
        drop(last.try_recv().unwrap());
        assert!(shares.queues().is_empty());
    }

    #[test]
    fn hosts_take_turns() {
        let shares = shares(1, 9, 9);
        let ann = owner("ann");
        let mut under_way = Some(granted(shares.ask(&ann, "a")));
        let mut waiting: Vec<_> =
            ["a", "a", "a", "b", "c"].map(|host| (host, waits(shares.ask(&ann, host)))).into();
        let mut order = Vec::new();
        while !waiting.is_empty() {
            drop(under_way.take());
            let next = waiting.iter_mut().position(|(_, waits)| {
                under_way = waits.try_recv();
                under_way.is_some()
            });
            order.push(waiting.remove(next.unwrap()).0);
        }
        assert_eq!(order, ["a", "b", "c", "a", "a"]);
    }
}
