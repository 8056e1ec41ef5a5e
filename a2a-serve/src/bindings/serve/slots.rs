//! How many connections may be open: together, and from one address. Beyond that a few more are taken, for whoever asks after
//! the server's health.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How many connections are taken beyond the bound.
const RESERVED: usize = 64;

/// Bounds of one socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// How many connections may be open.
    pub(crate) connections: usize,
    /// How many of them from one address. `None`: all, for a load balancer has few.
    pub(crate) per_address: Option<usize>,
    /// How many streams one HTTP/2 connection may have open.
    pub(crate) streams: u32,
    /// For how long a connection may have no request open, or take for the head of one.
    pub(crate) idle: Duration,
}

/// Longer than proxies keep theirs open, which is 60 s with most, so that none sends a request into a connection that closes.
const IDLE: Duration = Duration::from_secs(75);

impl Default for Bounds {
    fn default() -> Self {
        Bounds { connections: 10_000, per_address: None, streams: 10_000, idle: IDLE }
    }
}

/// The connections that are open.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    bounds: Bounds,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    /// Those beyond the bound, the oldest first.
    reserved: BTreeMap<u64, Reserved>,
    next: u64,
}

/// A connection beyond the bound.
#[derive(Debug)]
struct Reserved {
    address: IpAddr,
    gives_way: CancellationToken,
}

/// A connection's place, for as long as it lives.
#[derive(Debug)]
pub(super) struct Slot {
    address: IpAddr,
    /// It is one beyond the bound, of this number: only health is answered on it.
    reserved: Option<u64>,
    /// Cancelled when it is another's.
    pub(super) gives_way: CancellationToken,
    open: Arc<Mutex<Open>>,
}

impl Slots {
    pub(super) fn new(bounds: Bounds) -> Self {
        Slots { bounds, open: Arc::default() }
    }

    /// Finds a place for one more connection. There always is one: beyond the bound, and beyond what is reserved for those who ask
    /// after the health, the oldest of those gives way. Whoever holds such places without asking does not hold them for long.
    pub(super) fn take(&self, address: IpAddr) -> Slot {
        let mut open = lock(&self.open);
        let own = open.by_address.get(&address).copied().unwrap_or_default();
        let over_all = open.all.checked_sub(self.bounds.connections);
        let over_own = self.bounds.per_address.and_then(|most| own.checked_sub(most));
        if over_all >= Some(RESERVED) {
            open.oldest_gives_way(|_| true);
        } else if over_own >= Some(RESERVED) {
            open.oldest_gives_way(|other| other == address);
        }
        open.all += 1;
        *open.by_address.entry(address).or_default() += 1;
        let gives_way = CancellationToken::new();
        let reserved = over_all.max(over_own).map(|_| open.reserve(address, gives_way.clone()));
        Slot { address, reserved, gives_way, open: Arc::clone(&self.open) }
    }
}

impl Slot {
    pub(super) fn is_reserved(&self) -> bool {
        self.reserved.is_some()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        // A place that was given away is another's already.
        if self.reserved.is_none_or(|number| open.reserved.remove(&number).is_some()) {
            open.leave(self.address);
        }
    }
}

impl Open {
    fn reserve(&mut self, address: IpAddr, gives_way: CancellationToken) -> u64 {
        let number = self.next;
        self.next += 1;
        self.reserved.insert(number, Reserved { address, gives_way });
        number
    }

    fn oldest_gives_way(&mut self, is_meant: impl Fn(IpAddr) -> bool) {
        let oldest = self.reserved.iter().find(|(_, reserved)| is_meant(reserved.address));
        let Some(number) = oldest.map(|(number, _)| *number) else { return };
        if let Some(oldest) = self.reserved.remove(&number) {
            oldest.gives_way.cancel();
            self.leave(oldest.address);
        }
    }

    fn leave(&mut self, address: IpAddr) {
        self.all = self.all.saturating_sub(1);
        if let Some(own) = self.by_address.get_mut(&address) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    #[test]
    fn beyond_the_bound_some_more_are_taken_for_health_and_the_oldest_of_those_gives_way() {
        let slots = Slots::new(Bounds { connections: 3, ..Bounds::default() });
        let taken: Vec<_> = (0..3).map(|_| slots.take(address(1))).collect();
        assert!(taken.iter().all(|slot| !slot.is_reserved()));
        let beyond: Vec<_> = (0..RESERVED).map(|_| slots.take(address(2))).collect();
        assert!(beyond.iter().all(|slot| slot.is_reserved() && !slot.gives_way.is_cancelled()));
        let newcomers = [slots.take(address(3)), slots.take(address(3))];
        assert!(newcomers.iter().all(|slot| slot.is_reserved() && !slot.gives_way.is_cancelled()));
        let gone = |slot: &Slot| slot.gives_way.is_cancelled();
        assert!(beyond[..2].iter().all(gone) && !beyond[2..].iter().any(gone) && !taken.iter().any(gone));
        assert_eq!(slots.open.lock().unwrap().all, 3 + RESERVED);
        drop(taken);
        assert_eq!(slots.open.lock().unwrap().all, RESERVED);
        drop((beyond, newcomers));
        assert!(!slots.take(address(3)).is_reserved());
        let open = slots.open.lock().unwrap();
        assert!(open.all == 0 && open.by_address.is_empty() && open.reserved.is_empty(), "{open:?}");
    }

    #[test]
    fn one_address_does_not_take_all() {
        let slots = Slots::new(Bounds { connections: 100, per_address: Some(2), ..Bounds::default() });
        let other: Vec<_> = (0..3).map(|_| slots.take(address(2))).collect();
        let own: Vec<_> = (0..3 + RESERVED).map(|_| slots.take(address(1))).collect();
        assert_eq!(own.iter().filter(|slot| !slot.is_reserved()).count(), 2);
        let gone: Vec<_> = own.iter().map(|slot| slot.gives_way.is_cancelled()).collect();
        assert!(gone[2] && gone.iter().filter(|gone| **gone).count() == 1, "{gone:?}");
        assert!(other[2].is_reserved() && !other[2].gives_way.is_cancelled());
        assert!(!slots.take(address(3)).is_reserved());
    }
}
