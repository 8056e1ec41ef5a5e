//! What webhooks cost: what is recorded of it, and tables.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// All that was measured.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) machine: String,
    pub(crate) rate: Vec<Rate>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) delay: Vec<Delay>,
    pub(crate) without: Vec<Unhooked>,
}

/// What a task without a webhook asks of the store, by the number of its chunks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Unhooked {
    pub(crate) chunks: usize,
    /// Where push notifications are not declared.
    pub(crate) undeclared: BTreeMap<String, f64>,
    /// Where they are.
    pub(crate) declared: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Rate {
    /// How many tasks with a webhook each are at work at once.
    pub(crate) webhooks: usize,
    pub(crate) calls_a_second: f64,
    /// All that the instance takes: the tasks' own events, too.
    pub(crate) cpu_ms_per_1000_calls: f64,
    pub(crate) calls: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// The size of the one chunk of each task.
    pub(crate) bytes: usize,
    pub(crate) deliveries: usize,
    /// Where the webhooks do not answer, in KiB for each.
    pub(crate) hangs_kib: f64,
    /// Where nobody listens, in KiB for each.
    pub(crate) away_kib: f64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Delay {
    pub(crate) chunks: usize,
    /// How long after the end a webhook that answers at once learns of it, in milliseconds.
    pub(crate) fast_ms: f64,
    pub(crate) fast_calls: f64,
    /// And one that takes 50 ms over a call.
    pub(crate) slow_ms: f64,
    pub(crate) slow_calls: f64,
}

impl Measured {
    /// Makes the tables.
    pub(crate) fn tables(&self) -> String {
        let mut page = String::from(
            "| webhooks at once, all of which answer at once | calls a second | CPU of the instance, ms per 1,000 calls |\n|---|--:|--:|\n",
        );
        for rate in &self.rate {
            let (webhooks, calls, cpu) =
                (thousands(rate.webhooks), rate.calls_a_second, rate.cpu_ms_per_1000_calls);
            let _ = writeln!(page, "| {webhooks} | {calls:.0} | {cpu:.0} |");
        }
        page.push_str(
            "\n| memory for each webhook that waits, KiB | it hangs | nobody listens |\n|---|--:|--:|\n",
        );
        for memory in &self.memory {
            let size = if memory.bytes < 1024 {
                format!("{} B", memory.bytes)
            } else {
                format!("{} KiB", memory.bytes / 1024)
            };
            let (hangs, away) = (memory.hangs_kib, memory.away_kib);
            let _ = writeln!(page, "| an event of {size} | {hangs:.1} | {away:.1} |");
        }
        page.push_str("\n| from the end of a stream to its webhook, ms (calls) | it answers at once | after 50 ms |\n|---|--:|--:|\n");
        for delay in &self.delay {
            let (fast, slow) = (delay.fast_ms, delay.slow_ms);
            let (fast_calls, slow_calls) = (delay.fast_calls, delay.slow_calls);
            let chunks = thousands(delay.chunks);
            let _ = writeln!(
                page,
                "| {chunks} chunks | {fast:.1} ({fast_calls:.0}) | {slow:.1} ({slow_calls:.0}) |"
            );
        }
        page.push_str(
            "\n| requests of a task without a webhook | not declared | declared |\n|---|---|---|\n",
        );
        for Unhooked { chunks, undeclared, declared } in &self.without {
            let plural = if *chunks == 1 { "" } else { "s" };
            let (chunks, undeclared, declared) = (thousands(*chunks), words(undeclared), words(declared));
            let _ = writeln!(page, "| {chunks} chunk{plural} | {undeclared} | {declared} |");
        }
        page
    }
}

fn words(calls: &BTreeMap<String, f64>) -> String {
    let calls: Vec<_> = calls.iter().map(|(call, count)| format!("{count} `{call}`")).collect();
    calls.join(", ")
}

fn thousands(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}
