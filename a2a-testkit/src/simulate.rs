//! Runs a test once per seed, in virtual time on one thread, and tells how to run a failing seed again.

mod replay;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::Trace;

/// The virtual time after which a simulation has come to a standstill.
const STANDSTILL: Duration = Duration::from_secs(3600);

/// The real time after which a seed is named that still runs.
const SUSPICIOUS: Duration = Duration::from_secs(60);

/// How many lines of the trace a failure shows.
const SHOWN: usize = 100;

/// Returns the seeds to run: the one in `A2A_SEED`, or else as many as `A2A_SEEDS` says, or else `default`.
///
/// # Panics
///
/// Where one of the variables is no number.
pub fn seeds(default: u64) -> Vec<u64> {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.trim().parse().unwrap_or_else(|_| panic!("{name} is no number: {text:?}")))
    };
    match number("A2A_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("A2A_SEEDS").unwrap_or(default)).collect(),
    }
}

/// Runs `test` for each seed on a runtime of its own: one thread, paused time that jumps to the next timer
/// whenever nothing else is left to do.
///
/// # Panics
///
/// As `test` does, or when it still waits after an hour of virtual time. Before, the seed, the end of the
/// latest [`Trace`] and the command that replays it are printed.
pub fn simulate(seeds: impl IntoIterator<Item = u64>, test: impl AsyncFn(u64)) {
    for seed in seeds {
        let verdict = watched(seed, || catch_unwind(AssertUnwindSafe(|| run_one(seed, &test))));
        if let Err(panic) = verdict {
            report(seed);
            resume_unwind(panic);
        }
    }
}

/// Runs `test` twice with each seed and compares what it traced.
///
/// # Panics
///
/// As [`simulate()`] does, or at the first line that differs.
pub fn assert_replays(seeds: impl IntoIterator<Item = u64>, test: impl AsyncFn(u64, Trace)) {
    for seed in seeds {
        let mut traces = Vec::new();
        for _ in 0..2 {
            let begun = std::cell::RefCell::new(None);
            simulate([seed], async |seed| {
                let trace = Trace::new();
                begun.replace(Some(trace.clone()));
                test(seed, trace).await;
            });
            traces.extend(begun.take());
        }
        let [first, second] = &traces[..] else { panic!("each run begins a trace") };
        let (a, b) = (first.lines(), second.lines());
        let differs = a
            .iter()
            .zip(&b)
            .position(|(a, b)| a != b)
            .or((a.len() != b.len()).then_some(a.len().min(b.len())));
        if let Some(n) = differs {
            panic!("seed {seed} does not repeat itself at line {n}:\n{:#?}\n{:#?}", a.get(n), b.get(n));
        }
        assert_eq!(first.digest(), second.digest());
    }
}

fn run_one(seed: u64, test: &impl AsyncFn(u64)) {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let ended = runtime.block_on(async { timeout(STANDSTILL, test(seed)).await });
    assert!(ended.is_ok(), "the simulation still waits after {STANDSTILL:?} of virtual time");
}

/// Names a seed that never ends, which no timeout in virtual time can do.
fn watched<T>(seed: u64, run: impl FnOnce() -> T) -> T {
    let (done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if waiting.recv_timeout(SUSPICIOUS) == Err(mpsc::RecvTimeoutError::Timeout) {
                say(&format!("seed {seed} has been running for {SUSPICIOUS:?}"));
            }
        });
        let result = run();
        drop(done);
        result
    })
}

fn report(seed: u64) {
    if let Some(trace) = Trace::take_latest() {
        let lines = trace.lines();
        say(&lines[lines.len().saturating_sub(SHOWN)..].join("\n"));
    }
    say(&format!("seed {seed} failed; to replay it:\n    {}", replay::command(seed)));
}

#[allow(clippy::print_stderr, reason = "the report of a failed test belongs on stderr")]
fn say(text: &str) {
    eprintln!("{text}");
}
