//! Token buckets: what each partition, table and account has left.
//!
//! A request passes while there is anything left, and may take more than that: what it costs is known afterwards. The
//! debt is paid before the next one passes.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::line::{Axis, Line};
use super::settings::Limits;

/// Beyond so many partitions, those that are full again are forgotten.
const REMEMBERED: usize = 100_000;

/// Which limit was exceeded, as `ThrottlingReason` names it: the part after the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    KeyRange,
    Account,
    OnDemandMaximum,
}

impl Limit {
    /// The reason that is told of a line.
    pub(super) fn reason(self, line: &Line) -> String {
        let kind = if line.index.is_some() { "Index" } else { "Table" };
        let limit = match self {
            Limit::KeyRange => "KeyRangeThroughputExceeded",
            Limit::Account => "AccountLimitExceeded",
            Limit::OnDemandMaximum => "MaxOnDemandThroughputExceeded",
        };
        format!("{kind}{}{limit}", line.axis.word())
    }
}

/// Whose units these are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owner {
    Partition(String, Option<String>, String, Axis),
    /// A table or an index, by what it has grown to.
    Grown(String, Option<String>, Axis),
    /// A table or an index, by what its owner allows.
    Allowed(String, Option<String>, Axis),
    /// A table with all its indexes.
    Account(String, Axis),
}

/// All buckets of all tables.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    levels: HashMap<Owner, Level>,
    growth: HashMap<(String, Option<String>, Axis), Growth>,
    /// How many there are when it is worth looking through them again.
    forget_at: usize,
}

/// What is left, and since when.
#[derive(Debug, Clone, Copy)]
struct Level {
    units: f64,
    at: Instant,
}

/// How a table or an index grows: to twice the highest second of the window before.
#[derive(Debug, Clone, Copy)]
struct Growth {
    limit: f64,
    window: Instant,
    second: Instant,
    units: f64,
    highest: f64,
}

impl Buckets {
    /// Begins anew with what tables grow to, for other limits.
    pub(super) fn forget_growth(&mut self) {
        self.growth.clear();
    }

    /// The limit that keeps a line from passing, if one does.
    pub(super) fn exceeded(&mut self, now: Instant, limits: &Limits, line: &Line) -> Option<Limit> {
        if line.units <= 0.0 {
            return None;
        }
        self.grow(now, limits, line, 0.0);
        let buckets = self.buckets(limits, line);
        let empty = |(owner, rate, _): &(Owner, f64, Limit)| self.level(now, owner, *rate, limits) <= 0.0;
        buckets.iter().find(|bucket| empty(bucket)).map(|(_, _, limit)| *limit)
    }

    /// Takes a line's units, or gives them back where they are negative.
    pub(super) fn take(&mut self, now: Instant, limits: &Limits, line: &Line) {
        self.grow(now, limits, line, line.units);
        for (owner, rate, _) in self.buckets(limits, line) {
            let left = self.level(now, &owner, rate, limits);
            self.levels.insert(owner, Level { units: left - line.units, at: now });
        }
        if self.levels.len() > self.forget_at.max(REMEMBERED) {
            let longest = Duration::from_secs_f64(1.0 + limits.burst_seconds.max(0.0));
            self.levels.retain(|_, level| level.units < 0.0 || now - level.at < longest);
            self.forget_at = 2 * self.levels.len();
        }
    }

    fn level(&self, now: Instant, owner: &Owner, rate: f64, limits: &Limits) -> f64 {
        let size = rate * (1.0 + limits.burst_seconds);
        match self.levels.get(owner) {
            None => size,
            Some(level) => (level.units + rate * (now - level.at).as_secs_f64()).min(size),
        }
    }

    fn buckets(&self, limits: &Limits, line: &Line) -> Vec<(Owner, f64, Limit)> {
        let (table, index, axis) = (&line.table, &line.index, line.axis);
        let of = |writes, reads| match axis {
            Axis::Write => writes,
            Axis::Read => reads,
        };
        let mut found = Vec::with_capacity(4);
        if let Some(partition) = &line.partition {
            let owner = Owner::Partition(table.clone(), index.clone(), partition.clone(), axis);
            found.push((owner, of(limits.partition_writes, limits.partition_reads), Limit::KeyRange));
        }
        let grown = self.growth.get(&(table.clone(), index.clone(), axis)).map(|growth| growth.limit);
        let grown = grown.unwrap_or(of(limits.table_writes, limits.table_reads));
        found.push((Owner::Grown(table.clone(), index.clone(), axis), grown, Limit::KeyRange));
        let account = of(limits.account_writes, limits.account_reads);
        found.push((Owner::Account(table.clone(), axis), account, Limit::Account));
        let allowed = match axis {
            Axis::Write => limits.on_demand_maximum_writes,
            Axis::Read => limits.on_demand_maximum_reads,
        };
        if let Some(allowed) = allowed {
            found.push((Owner::Allowed(table.clone(), index.clone(), axis), allowed, Limit::OnDemandMaximum));
        }
        found
    }

    fn grow(&mut self, now: Instant, limits: &Limits, line: &Line, units: f64) {
        let (start, most) = match line.axis {
            Axis::Write => (limits.table_writes, limits.account_writes),
            Axis::Read => (limits.table_reads, limits.account_reads),
        };
        let of = (line.table.clone(), line.index.clone(), line.axis);
        let growth = self.growth.entry(of).or_insert(Growth {
            limit: start,
            window: now,
            second: now,
            units: 0.0,
            highest: 0.0,
        });
        if now - growth.second >= Duration::from_secs(1) {
            (growth.second, growth.units) = (now, 0.0);
        }
        if now - growth.window >= limits.growth {
            growth.limit = (2.0 * growth.highest).clamp(growth.limit.min(most), most.max(growth.limit));
            (growth.window, growth.highest) = (now, 0.0);
        }
        growth.units += units;
        growth.highest = growth.highest.max(growth.units);
    }
}

#[cfg(test)]
mod tests;
