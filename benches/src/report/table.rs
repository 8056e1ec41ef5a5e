//! The table on standard output.

use crate::compare::{Outcome, Turn, Workload, growth};
use crate::server::Contender;

/// Prints one workload's outcomes.
pub(crate) fn print(outcomes: &[Outcome]) {
    let Some(first) = outcomes.first() else { return };
    match first.workload {
        Workload::Idle => idle(first),
        Workload::Long => long(outcomes),
        Workload::Short | Workload::Echo => {
            closed_loop(first, "tasks/s", "CPU ms per 1,000 tasks", "round trip, ms");
        }
        Workload::Burst | Workload::Yield | Workload::Fanout => {
            closed_loop(first, "chunks/s", "CPU ms per 1,000 chunks", "agent to client, ms");
        }
    }
    println!();
}

fn contenders(outcome: &Outcome) -> impl Iterator<Item = Contender> + '_ {
    outcome.turns.keys().copied()
}

fn closed_loop(outcome: &Outcome, rate: &str, cpu: &str, wait: &str) {
    println!("## {}", outcome.workload.title());
    println!(
        "{:<20} {rate:>10} {:>7} {:>7}   {cpu:>24} {:>7} {:>7}   {:>9} {:>9} ({wait})   {:>8} {:>5}",
        "", "x SDK", "x peer", "x SDK", "x peer", "p50", "p99", "RSS, MiB", "cut"
    );
    for who in contenders(outcome) {
        let ratio = |to, figure: fn(&Turn) -> f64| outcome.ratio(who, to, figure);
        println!(
            "{:<20} {:>10.0} {:>7.2} {:>7.2}   {:>24.2} {:>7.2} {:>7.2}   {:>9.3} {:>9.3} {}   {:>8.0} {:>5}",
            who.title(),
            outcome.median(who, |turn| turn.rate),
            ratio(Contender::Sdk, |turn| turn.rate),
            ratio(Contender::Peer, |turn| turn.rate),
            outcome.median(who, |turn| turn.cpu),
            ratio(Contender::Sdk, |turn| turn.cpu),
            ratio(Contender::Peer, |turn| turn.cpu),
            outcome.median(who, |turn| turn.p50),
            outcome.median(who, |turn| turn.p99),
            " ".repeat(wait.len() + 2),
            outcome.median(who, |turn| turn.memory),
            outcome.cut(who),
        );
    }
}

fn long(outcomes: &[Outcome]) {
    println!("## {}", Workload::Long.title());
    println!(
        "{:<20} {:>8} {:>14} {:>7} {:>16} {:>5}",
        "", "chunks", "ms per stream", "x peer", "CPU ms per 1,000", "cut"
    );
    for outcome in outcomes {
        for who in contenders(outcome) {
            println!(
                "{:<20} {:>8} {:>14.2} {:>7.2} {:>16.2} {:>5}",
                who.title(),
                outcome.length.unwrap_or_default(),
                outcome.median(who, |turn| turn.p50),
                outcome.ratio(who, Contender::Peer, |turn| turn.p50),
                outcome.median(who, |turn| turn.cpu),
                outcome.cut(who),
            );
        }
    }
    for who in outcomes.first().into_iter().flat_map(contenders) {
        println!("{:<20} time grows with length to the power of {:.3}", who.title(), growth(outcomes, who));
    }
}

fn idle(outcome: &Outcome) {
    println!("## {}", Workload::Idle.title());
    println!("{:<20} {:>15} {:>8} {:>20}", "", "KB per stream", "x floor", "CPU ms per 1,000");
    for who in contenders(outcome) {
        println!(
            "{:<20} {:>15.2} {:>8.2} {:>20.1}",
            who.title(),
            outcome.median(who, |turn| turn.memory),
            outcome.ratio(who, Contender::Floor, |turn| turn.memory),
            outcome.median(who, |turn| turn.cpu),
        );
    }
}
