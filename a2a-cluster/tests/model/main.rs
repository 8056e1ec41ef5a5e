//! A model checker for the actor's pure core; a program of its own, because it takes all processors and other tests keep time.
//!
//! A few instances, clients and faults around one task; the real core of each instance, and a store, a bus and a shell
//! as their contracts describe them. What may happen next is tried in breadth, with at most a few delays and to a stated
//! depth, and what must be true in every state is looked at after every step. `docs/proof.md` says what that covers, and
//! what it does not.
//!
//! `A2A_MODEL_STATES=2000000` searches further, `A2A_MODEL_SECONDS=600` no longer than that in each configuration, and
//! `A2A_MODEL="a crash"` only those whose names contain the words.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail"
)]

use a2a_cluster::actor::core;

mod actions;
mod agents;
mod clients;
mod config;
mod configs;
mod describe;
mod digest;
mod duel;
mod explore;
mod flaws;
mod happen;
mod heal;
mod members;
mod names;
mod ops;
mod prompt;
mod properties;
mod rejected;
mod report;
mod shell;
mod store;
mod streams;
mod world;

use std::sync::Arc;
use std::time::Duration;

use config::Config;
use explore::{Found, Limits, explore};
use report::report;
use world::World;

/// How many states of each configuration are searched before the depth that is being searched is the last one.
const STATES: usize = 60_000;
/// The same, for a broken variant: it ends earlier where it is rejected.
const STATES_OF_BROKEN: usize = 150_000;

fn check(config: Config) -> Found {
    let limits = Limits::of(if config.flaw.is_some() { STATES_OF_BROKEN } else { STATES });
    explore(&World::new(&Arc::new(config)), limits)
}

#[test]
fn the_invariants_hold_in_every_interleaving_that_is_searched() {
    let only = std::env::var("A2A_MODEL").unwrap_or_default();
    let (mut violated, mut states) = (0, 0);
    for config in configs::all().into_iter().filter(|config| config.name.contains(&only)) {
        let name = config.name;
        let found = check(config);
        report(format_args!("{found}  {name}"));
        states += found.states;
        if let Some(((property, how), trace)) = found.violation {
            report(format_args!("  violated: {property} ({how})"));
            trace.iter().for_each(|step| report(format_args!("    {step}")));
            violated += 1;
        }
    }
    report(format_args!("{states:>9} states in all"));
    assert_eq!(violated, 0, "see above");
}

#[test]
fn the_model_rejects_every_broken_variant_by_name() {
    let mut kept = vec![];
    for rejected in rejected::ALL {
        let config = configs::all().into_iter().find(|config| config.name == rejected.by);
        let config = config.unwrap_or_else(|| panic!("no configuration is called {}", rejected.by));
        let found = check(Config { flaw: Some(rejected.flaw), heals: false, ..config });
        let property = found.violation.as_ref().map(|((property, _), _)| *property);
        report(format_args!("{found}  {:?}: {}", rejected.flaw, property.unwrap_or("nothing is violated")));
        if !property.is_some_and(|property| rejected.properties.contains(&property)) {
            kept.push(rejected.flaw);
        }
    }
    assert!(kept.is_empty(), "not rejected, or by another property: {kept:?}");
}

#[test]
fn a_cancel_loses_only_so_many_commits_in_a_row_against_an_executor_that_commits_all_the_time() {
    let ms = Duration::from_millis;
    for (call, every) in [(ms(8), ms(2)), (ms(16), ms(3)), (ms(40), ms(8))] {
        let phases = (0..).map(|phase| every * phase).take_while(|phase| *phase < call * 3);
        let ended: Vec<_> = phases.map(|phase| duel::duel(call, phase, true)).collect();
        let lost = ended.iter().map(|ended| ended.lost).max().expect("some phases");
        let took = ended.iter().map(|ended| ended.took).max().expect("some phases");
        report(format_args!(
            "{} phases, calls of {call:?}: a cancel lost at most {lost} commits, and took {took:?}",
            ended.len()
        ));
        assert!(lost <= duel::bound(call), "lost {lost} in a row");
        assert!(took < Duration::from_secs(4), "took {took:?}");
        let broken = duel::duel(call, ms(0), false);
        assert!(broken.lost > duel::bound(call), "an executor that leaves no room is not found: {broken:?}");
    }
}
