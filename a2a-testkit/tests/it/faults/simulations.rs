//! Simulations: virtual time, one seed at a time, equal traces for equal seeds.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use a2a_core::{Env, TaskStore};
use a2a_testkit::sample::TaskModel;
use a2a_testkit::{FaultyStore, Forecast, SeededEnv, Trace, Weather, assert_replays, seeds, simulate};

use crate::reference::Reference;

/// Writers that fight over a task in a storm.
async fn fight(seed: u64, trace: Trace) {
    let (truth, weather) = (Arc::new(Reference::default()), Weather::new(Forecast::stormy()));
    let env = SeededEnv::new(seed);
    let model = TaskModel::new("t").begin(&*truth).await;
    let writers = (0..4).map(|writer| {
        let store = FaultyStore::new(truth.clone(), weather.clone(), seed ^ (writer << 32));
        let (env, model, trace) = (env.fork(), model.clone(), trace.clone());
        async move {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(1).mul_f64(env.chance())).await;
                let Ok(Some(stored)) = store.load(&model.key).await else { continue };
                let now =
                    TaskModel { version: stored.version, generation: stored.generation, ..model.clone() };
                let outcome = store.commit(&model.key, now.draft(Vec::new()).commit()).await;
                trace.note(format_args!("{writer} expects {}: {}", stored.version, outcome.is_ok()));
            }
            store.await_late_writes().await;
        }
    });
    futures::future::join_all(writers).await;
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    assert_replays(seeds(20), fight);
}

#[test]
fn other_seeds_give_other_traces() {
    let digests = std::cell::RefCell::new(std::collections::BTreeSet::new());
    simulate(0..20, async |seed| {
        let trace = Trace::new();
        fight(seed, trace.clone()).await;
        digests.borrow_mut().insert(trace.digest());
    });
    assert_eq!(digests.into_inner().len(), 20);
}

#[test]
fn what_is_not_deterministic_does_not_replay() {
    let calls = Cell::new(0);
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        assert_replays([1], async |_, trace| {
            calls.set(calls.get() + 1);
            trace.note(if calls.get() == 2 { "another" } else { "one" });
        });
    }));
    let reason = verdict.expect_err("the traces differ");
    assert!(reason.downcast_ref::<String>().unwrap().contains("seed 1 does not repeat itself at line 0"));
}

#[test]
fn time_is_virtual_and_begins_anew_with_each_seed() {
    let begun = Instant::now();
    simulate(0..10, async |_| {
        let env = SeededEnv::new(1);
        let before = env.now();
        tokio::time::sleep(Duration::from_secs(1000)).await;
        assert_eq!((env.now() - before).num_seconds(), 1000);
    });
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_simulation_that_waits_for_ever_fails() {
    let verdict = catch_unwind(|| simulate([7], async |_| std::future::pending().await));
    let reason = verdict.expect_err("nothing can happen any more");
    assert!(reason.downcast_ref::<String>().unwrap().contains("still waits"));
}

#[test]
fn a_failure_stops_at_its_seed() {
    let last = Cell::new(0);
    let verdict = catch_unwind(AssertUnwindSafe(|| {
        simulate(0..10, async |seed| {
            last.set(seed);
            assert!(seed < 3, "seed {seed} finds a mistake");
        });
    }));
    assert!(verdict.is_err());
    assert_eq!(last.get(), 3);
}
