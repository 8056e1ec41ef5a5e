//! Who may call now: calls are bounded in all, for each caller and for each host, so that nobody's calls wait for another's.
//!
//! A host that does not answer in time may be called less and less often at once, down to one call. Those who wait are
//! asked in turn, host by host: whoever waits for a host that is full costs the others nothing.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::{Principal, Tenant};
use tokio::sync::oneshot;

use crate::ground::Webhooks;

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
    most: Bounds,
    state: Mutex<State>,
}

/// How many calls may be under way.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    in_all: usize,
    of_caller: usize,
    of_host: usize,
}

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    callers: HashMap<Owner, usize>,
    hosts: HashMap<String, Host>,
    /// The hosts for which somebody waits, in the order in which they are asked.
    turns: VecDeque<String>,
}

#[derive(Debug, Default)]
struct Host {
    under_way: usize,
    /// Calls in a row that were not answered in time.
    hung: u32,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    owner: Owner,
    granted: oneshot::Sender<Share>,
}

/// The right to make one call, until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    shares: Option<Arc<Shares>>,
    owner: Owner,
    host: String,
}

/// What becomes of who asks.
#[derive(Debug)]
pub(super) enum Asked {
    Granted(Share),
    /// It comes when there is room. Whoever drops this gives up the place.
    Waits(oneshot::Receiver<Share>),
}

impl Shares {
    pub(super) fn new(policy: &Webhooks) -> Arc<Self> {
        let most = Bounds {
            in_all: policy.concurrency.max(1),
            of_caller: policy.concurrency_per_caller.max(1),
            of_host: policy.concurrency_per_host.max(1),
        };
        Arc::new(Shares { most, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for the right to make one call.
    pub(super) fn ask(self: &Arc<Self>, owner: &Owner, host: &str) -> Asked {
        let mut state = self.state();
        if state.has_room(self.most, owner, host) {
            return Asked::Granted(state.take(self, owner.clone(), host));
        }
        let (granted, waits) = oneshot::channel();
        let entry = state.hosts.entry(host.to_owned()).or_default();
        entry.waiting.push_back(Waiting { owner: owner.clone(), granted });
        if entry.waiting.len() == 1 {
            state.turns.push_back(host.to_owned());
        }
        Asked::Waits(waits)
    }

    /// Takes note of whether a host answered in time.
    pub(super) fn answered(&self, host: &str, in_time: bool) {
        if let Some(host) = self.state().hosts.get_mut(host) {
            host.hung = if in_time { 0 } else { host.hung.saturating_add(1) };
        }
    }
}

impl State {
    /// Whether one more call may be made for a caller. Who has none under way may have one beyond the bound, up to twice.
    fn has_room_for(&self, most: Bounds, owner: &Owner) -> bool {
        let of_caller = self.callers.get(owner).copied().unwrap_or_default();
        let in_all = if of_caller == 0 { most.in_all.saturating_mul(2) } else { most.in_all };
        self.under_way < in_all && of_caller < most.of_caller
    }

    fn has_room(&self, most: Bounds, owner: &Owner, host: &str) -> bool {
        self.has_room_for(most, owner)
            && self.hosts.get(host).is_none_or(|host| host.under_way < host.allowed(most))
    }

    fn take(&mut self, shares: &Arc<Shares>, owner: Owner, host: &str) -> Share {
        self.under_way += 1;
        *self.callers.entry(owner.clone()).or_default() += 1;
        self.hosts.entry(host.to_owned()).or_default().under_way += 1;
        Share { shares: Some(Arc::clone(shares)), owner, host: host.to_owned() }
    }

    /// Returns whether somebody may have waited for just this call.
    fn give_back(&mut self, most: Bounds, owner: &Owner, host: &str) -> bool {
        let of_caller = self.callers.get(owner).copied().unwrap_or_default();
        let was_full = self.under_way >= most.in_all
            || of_caller >= most.of_caller
            || self.hosts.get(host).is_some_and(|host| !host.waiting.is_empty());
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(under_way) = self.callers.get_mut(owner) {
            *under_way = under_way.saturating_sub(1);
            if *under_way == 0 {
                self.callers.remove(owner);
            }
        }
        if let Some(entry) = self.hosts.get_mut(host) {
            entry.under_way = entry.under_way.saturating_sub(1);
        }
        self.forget_idle(host);
        was_full
    }

    /// That a host hung is remembered for as long as anybody calls it.
    fn forget_idle(&mut self, host: &str) {
        if self.hosts.get(host).is_some_and(|host| host.under_way == 0 && host.waiting.is_empty()) {
            self.hosts.remove(host);
        }
    }

    /// Grants what has become free: to each host in turn one call. Those that are passed over stay the next ones.
    fn grant(&mut self, shares: &Arc<Shares>) {
        let mut passed_over = VecDeque::new();
        for _ in 0..self.turns.len() {
            if self.under_way >= shares.most.in_all.saturating_mul(2) {
                break;
            }
            let Some(name) = self.turns.pop_front() else { break };
            let is_granted = self.grant_to(shares, &name);
            match self.hosts.get(&name) {
                Some(host) if !host.waiting.is_empty() && is_granted => self.turns.push_back(name),
                Some(host) if !host.waiting.is_empty() => passed_over.push_back(name),
                _ => self.forget_idle(&name),
            }
        }
        passed_over.append(&mut self.turns);
        self.turns = passed_over;
    }

    /// Grants one call of a host, to the first who waits for it and may call. `false`: nobody may.
    fn grant_to(&mut self, shares: &Arc<Shares>, name: &str) -> bool {
        loop {
            let Some(host) = self.hosts.get_mut(name) else { return false };
            let is_full = host.under_way >= host.allowed(shares.most);
            let waiting = std::mem::take(&mut host.waiting);
            let is_next = |waiting: &Waiting| {
                waiting.granted.is_closed() || (!is_full && self.has_room_for(shares.most, &waiting.owner))
            };
            let next = waiting.iter().position(is_next);
            let Some(host) = self.hosts.get_mut(name) else { return false };
            host.waiting = waiting;
            let Some(Waiting { owner, granted }) = next.and_then(|at| host.waiting.remove(at)) else {
                return false;
            };
            if granted.is_closed() {
                continue;
            }
            let share = self.take(shares, owner, name);
            match granted.send(share) {
                Ok(()) => return true,
                // It left at this moment. The lock is held: nothing is given back by dropping.
                Err(mut share) => {
                    share.shares = None;
                    self.give_back(shares.most, &share.owner, name);
                }
            }
        }
    }
}

impl Host {
    /// How many calls may be under way.
    fn allowed(&self, most: Bounds) -> usize {
        most.of_host.checked_shr(self.hung).unwrap_or_default().max(1)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(shares) = self.shares.take() else { return };
        let mut state = shares.state();
        if state.give_back(shares.most, &self.owner, &self.host) {
            state.grant(&shares);
        }
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

    fn waits(asked: Asked) -> oneshot::Receiver<Share> {
        let Asked::Waits(waits) = asked else { panic!("there is no room") };
        waits
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
        third.try_recv().unwrap_err();
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
        let state = shares.state();
        assert_eq!((state.under_way, state.callers.len(), state.hosts.len()), (0, 0, 0));
        assert!(state.turns.is_empty());
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
                under_way = waits.try_recv().ok();
                under_way.is_some()
            });
            order.push(waiting.remove(next.unwrap()).0);
        }
        assert_eq!(order, ["a", "b", "c", "a", "a"]);
    }
}
