//! Whether the ledger keeps to what it shall.

use super::statement::{Row, Statement};

const WITH_ONE_WATCHER: f64 = 0.60;
const WITH_NONE: f64 = 0.40;
const IDLE_MONTH: f64 = 0.60;
/// How much the cost of one workload may differ from one number of instances to another.
const SPREAD: f64 = 0.05;

/// Prints a line for each bound.
pub(super) fn print(statement: &Statement) {
    println!();
    for (watchers, bound) in [(0, WITH_NONE), (1, WITH_ONE_WATCHER)] {
        let rows: Vec<&Row> = statement.rows.iter().filter(|row| row.watchers == watchers).collect();
        let mut names: Vec<_> = rows.iter().map(|row| row.workload).collect();
        names.dedup();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let costs: Vec<f64> = rows
                .iter()
                .filter(|row| row.workload == name)
                .map(|row| row.dollars_a_million_events)
                .collect();
            let (least, most) = range(&costs);
            say(&format!("{name}, {watchers} watching: US$ {most:.3} of {bound:.2}"), most <= bound);
            let spread = most / least - 1.0;
            if costs.len() > 1 {
                say(&format!("    any N within {:.1} % of 5 %", spread * 100.0), spread <= SPREAD);
            }
        }
    }
    let (_, most) = range(&statement.idle.iter().map(|idle| idle.dollars_a_month).collect::<Vec<_>>());
    say(&format!("idle instance-month: US$ {most:.3} of {IDLE_MONTH:.2}"), most <= IDLE_MONTH);
}

fn range(values: &[f64]) -> (f64, f64) {
    let fold = |start, pick: fn(f64, f64) -> f64| values.iter().copied().fold(start, pick);
    (fold(f64::INFINITY, f64::min), fold(0.0, f64::max))
}

fn say(what: &str, is_kept: bool) {
    println!("{:<60} {}", what, if is_kept { "kept" } else { "MISSED" });
}
