//! A cancel against an executor that cannot be asked and commits all the time: with times, for that is what it is about.
//!
//! Calls take as long as they are said to, and take effect half way. The executor's agent says more as soon as there is
//! room. A fence is tried as a store does that learns from whoever was faster where the log ends now: one call for each
//! attempt. What is tried are all phases in which the two may meet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use a2a_core::Version;

use crate::config::{Config, Move, Wants};
use crate::core::{Input, Settings, Time, Written};
use crate::digest::START;
use crate::ops::{Answer, Call};
use crate::world::{Stage, World};

const FENCE: &str = "fence";

const MS: Duration = Duration::from_millis(1);

/// How a duel ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// How many attempts of the cancel were too late, one after another.
    pub(crate) lost: usize,
    /// How long it took from when it might have passed the executor over.
    pub(crate) took: Duration,
}

struct Duel {
    world: World,
    now: Time,
    /// How far each node's clock is ahead.
    ahead: [Duration; 2],
    /// When a call takes effect, and when it is answered.
    calls: BTreeMap<(usize, &'static str), (Time, Time)>,
    call: Duration,
    leaves_room: bool,
    /// Where the log ended when the fence was last tried.
    end: Option<Version>,
    lost: usize,
}

/// Plays a duel. `call`: how long a call takes. `phase`: when the cancel is asked for.
pub(crate) fn duel(call: Duration, phase: Duration, leaves_room: bool) -> Ended {
    let config =
        Config { clients: &[(Wants::Send, 0), (Wants::Cancel, 1)], nodes: 2, bus: false, ..Config::BASE };
    let mut world = World::new(&Arc::new(config));
    let patience = Duration::from_millis(300);
    let cancel_repeat = Duration::from_millis(100);
    let settings = Settings { cancel_patience: patience, cancel_repeat, ..Settings::clone(&world.settings) };
    world.settings = Arc::new(settings);
    let ahead = [Duration::ZERO; 2];
    let mut duel =
        Duel { world, now: START, ahead, calls: BTreeMap::new(), call, leaves_room, end: None, lost: 0 };
    let asks_at = START + Duration::from_millis(1_100) + phase;
    duel.world.begins(0);
    let mut asked = false;
    while duel.now < asks_at + patience + Duration::from_secs(3) {
        if !asked && duel.now >= asks_at {
            asked = true;
            duel.world.begins(1);
        }
        duel.step(if asked { Time::MAX } else { asks_at });
        if asked && !matches!(duel.world.clients[1].stage, Stage::Waiting | Stage::Fetching) {
            break;
        }
    }
    Ended { lost: duel.lost, took: duel.now.saturating_sub(asks_at + patience) }
}

impl Duel {
    fn step(&mut self, until: Time) {
        self.agent_speaks();
        (0..2).for_each(|node| self.answer_at_once(node));
        for node in 0..2 {
            for op in &self.world.node(node).ops {
                let times = (self.now + self.call / 2, self.now + self.call);
                self.calls.entry((node, name(&op.call))).or_insert(times);
            }
        }
        let calls =
            self.calls.values().map(|(effect, answer)| if *effect > self.now { *effect } else { *answer });
        let due = |node: usize| {
            let deadline = self.world.node(node).actor.as_ref().and_then(|actor| actor.deadline());
            deadline.map(|due| due.saturating_sub(self.ahead[node]).max(self.now))
        };
        let next = calls.chain((0..2).filter_map(due)).min().unwrap_or(until).min(until);
        self.now = next.max(self.now + Duration::from_micros(10));
        for node in 0..2 {
            let at = self.now + self.ahead[node];
            self.world.node_mut(node).now = at;
            if self
                .world
                .node(node)
                .actor
                .as_ref()
                .and_then(|actor| actor.deadline())
                .is_some_and(|due| due <= at)
            {
                self.world.feed(node, Input::Tick);
            }
        }
        self.calls_go_on();
        if !self.leaves_room {
            self.skip_room();
        }
    }

    fn agent_speaks(&mut self) {
        let node = self.world.node(0);
        let committed: usize = self.world.store.log.iter().map(|entry| entry.tags.len()).sum();
        let Some(agent) = node.agents.first().filter(|agent| agent.doing == crate::world::Doing::Running)
        else {
            return;
        };
        if (agent.said as usize) < committed + 2 {
            let agent = agent.id;
            self.world.says(0, agent, Move::Progress);
        }
    }

    fn answer_at_once(&mut self, node: usize) {
        while let Some(op) = self.world.node(node).ops.iter().position(|op| name(&op.call).is_empty()) {
            self.world.answer(node, op);
        }
    }

    fn calls_go_on(&mut self) {
        for ((node, call), (effect, answer)) in self.calls.clone() {
            let Some(op) = self.world.node(node).ops.iter().position(|op| name(&op.call) == call) else {
                self.calls.remove(&(node, call));
                continue;
            };
            if effect <= self.now && self.world.node(node).ops[op].answer.is_none() {
                if call == FENCE && self.is_too_late() {
                    self.calls.insert((node, call), (effect + self.call, answer + self.call));
                    continue;
                }
                self.world.perform(node, op);
            }
            if answer <= self.now {
                let lost =
                    matches!(&self.world.node(node).ops[op].answer, Some(Answer::Written(Written::Lost)));
                self.lost += usize::from(lost && node == 1);
                self.calls.remove(&(node, call));
                self.world.answer(node, op);
            }
        }
    }

    /// Whether the log does not end where the fence was to go, or that is yet to be found out.
    fn is_too_late(&mut self) -> bool {
        let now = self.world.store.version();
        let before = self.end.replace(now);
        self.lost += usize::from(before.is_some_and(|before| before != now));
        before != Some(now)
    }

    /// Broken: the executor's clock jumps over the room that it should leave.
    fn skip_room(&mut self) {
        let deadline = self.world.node(0).actor.as_ref().and_then(|actor| actor.deadline());
        let at = self.now + self.ahead[0];
        if let Some(due) = deadline.filter(|due| *due > at && *due < at + 250 * MS) {
            self.ahead[0] += due - at;
            self.world.node_mut(0).now = due;
            self.world.feed(0, Input::Tick);
        }
    }
}

/// The calls that take time.
fn name(call: &Call) -> &'static str {
    match call {
        Call::Commit(_) => "commit",
        Call::Load => "load",
        Call::Fence(_) => FENCE,
        Call::Fetch(_) => "fetch",
        _ => "",
    }
}

/// How often a cancel may be too late in a row: as often as it tries in a second in which nobody leaves room, and twice.
pub(crate) fn bound(call: Duration) -> usize {
    (Duration::from_secs(1).as_micros() / call.as_micros()) as usize + 2
}
