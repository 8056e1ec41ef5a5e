//! A write as the weather sees it: the item before and after, what that costs, and which partitions pay for it.

use std::sync::Arc;

use super::item::{self, Item};
use super::line::{Axis, Line};
use super::schema::{Index, Schema};
use super::writes::{Change, Write};

/// A write whose table is known.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) table: String,
    pub(super) schema: Arc<Schema>,
    pub(super) change: Change,
    /// The item's key, and nothing else.
    pub(super) key: Item,
    /// The key as text.
    pub(super) identity: String,
    pub(super) before: Option<Item>,
    pub(super) after: Option<Item>,
}

impl Plan {
    /// Plans a write; `None` where it lacks a part of the key, which the endpoint will say.
    pub(super) fn new(write: Write, schema: Arc<Schema>) -> Option<Self> {
        let key = schema.key.of(write.change.key())?;
        let identity = schema.key.identity(&key)?;
        Some(Plan {
            table: write.table,
            schema,
            change: write.change,
            key,
            identity,
            before: None,
            after: None,
        })
    }

    /// Takes note of the item as it is before the write, and makes an idea of what it becomes.
    pub(super) fn found(&mut self, before: Option<Item>) {
        self.after = self.change.after(before.as_ref());
        self.before = before;
    }

    /// What the table consumes: units of the larger of both items, twice in a transaction. This is also what a refused
    /// condition and a cancelled transaction consume.
    pub(super) fn table_line(&self, factor: f64) -> Line {
        let larger = [&self.before, &self.after].into_iter().flatten().map(item::size).max();
        Line {
            table: self.table.clone(),
            index: None,
            partition: self.schema.key.partition(&self.key),
            axis: Axis::Write,
            units: factor * item::write_units(larger.unwrap_or(0)),
        }
    }

    /// What all consume: the table, and each index whose entry changes. Indexes do not pay twice in a transaction.
    pub(super) fn lines(&self, factor: f64) -> Vec<Line> {
        let mut lines = vec![self.table_line(factor)];
        for index in &self.schema.indexes {
            let [before, after] = self.entries(index);
            if before == after {
                continue;
            }
            let line = |entry: &Item, units: f64| Line {
                table: self.table.clone(),
                index: Some(index.name.clone()),
                partition: index.key.partition(entry),
                axis: Axis::Write,
                units,
            };
            let units = |entry: &Item| item::write_units(item::size(entry));
            match (&before, &after) {
                (Some(old), Some(new)) if index.key.of(old) == index.key.of(new) => {
                    lines.push(line(new, units(old).max(units(new))));
                }
                _ => lines
                    .extend([&before, &after].into_iter().flatten().map(|entry| line(entry, units(entry)))),
            }
        }
        lines
    }

    /// What an index holds of the item before and after.
    pub(super) fn entries(&self, index: &Index) -> [Option<Item>; 2] {
        [&self.before, &self.after].map(|item| self.schema.entry(index, item.as_ref()?))
    }

    /// Every partition that the write may concern, with no units.
    pub(super) fn touched(&self) -> Vec<Line> {
        let mut lines = vec![Line { units: 0.0, ..self.table_line(0.0) }];
        for index in &self.schema.indexes {
            for entry in self.entries(index).iter().rev().flatten() {
                let (table, index_name) = (self.table.clone(), Some(index.name.clone()));
                let partition = index.key.partition(entry);
                lines.push(Line { table, index: index_name, partition, axis: Axis::Write, units: 0.0 });
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests;
