//! What indexes do not show yet: for each item that was written a short time ago, the entries that it had before.

use std::collections::HashMap;

use tokio::time::Instant;

use super::item::Item;

/// The changes that indexes are behind with, by table and index.
#[derive(Debug, Default)]
pub(super) struct Recent {
    indexes: HashMap<(String, String), HashMap<String, Vec<Hidden>>>,
}

/// A change that is not shown yet.
#[derive(Debug, Clone)]
struct Hidden {
    /// What the index still shows: the entry before the change, or none.
    before: Option<Item>,
    /// Until when; `None` while the write is on its way.
    until: Option<Instant>,
}

/// One write's change of one index, which is on its way.
#[derive(Debug)]
pub(super) struct Pending {
    of: (String, String),
    identity: String,
}

impl Recent {
    /// Hides a write that is on its way. One item has one such write at a time.
    pub(super) fn begin(
        &mut self,
        table: &str,
        index: &str,
        identity: &str,
        before: Option<Item>,
    ) -> Pending {
        let of = (table.to_owned(), index.to_owned());
        let changes = self.indexes.entry(of.clone()).or_default().entry(identity.to_owned()).or_default();
        changes.push(Hidden { before, until: None });
        Pending { of, identity: identity.to_owned() }
    }

    /// The write was applied: it is shown later; not before the item's earlier writes are, for [`shown`](Self::shown) goes by
    /// the oldest that is hidden.
    pub(super) fn applied(&mut self, pending: Pending, now: Instant, until: Instant) {
        let Some(items) = self.indexes.get_mut(&pending.of) else { return };
        if let Some(changes) = items.get_mut(&pending.identity) {
            changes
                .iter_mut()
                .filter(|change| change.until.is_none())
                .for_each(|change| change.until = Some(until));
        }
        // Every so often, what is shown by now is forgotten.
        if items.len().is_power_of_two() {
            items.retain(|_, changes| changes.iter().any(|change| change.hides(now)));
        }
    }

    /// The write changed nothing of the index.
    pub(super) fn void(&mut self, pending: &Pending) {
        let Some(items) = self.indexes.get_mut(&pending.of) else { return };
        if let Some(changes) = items.get_mut(&pending.identity) {
            changes.retain(|change| change.until.is_some());
            if changes.is_empty() {
                items.remove(&pending.identity);
            }
        }
    }

    /// What an index still shows of the items whose last changes it does not, by the identity of the item.
    pub(super) fn shown(&mut self, table: &str, index: &str, now: Instant) -> HashMap<String, Option<Item>> {
        let Some(items) = self.indexes.get_mut(&(table.to_owned(), index.to_owned())) else {
            return HashMap::new();
        };
        items.retain(|_, changes| {
            changes.retain(|change| change.hides(now));
            !changes.is_empty()
        });
        let oldest = |(identity, changes): (&String, &Vec<Hidden>)| {
            Some((identity.clone(), changes.first()?.before.clone()))
        };
        items.iter().filter_map(oldest).collect()
    }

    /// Shows everything.
    pub(super) fn clear(&mut self) {
        self.indexes.clear();
    }
}

impl Hidden {
    fn hides(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}
