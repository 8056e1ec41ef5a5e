//! Tries everything that may happen, step by step, and remembers by a hash what it has seen.
//!
//! The search is in breadth: all states that so many steps lead to are looked at before any further one, so a trace of a
//! violation is as short as any. The states of one depth are shared among as many threads as there are processors.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

use crate::actions::Action;
use crate::world::{Violation, World};

/// Of so many states one is followed until the weather has cleared.
const HEALED: u64 = 32;

/// What a search found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) states: usize,
    pub(crate) depth: usize,
    /// Nothing is left to try within the configuration's bounds.
    pub(crate) whole: bool,
    pub(crate) violation: Option<(Violation, Vec<String>)>,
    pub(crate) took: Duration,
}

/// Bounds of a search, beside the configuration's own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) states: usize,
    pub(crate) time: Duration,
}

impl Limits {
    /// So many states, or as many as the environment says, and as much time.
    pub(crate) fn of(states: usize) -> Self {
        let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Limits {
            states: number("A2A_MODEL_STATES").map_or(states, |states: u64| states as usize),
            time: number("A2A_MODEL_SECONDS").map_or(Duration::MAX, Duration::from_secs),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Found { states, depth, whole, took, .. } = self;
        let all = if *whole { "(all)" } else { "" };
        write!(f, "{states:>9} states, {depth:>2} steps {all:5} {:>5.1} s", took.as_secs_f32())
    }
}

/// A step: from which state of the depth before, and what happened.
type Step = (u32, Action);

/// What was found among the states after one more step.
#[derive(Default)]
struct Level {
    worlds: Vec<(u64, World)>,
    steps: Vec<Step>,
    violation: Option<(Violation, Step)>,
}

/// Searches from a world on.
pub(crate) fn explore(start: &World, limits: Limits) -> Found {
    let began = Instant::now();
    let mut seen = HashSet::from([start.fingerprint()]);
    let mut levels: Vec<Vec<Step>> = vec![];
    let mut level = vec![start.clone()];
    let mut violation = None;
    while !level.is_empty() && levels.len() < start.config.depth && violation.is_none() {
        if seen.len() > limits.states || began.elapsed() > limits.time {
            break;
        }
        let next = next_level(&level, &mut seen);
        violation = next.violation.map(|(found, last)| (found, trace(start, &levels, last)));
        levels.push(next.steps);
        level = next.worlds.into_iter().map(|(_, world)| world).collect();
    }
    Found {
        states: seen.len(),
        depth: levels.len(),
        whole: level.is_empty() && violation.is_none(),
        violation,
        took: began.elapsed(),
    }
}

/// All states one step on that were not seen before. They are the same, in the same order, on however many threads.
fn next_level(level: &[World], seen: &mut HashSet<u64>) -> Level {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let size = level.len().div_ceil(threads);
    let parts: Vec<Level> = std::thread::scope(|scope| {
        let seen = &*seen;
        let parts = level.chunks(size).enumerate();
        let threads: Vec<_> =
            parts.map(|(part, worlds)| scope.spawn(move || advance(worlds, part * size, seen))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a step panicked")).collect()
    });
    let mut next = Level::default();
    for part in parts {
        for (world, step) in part.worlds.into_iter().zip(part.steps) {
            if seen.insert(world.0) {
                next.worlds.push(world);
                next.steps.push(step);
            }
        }
        next.violation = next.violation.or(part.violation);
    }
    next
}

fn advance(worlds: &[World], first: usize, seen: &HashSet<u64>) -> Level {
    let mut next = Level::default();
    let mut seen_here = HashSet::new();
    for (place, world) in worlds.iter().enumerate() {
        let from = u32::try_from(first + place).expect("fewer states than that");
        for action in world.actions() {
            let mut after = world.act(action);
            let hash = after.fingerprint();
            let is_new = !seen.contains(&hash) && seen_here.insert(hash);
            if is_new && after.violation.is_none() && world.config.heals && hash.is_multiple_of(HEALED) {
                after.violation = [true, false].into_iter().find_map(|bus| after.healed(bus).violation);
            }
            if let Some(violation) = after.violation {
                next.violation = Some((violation, (from, action)));
                return next;
            }
            if is_new {
                next.worlds.push((hash, after));
                next.steps.push((from, action));
            }
        }
    }
    next
}

/// Goes back from the last step to the first, and tells what happened on the way.
fn trace(start: &World, levels: &[Vec<Step>], last: Step) -> Vec<String> {
    let mut actions = vec![last.1];
    let mut from = last.0;
    for steps in levels.iter().rev() {
        let (before, action) = steps[from as usize];
        actions.push(action);
        from = before;
    }
    actions.reverse();
    let mut world = start.clone();
    actions
        .into_iter()
        .map(|action| {
            let told = world.describe(action);
            world = world.act(action);
            told
        })
        .collect()
}
