//! What webhooks cost, in tables.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::webhooks::{Measured, Unhooked};

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
