//! What a scenario did to clients and instances.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use a2a_testworld::weather::Counts;

use crate::bad_weather::Fate;

/// What became of one scenario.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What it is called.
    pub name: &'static str,
    /// Tasks that clients saw end.
    pub done: usize,
    /// Requests that were refused, with a time to retry after.
    pub refused: usize,
    /// What clients were told instead, how often.
    pub wrong: BTreeMap<String, usize>,
    /// The most instances that were not ready at once.
    pub unready: usize,
    /// How many were declared dead while they lived.
    pub evicted: usize,
    /// Until all were connected to the bus, or were so again.
    pub connected: Duration,
    /// What the weather did.
    pub weather: String,
}

impl Report {
    /// Takes note of what became of tasks.
    pub(super) fn saw(&mut self, fates: Vec<Fate>) {
        for fate in fates {
            match fate {
                Fate::Done { streams, .. } => {
                    self.done += 1;
                    streams.into_iter().for_each(|why| *self.wrong.entry(why).or_default() += 1);
                }
                Fate::Refused { .. } => self.refused += 1,
                Fate::Broken { why, .. } | Fate::Wrong(why) => *self.wrong.entry(why).or_default() += 1,
            }
        }
    }

    /// Takes note of what the weather did.
    pub(super) fn weather(&mut self, counts: &Counts) {
        let seen = &counts.messaging;
        self.weather = format!(
            "{} filters late, {} beyond the quota, {} names blocked, {} messages late, {} twice, {} short answers, {} refused",
            seen.filters_delayed,
            seen.filters_beyond_quota,
            seen.names_blocked,
            seen.messages_delayed,
            seen.messages_repeated,
            seen.short_answers,
            counts.operations.values().map(|of| of.refused).sum::<u64>(),
        );
    }

    /// What should not be, in words.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |holds: bool, why: String| {
            if !holds {
                faults.push(format!("{}: {why}", self.name));
            }
        };
        must(self.done > 0, "nothing was done".to_owned());
        must(self.wrong.is_empty(), format!("clients were told {:?}", self.wrong));
        must(self.unready == 0, format!("{} instances were not ready", self.unready));
        must(self.evicted == 0, format!("{} living members were evicted", self.evicted));
        faults
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong: usize = self.wrong.values().sum();
        writeln!(
            f,
            "{}\n    {} done, {} refused, {wrong} otherwise, {} not ready at once, {} evicted, connected after {:.1?}",
            self.name, self.done, self.refused, self.unready, self.evicted, self.connected
        )?;
        writeln!(f, "    {}", self.weather)
    }
}
