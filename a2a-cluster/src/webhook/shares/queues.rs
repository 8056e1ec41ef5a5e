//! Who waits for a call, in such an order that giving one back takes as long however many wait.
//!
//! Each caller has the hosts for which it waits, in turn: those that have room, as far as is known. Where one turns out to
//! be full, the caller waits at that host. So whoever waits at a host waits for that host, and whoever does not waits for its
//! own share, or for everybody's.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use super::{Bounds, Owner};

/// The calls under way, and who waits for one. `G` is what a call is granted by.
#[derive(Debug)]
pub(super) struct Queues<G> {
    most: Bounds,
    under_way: usize,
    callers: HashMap<Arc<Owner>, Caller<G>>,
    hosts: HashMap<Arc<str>, Host>,
    /// Callers who may have a call for one of their hosts, and have none under way, in turn.
    idle: BTreeMap<u64, Arc<Owner>>,
    /// Those who have some.
    busy: BTreeMap<u64, Arc<Owner>>,
    /// Hosts at which somebody waits, and that may have room.
    freed: VecDeque<Arc<str>>,
    /// Those who wait at hosts come before those who do not.
    hosts_are_next: bool,
    /// How many places there were, of callers and of who waits.
    places: u64,
    /// How often somebody was looked at who might be next.
    #[cfg(test)]
    looks: usize,
}

#[derive(Debug)]
struct Caller<G> {
    under_way: usize,
    /// Who waits, by host and place. A host is here for as long as it is in `turns`, or the caller waits at it.
    waiting: HashMap<Arc<str>, BTreeMap<u64, G>>,
    /// The hosts that have room, as far as is known.
    turns: VecDeque<Arc<str>>,
    queued: Option<Queued>,
}

/// A place among the callers who may have a call.
#[derive(Debug, Clone, Copy)]
enum Queued {
    Idle(u64),
    Busy(u64),
}

#[derive(Debug, Default)]
struct Host {
    under_way: usize,
    /// Calls in a row that were not answered in time.
    hung: u32,
    /// How many wait for it.
    waiting: usize,
    /// The callers who wait at it.
    callers: VecDeque<Arc<Owner>>,
}

/// Who is granted a call, and for which host.
pub(super) type Granted<G> = (Arc<Owner>, Arc<str>, G);

impl<G> Queues<G> {
    pub(super) fn new(most: Bounds) -> Self {
        Queues {
            most,
            under_way: 0,
            callers: HashMap::new(),
            hosts: HashMap::new(),
            idle: BTreeMap::new(),
            busy: BTreeMap::new(),
            freed: VecDeque::new(),
            hosts_are_next: false,
            places: 0,
            #[cfg(test)]
            looks: 0,
        }
    }

    /// A caller and a host by the names under which they are kept.
    pub(super) fn names(&self, owner: &Owner, host: &str) -> (Arc<Owner>, Arc<str>) {
        let caller = self.callers.get_key_value(owner).map(|(owner, _)| Arc::clone(owner));
        let name = self.hosts.get_key_value(host).map(|(name, _)| Arc::clone(name));
        (caller.unwrap_or_else(|| Arc::new(owner.clone())), name.unwrap_or_else(|| host.into()))
    }

    /// Takes one call, if there is room for it.
    pub(super) fn take(&mut self, owner: &Arc<Owner>, host: &Arc<str>) -> bool {
        let has_room = self.may_call(owner) && self.host_has_room(host);
        if has_room {
            self.count(owner, host);
        }
        has_room
    }

    /// Waits for one call. Returns the place.
    pub(super) fn wait(&mut self, owner: &Arc<Owner>, host: &Arc<str>, grant: G) -> u64 {
        let (place, has_room) = (self.place(), self.host_has_room(host));
        self.host(host).waiting += 1;
        let waiting = &mut self.caller(owner).waiting;
        let is_new = !waiting.contains_key(host);
        waiting.entry(Arc::clone(host)).or_default().insert(place, grant);
        if is_new && has_room {
            self.caller(owner).turns.push_back(Arc::clone(host));
            self.queue(owner);
        } else if is_new {
            self.host(host).callers.push_back(Arc::clone(owner));
        }
        place
    }

    /// Gives up a place, if it was not granted yet.
    pub(super) fn leave(&mut self, owner: &Arc<Owner>, host: &Arc<str>, place: u64) {
        let waiting = self.callers.get_mut(owner).and_then(|caller| caller.waiting.get_mut(host));
        if waiting.is_some_and(|waiting| waiting.remove(&place).is_some()) {
            self.host(host).waiting -= 1;
        }
    }

