//! How many bytes of requests an instance holds at the same time, over all of its connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that are held.
#[derive(Debug, Clone)]
pub(crate) struct InFlight {
    held: Arc<AtomicUsize>,
    most: usize,
}

/// Some of them, until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    of: InFlight,
    bytes: usize,
}

/// As many are held as may be.
#[derive(Debug)]
pub(super) struct Full;

impl InFlight {
    pub(crate) fn new(most: usize) -> Self {
        InFlight { held: Arc::default(), most }
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
        let has_room = |held: usize| held.checked_add(bytes).filter(|held| *held <= self.of.most);
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
