//! How many bytes of requests an instance holds at the same time, over all of its connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that are held.
#[derive(Debug, Clone)]
pub(crate) struct InFlight {
    held: Arc<AtomicUsize>,
    most: usize,
    /// How many may be held once something is large, so that what is small finds room beside it.
    most_with_large: usize,
}

/// What is small, in bytes.
const SMALL: usize = 64 * 1024;

/// Some of them, until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    of: InFlight,
    bytes: usize,
}

/// As many are held as may be.
#[derive(Debug)]
pub(super) struct Full;

impl InFlight {
    pub(crate) fn new(most: usize) -> Self {
        InFlight { held: Arc::default(), most, most_with_large: most }
    }

    /// Leaves a quarter to what is small: a few large requests that come slowly keep none out but those of their kind.
    pub(crate) fn shared_with_small(most: usize) -> Self {
        InFlight { most_with_large: most - most / 4, ..Self::new(most) }
    }

    pub(super) fn none(&self) -> Held {
        Held { of: self.clone(), bytes: 0 }
    }
}

impl Held {
    /// Holds some more.
    ///
    /// # Errors
    /// There is no room for them.
    pub(super) fn more(&mut self, bytes: usize) -> Result<(), Full> {
        let is_small = self.bytes.saturating_add(bytes) <= SMALL;
        let most = if is_small { self.of.most } else { self.of.most_with_large };
        let has_room = |held: usize| held.checked_add(bytes).filter(|held| *held <= most);
        self.of.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, has_room).map_err(|_| Full)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.of.held.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_leaves_room_to_what_is_small() {
        let in_flight = InFlight::shared_with_small(4 * SMALL);
        let (mut large, mut other, mut small) = (in_flight.none(), in_flight.none(), in_flight.none());
        large.more(3 * SMALL).unwrap();
        assert!(large.more(1).is_err() && other.more(SMALL + 1).is_err());
        small.more(SMALL).unwrap();
        assert!(other.more(1).is_err());
    }

    #[test]
    fn what_is_held_is_bounded_over_all_and_given_back() {
        let in_flight = InFlight::new(10);
        let (mut one, mut other) = (in_flight.none(), in_flight.clone().none());
        one.more(6).unwrap();
        other.more(4).unwrap();
        assert!(one.more(1).is_err() && other.more(usize::MAX).is_err());
        drop(one);
        other.more(6).unwrap();
        drop(other);
        assert_eq!(in_flight.held.load(Ordering::Acquire), 0);
    }
}