    /// Takes note of whether a host answered in time.
    pub(super) fn answered(&mut self, host: &str, in_time: bool) {
        let Some((name, _)) = self.hosts.get_key_value(host) else { return };
        let name = Arc::clone(name);
        let entry = self.host(&name);
        entry.hung = if in_time { 0 } else { entry.hung.saturating_add(1) };
        self.freed(&name);
    }

    /// Gives one call back.
    pub(super) fn give_back(&mut self, owner: &Arc<Owner>, host: &Arc<str>) {
        self.under_way = self.under_way.saturating_sub(1);
        let caller = self.caller(owner);
        caller.under_way = caller.under_way.saturating_sub(1);
        let entry = self.host(host);
        entry.under_way = entry.under_way.saturating_sub(1);
        self.queue(owner);
        self.freed(host);
        self.forget_caller(owner);
        self.forget_host(host);
    }

    /// Whoever is next, and may call: its call is taken. Those who wait at hosts, and those who do not, take turns: neither have
    /// again and again what is given back.
    pub(super) fn next(&mut self) -> Option<Granted<G>> {
        // Whoever is passed over by the first may be one for the second, and the other way round.
        for at_hosts in [self.hosts_are_next, !self.hosts_are_next, self.hosts_are_next] {
            let granted = if at_hosts { self.next_at_hosts() } else { self.next_of_callers() };
            if granted.is_some() {
                self.hosts_are_next = !at_hosts;
                return granted;
            }
        }
        None
    }

    fn next_of_callers(&mut self) -> Option<Granted<G>> {
        while let Some(owner) = self.next_caller() {
            let granted = self.next_of(&owner);
            self.queue(&owner);
            self.forget_caller(&owner);
            if granted.is_some() {
                return granted;
            }
        }
        None
    }

    fn next_at_hosts(&mut self) -> Option<Granted<G>> {
        while self.under_way < self.twice_in_all() {
            let host = self.freed.pop_front()?;
            let granted = self.next_at(&host);
            self.freed(&host);
            self.forget_host(&host);
            if granted.is_some() {
                return granted;
            }
        }
        None
    }

    /// The caller whose turn it is. Who has none under way comes first, and may have one beyond the bound, up to twice.
    fn next_caller(&mut self) -> Option<Arc<Owner>> {
        let next = if self.under_way < self.most.in_all {
            self.idle.pop_first().or_else(|| self.busy.pop_first())
        } else if self.under_way < self.twice_in_all() {
            self.idle.pop_first()
        } else {
            None
        };
        let (_, owner) = next?;
        self.caller(&owner).queued = None;
        Some(owner)
    }

    /// Takes a call for the next host of a caller that has room.
    fn next_of(&mut self, owner: &Arc<Owner>) -> Option<Granted<G>> {
        while let Some(host) = self.caller(owner).turns.pop_front() {
            self.look();
            if !self.host_has_room(&host) {
                self.host(&host).callers.push_back(Arc::clone(owner));
            } else if let Some(granted) = self.grant(owner, &host) {
                if self.caller(owner).waiting.contains_key(&host) {
                    self.caller(owner).turns.push_back(host);
                }
                return Some(granted);
            }
        }
        None
    }

    /// Takes a call of a host that has room, for the first who waits at it and may call. Those before that one have another
    /// reason to wait.
    fn next_at(&mut self, host: &Arc<str>) -> Option<Granted<G>> {
        while self.host_has_room(host) {
            let owner = self.hosts.get_mut(host)?.callers.pop_front()?;
            self.look();
            let granted = if self.may_call(&owner) { self.grant(&owner, host) } else { None };
            if self.caller(&owner).waiting.contains_key(host) {
                self.caller(&owner).turns.push_back(Arc::clone(host));
            }
            self.queue(&owner);
            self.forget_caller(&owner);
            if granted.is_some() {
                return granted;
            }
        }
        None
    }

