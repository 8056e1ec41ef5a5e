//! What instances ask of store and bus, counted; and about what DynamoDB would bill for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Shared by all whose calls are counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters(Arc<Mutex<Counts>>);

/// All that was counted up to a moment, or between two.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// Calls of the store by their names.
    calls: BTreeMap<&'static str, f64>,
    /// A unit for each begun KB that is written, twice that in a transaction.
    pub(super) write_units: f64,
    /// A unit for each begun 4 KB that is read.
    pub(super) read_units: f64,
    /// Calls that send, however many they reach.
    pub(super) sends: f64,
    /// Messages at those whom they reach.
    pub(super) messages: f64,
    /// Bytes of those.
    pub(super) bytes: f64,
    /// Calls that receive, each of which waits for 20 seconds at most.
    pub(super) polls: f64,
}

impl Counters {
    pub(super) fn counts(&self) -> Counts {
        self.lock().clone()
    }

    pub(super) fn write(&self, call: &'static str, units: f64) {
        self.call(call).write_units += units;
    }

    pub(super) fn read(&self, call: &'static str, units: f64) {
        self.call(call).read_units += units;
    }

    /// Adds read units to a call that was counted as a write.
    pub(super) fn also_read(&self, units: f64) {
        self.lock().read_units += units;
    }

    pub(super) fn sent(&self, recipients: usize, bytes: usize) {
        let mut counts = self.lock();
        counts.sends += 1.0;
        counts.messages += recipients as f64;
        counts.bytes += (recipients * bytes) as f64;
    }

    pub(super) fn polled(&self) {
        self.lock().polls += 1.0;
    }

    fn call(&self, name: &'static str) -> MutexGuard<'_, Counts> {
        let mut counts = self.lock();
        *counts.calls.entry(name).or_default() += 1.0;
        counts
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// What came since.
    pub(super) fn since(&self, before: &Counts) -> Counts {
        let calls = self.calls.iter().map(|(call, count)| (*call, count - before.of(call)));
        Counts {
            calls: calls.collect(),
            write_units: self.write_units - before.write_units,
            read_units: self.read_units - before.read_units,
            sends: self.sends - before.sends,
            messages: self.messages - before.messages,
            bytes: self.bytes - before.bytes,
            polls: self.polls - before.polls,
        }
    }

    /// How often the store was called in this way.
    pub(super) fn of(&self, call: &str) -> f64 {
        self.calls.get(call).copied().unwrap_or_default()
    }

    /// How often the store was called in each way, where it was.
    pub(super) fn calls(&self) -> BTreeMap<&'static str, f64> {
        self.calls.iter().filter(|(_, count)| **count > 0.0).map(|(call, count)| (*call, *count)).collect()
    }

    /// How often the store was called in any way.
    pub(super) fn store_calls(&self) -> f64 {
        self.calls.values().sum()
    }
}

/// The units of so many bytes, of which each begun `unit` bytes are one.
pub(super) fn units(bytes: usize, unit: usize) -> f64 {
    bytes.div_ceil(unit).max(1) as f64
}
