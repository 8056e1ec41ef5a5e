//! The deliveries that were given up: the latest ones, in the order of their tasks.

use std::collections::BTreeMap;
use std::ops::Bound;

use a2a_core::{GivenUpCursor, GivenUpDelivery};

/// A bounded list.
#[derive(Debug, Default)]
pub(crate) struct GivenUp {
    deliveries: BTreeMap<GivenUpCursor, Listed>,
    /// The places in the order in which they were taken.
    order: BTreeMap<u64, GivenUpCursor>,
    taken: u64,
}

#[derive(Debug)]
struct Listed {
    number: u64,
    delivery: GivenUpDelivery,
}

impl GivenUp {
    /// Adds a delivery, in the place of an earlier one of the same config; forgets the oldest beyond `limit`.
    pub(crate) fn add(&mut self, delivery: GivenUpDelivery, limit: usize) {
        let place = (delivery.task.clone(), delivery.config_id.clone());
        self.forget(&place);
        self.taken = self.taken.wrapping_add(1);
        self.order.insert(self.taken, place.clone());
        self.deliveries.insert(place, Listed { number: self.taken, delivery });
        while self.deliveries.len() > limit {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            self.deliveries.remove(&oldest);
        }
    }

    /// Returns those that follow `after`, at most `limit`.
    pub(crate) fn page(&self, after: Option<&GivenUpCursor>, limit: usize) -> Vec<GivenUpDelivery> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.deliveries.range::<GivenUpCursor, _>((from, Bound::Unbounded));
        rest.take(limit).map(|(_, listed)| listed.delivery.clone()).collect()
    }

    /// Forgets a delivery.
    pub(crate) fn forget(&mut self, place: &GivenUpCursor) {
        if let Some(listed) = self.deliveries.remove(place) {
            self.order.remove(&listed.number);
        }
    }
}