    /// Takes a call for the first who waits of a caller for a host. A host for which nobody waits is none of the caller's
    /// any more.
    fn grant(&mut self, owner: &Arc<Owner>, host: &Arc<str>) -> Option<Granted<G>> {
        let waiting = self.caller(owner).waiting.get_mut(host)?;
        let first = waiting.pop_first();
        if waiting.is_empty() {
            self.caller(owner).waiting.remove(host);
        }
        let Some((_, grant)) = first else {
            self.forget_host(host);
            return None;
        };
        self.host(host).waiting -= 1;
        self.count(owner, host);
        Some((Arc::clone(owner), Arc::clone(host), grant))
    }

    fn count(&mut self, owner: &Arc<Owner>, host: &Arc<str>) {
        self.under_way += 1;
        self.caller(owner).under_way += 1;
        self.host(host).under_way += 1;
    }

    /// Puts a caller where it belongs, among those who may have a call or not. It keeps its place where it has one.
    fn queue(&mut self, owner: &Arc<Owner>) {
        let of_caller = self.most.of_caller;
        let caller = self.caller(owner);
        let (is_idle, may_have_one) =
            (caller.under_way == 0, !caller.turns.is_empty() && caller.under_way < of_caller);
        let before = caller.queued.take();
        match before {
            Some(Queued::Idle(place)) => drop(self.idle.remove(&place)),
            Some(Queued::Busy(place)) => drop(self.busy.remove(&place)),
            None => {}
        }
        if !may_have_one {
            return;
        }
        let place = match before {
            Some(Queued::Idle(place) | Queued::Busy(place)) => place,
            None => self.place(),
        };
        if is_idle {
            self.idle.insert(place, Arc::clone(owner));
            self.caller(owner).queued = Some(Queued::Idle(place));
        } else {
            self.busy.insert(place, Arc::clone(owner));
            self.caller(owner).queued = Some(Queued::Busy(place));
        }
    }

    fn place(&mut self) -> u64 {
        self.places += 1;
        self.places
    }

    /// Notes that a host may have room, where somebody waits at it.
    fn freed(&mut self, host: &Arc<str>) {
        if self.host_has_room(host) && self.hosts.get(host).is_some_and(|host| !host.callers.is_empty()) {
            self.freed.push_back(Arc::clone(host));
        }
    }

    /// Forgets a caller of whom nothing is under way and nobody waits.
    fn forget_caller(&mut self, owner: &Arc<Owner>) {
        let is_over = |caller: &Caller<G>| caller.under_way == 0 && caller.waiting.is_empty();
        if self.callers.get(owner).is_some_and(is_over) {
            self.callers.remove(owner);
        }
    }

    /// Forgets such a host. That it hung is remembered until then.
    fn forget_host(&mut self, host: &Arc<str>) {
        let is_over = |host: &Host| host.under_way == 0 && host.waiting == 0 && host.callers.is_empty();
        if self.hosts.get(host).is_some_and(is_over) {
            self.hosts.remove(host);
        }
    }

    fn look(&mut self) {
        #[cfg(test)]
        {
            self.looks += 1;
        }
    }

    /// Tells whether nobody calls or waits, and nothing of anybody is kept.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.under_way == 0
            && self.callers.is_empty()
            && self.hosts.is_empty()
            && self.idle.is_empty()
            && self.busy.is_empty()
            && self.freed.is_empty()
    }

    fn may_call(&self, owner: &Arc<Owner>) -> bool {
        let of_caller = self.callers.get(owner).map_or(0, |caller| caller.under_way);
        let in_all = if of_caller == 0 { self.twice_in_all() } else { self.most.in_all };
        self.under_way < in_all && of_caller < self.most.of_caller
    }

    fn host_has_room(&self, host: &Arc<str>) -> bool {
        self.hosts.get(host).is_none_or(|host| host.under_way < host.allowed(self.most))
    }

    fn twice_in_all(&self) -> usize {
        self.most.in_all.saturating_mul(2)
    }

    fn caller(&mut self, owner: &Arc<Owner>) -> &mut Caller<G> {
        self.callers.entry(Arc::clone(owner)).or_default()
    }

    fn host(&mut self, host: &Arc<str>) -> &mut Host {
        self.hosts.entry(Arc::clone(host)).or_default()
    }
}

impl<G> Default for Caller<G> {
    fn default() -> Self {
        Caller { under_way: 0, waiting: HashMap::new(), turns: VecDeque::new(), queued: None }
    }
}

impl Host {
    /// How many calls may be under way.
    fn allowed(&self, most: Bounds) -> usize {
        most.of_host.checked_shr(self.hung).unwrap_or_default().max(1)
    }
}

#[cfg(test)]
mod tests;
