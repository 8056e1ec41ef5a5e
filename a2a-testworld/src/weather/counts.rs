//! What the weather did and what was consumed, counted as billed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::line::{Axis, Line};
use super::messaging::MessagingCounts;

/// How many partitions of a table or an index are told apart; what further ones consume is in the sums only.
const PARTITIONS: usize = 1_000_000;

/// What was asked, what became of it, and what it cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Counts {
    /// By operation, such as `PutItem`.
    pub operations: BTreeMap<String, Outcomes>,
    /// By table.
    pub tables: BTreeMap<String, TableCounts>,
    /// By the reason that throttling gave, such as `IndexWriteKeyRangeThroughputExceeded`.
    pub reasons: BTreeMap<String, u64>,
    /// What else was done to SNS and SQS.
    pub messaging: MessagingCounts,
}

/// What became of the requests of one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    /// All attempts that arrived.
    pub requests: u64,
    /// Answered with success.
    pub succeeded: u64,
    /// Answered by the endpoint with an error that is none of the following.
    pub failed: u64,
    /// Refused because a condition did not hold, outside transactions.
    pub conditions_failed: u64,
    /// Throttled by the limits or by a rate, as a whole.
    pub throttled: u64,
    /// Items of batches that were throttled while others passed.
    pub items_unprocessed: u64,
    /// Transactions cancelled, by the endpoint or by the limits.
    pub cancelled: u64,
    /// Refused because the weather says so: permissions, credentials, 500 and the like.
    pub refused: u64,
    /// Of these, those that were applied nevertheless.
    pub refused_after_applying: u64,
    /// Connections reset before anything was done.
    pub reset: u64,
    /// Never answered.
    pub unanswered: u64,
    /// Answers lost after the endpoint had applied the request.
    pub lost: u64,
}

/// Units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Units {
    /// Read units.
    pub read: f64,
    /// Write units.
    pub written: f64,
}

/// A table and its indexes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TableCounts {
    /// The table alone.
    pub table: ResourceCounts,
    /// Each index.
    pub indexes: BTreeMap<String, ResourceCounts>,
}

impl TableCounts {
    /// Units of the table and all its indexes.
    pub fn total(&self) -> Units {
        self.indexes.values().fold(self.table.units, |sum, index| Units {
            read: sum.read + index.units.read,
            written: sum.written + index.units.written,
        })
    }
}

/// A table without its indexes, or an index.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ResourceCounts {
    /// All units.
    pub units: Units,
    /// Units by partition key. Scans and statements of PartiQL are in the sum only.
    pub partitions: BTreeMap<String, Units>,
    /// How often a partition or the whole was out of units.
    pub throttled: u64,
}

impl ResourceCounts {
    /// Units of one partition key.
    pub fn partition(&self, key: &str) -> Units {
        self.partitions.get(key).copied().unwrap_or_default()
    }
}

impl Counts {
    /// What became of an operation's requests.
    pub fn operation(&self, name: &str) -> Outcomes {
        self.operations.get(name).cloned().unwrap_or_default()
    }

    /// A table without its indexes.
    pub fn table(&self, name: &str) -> ResourceCounts {
        self.tables.get(name).map(|table| table.table.clone()).unwrap_or_default()
    }

    /// An index.
    pub fn index(&self, table: &str, name: &str) -> ResourceCounts {
        let index = self.tables.get(table).and_then(|table| table.indexes.get(name));
        index.cloned().unwrap_or_default()
    }

    pub(super) fn outcome(&mut self, operation: &str, note: impl FnOnce(&mut Outcomes)) {
        if !self.operations.contains_key(operation) {
            self.operations.insert(operation.to_owned(), Outcomes::default());
        }
        if let Some(outcomes) = self.operations.get_mut(operation) {
            note(outcomes);
        }
    }

    pub(super) fn charge(&mut self, line: &Line) {
        let resource = self.resource(&line.table, line.index.as_deref());
        add(&mut resource.units, line);
        if let Some(partition) = &line.partition {
            if let Some(units) = resource.partitions.get_mut(partition) {
                add(units, line);
            } else if resource.partitions.len() < PARTITIONS {
                add(resource.partitions.entry(partition.clone()).or_default(), line);
            }
        }
    }

    pub(super) fn throttled(&mut self, table: &str, index: Option<&str>, reason: &str) {
        self.resource(table, index).throttled += 1;
        *self.reasons.entry(reason.to_owned()).or_default() += 1;
    }

    fn resource(&mut self, table: &str, index: Option<&str>) -> &mut ResourceCounts {
        let table = self.tables.entry(table.to_owned()).or_default();
        match index {
            Some(index) => table.indexes.entry(index.to_owned()).or_default(),
            None => &mut table.table,
        }
    }
}

fn add(units: &mut Units, line: &Line) {
    match line.axis {
        Axis::Read => units.read += line.units,
        Axis::Write => units.written += line.units,
    }
}
