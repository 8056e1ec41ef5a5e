//! The cluster in bad weather; a program of its own, because it takes all processors and other tests keep time.
//!
//! Seeded, on paused time: instances crash, freeze past their lease, drain and come back; the store fails and
//! lies; the bus loses, repeats and reorders; clients cancel, follow up, send again and vanish. Then the weather
//! heals, and everything must come to an end.
//!
//! A failing seed prints the command that replays it. `A2A_SEEDS=10000` runs as many.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may fail, and its runtime ends with it"
)]

mod archive;
mod chaos;
mod client;
mod fleet;
mod freezer;
mod hooks;
mod misfortune;
mod oracle;
mod plan;
mod record;
mod seen;
mod tapped;
mod trespass;
mod words;

use std::rc::Rc;
use std::time::Duration;

use a2a_testkit::{Trace, assert_replays, seeds, simulate};
use fleet::Fleet;
use plan::Plan;
use seen::Seen;
use tokio::task::{JoinSet, LocalSet};

async fn live(seed: u64, plan: Plan, trace: Trace) {
    LocalSet::new().run_until(play(seed, plan, trace)).await;
}

async fn play(seed: u64, plan: Plan, trace: Trace) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let fleet = Rc::new(Fleet::start(&mut rng, plan, trace.clone()).await);
    let mut sessions = JoinSet::new();
    for n in 0..rng.usize(2..=6) {
        sessions.spawn_local(client::session(n, Rc::clone(&fleet), rng.fork()));
    }
    let mut misfortunes = JoinSet::new();
    misfortunes.spawn_local(misfortune::befall(Rc::clone(&fleet), rng.fork()));
    chaos::reign(&fleet, &mut rng, plan.disasters).await;
    misfortunes.join_all().await;
    trace.note("the weather heals");
    fleet.heal();
    if plan.disasters {
        chaos::linger(&fleet, &mut rng);
    }
    let seen: Vec<Seen> = sessions.join_all().await.into_iter().flatten().collect();
    // Two lease times for whoever died last to be found, and some for the agents to finish, or to have had their time.
    tokio::time::sleep(Duration::from_secs(500)).await;
    oracle::check(&fleet, &seen, &trace).await;
    fleet.shutdown().await;
}

#[test]
fn where_nothing_goes_wrong_nothing_fails_but_what_an_agent_fails() {
    simulate(seeds(600), async |seed| {
        let plan = Plan { calm: true, disasters: false, resume: false, bus: true };
        live(seed, plan, Trace::new()).await;
    });
}

#[test]
fn the_invariants_hold_in_bad_weather() {
    simulate(seeds(1_000), async |seed| {
        let plan = Plan { calm: false, disasters: false, resume: false, bus: true };
        live(seed, plan, Trace::new()).await;
    });
}

#[test]
fn the_invariants_hold_through_crashes_freezes_and_drains() {
    simulate(seeds(900), async |seed| {
        let plan = Plan { calm: false, disasters: true, resume: false, bus: true };
        live(seed, plan, Trace::new()).await;
    });
}

#[test]
fn the_invariants_hold_through_disasters_after_which_survivors_resume_agents() {
    simulate(seeds(900), async |seed| {
        let plan = Plan { calm: false, disasters: true, resume: true, bus: true };
        live(seed, plan, Trace::new()).await;
    });
}

#[test]
fn the_invariants_hold_without_a_bus_even_when_the_weather_has_healed() {
    simulate(seeds(600), async |seed| {
        let plan = Plan { calm: false, disasters: seed % 2 == 0, resume: seed % 3 == 0, bus: false };
        live(seed, plan, Trace::new()).await;
    });
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_replays(seeds(30), async |seed, trace| {
        live(seed, Plan { calm: false, disasters: true, resume: seed % 2 == 1, bus: true }, trace).await;
    });
}
