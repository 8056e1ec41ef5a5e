//! What comes of a state once nothing goes wrong any more: everybody gets what they wait for.
//!
//! The invariants say that something is pending for whoever waits. Whether that helps is tried here: all calls are
//! answered, messages arrive or are all lost, time passes, the dead are found, and agents finish what they have begun.

use std::time::Duration;

use a2a_core::MemberState;

use crate::actions::Action;
use crate::config::Move;
use crate::core::Time;
use crate::ops::Op;
use crate::world::{Agent, Doing, Life, Stage, World};

/// How long a reader waits at most, while agents are silent.
const HUNGER: Duration = Duration::from_secs(40);
/// How long everything takes at most.
const ALL: Duration = Duration::from_secs(20_000);
const STEPS: usize = 2_000;

impl World {
    /// Lets the weather clear; `messages`: those of the bus arrive. Gives the world as it is then.
    pub(crate) fn healed(&self, messages: bool) -> World {
        let mut world = self.clone();
        world.late.clear();
        world.goes_on(messages, HUNGER, false);
        let hungry = |client: &usize| !world.is_fed(*client) && world.reads_still(*client);
        if let Some(client) = (0..world.clients.len()).find(hungry) {
            world.violated("once the weather is clear, every reader is fed", format!("client {client}"));
        }
        let gone = world.was_deleted() && world.store.log.is_empty();
        if let Some(client) = (0..world.clients.len()).find(|client| gone && world.reads_still(*client)) {
            let how = format!("client {client}");
            world.violated("once the weather is clear, a stream of a task that is gone ends", how);
        }
        world.goes_on(messages, ALL, true);
        world.check_end();
        world
    }

    fn reads_still(&self, client: usize) -> bool {
        let node = self.node(self.clients[client].node);
        node.life == Life::Up && self.clients[client].stage == Stage::Reading
    }

    fn goes_on(&mut self, messages: bool, time: Duration, agents: bool) {
        let began: Vec<Time> = self.nodes.iter().map(|node| node.now).collect();
        for _ in 0..STEPS {
            if self.violation.is_some() {
                return;
            }
            if !messages {
                self.bus.clear();
            }
            self.left.timers = u8::MAX;
            self.left.says = u8::MAX;
            self.left.reconciliations = u8::MAX;
            let Some(action) = self.next_of_clear_weather(agents, time, &began) else { return };
            self.happens(action);
        }
    }

    fn next_of_clear_weather(&self, agents: bool, time: Duration, began: &[Time]) -> Option<Action> {
        let call = |index: usize| {
            self.node(index)
                .ops
                .iter()
                .position(|op| agents || !matches!(op.call, crate::ops::Call::Deliver(_)))
        };
        let up = || (0..self.nodes.len()).filter(|index| self.node(*index).life != Life::Gone);
        if let Some((node, op)) = up().find_map(|index| Some((index, call(index)?))) {
            return Some(Action::Answer(node, op));
        }
        if !self.bus.is_empty() {
            return Some(Action::Deliver(0));
        }
        for index in 0..self.nodes.len() {
            if let Some(action) = self.of_member(index, agents) {
                return Some(action);
            }
        }
        let reads =
            |client: &usize| self.clients[*client].stage == Stage::Reading && !self.clients[*client].asleep;
        if let Some(client) = (0..self.clients.len()).find(reads) {
            return Some(Action::Poll(client));
        }
        if agents {
            let say = up().find_map(|index| self.last_words(index));
            if say.is_some() {
                return say;
            }
        }
        // Time passes for all alike.
        let due = |index: usize| {
            let due = self.node(index).actor.as_ref().and_then(|actor| actor.deadline())?;
            Some((due.saturating_sub(began[index]), index))
        };
        let (after, index) = up().filter_map(due).min()?;
        (after <= time).then_some(Action::Timer(index))
    }

    fn of_member(&self, index: usize, agents: bool) -> Option<Action> {
        let node = self.node(index);
        let state = self.store.members[index];
        match node.life {
            Life::Gone => return (!state.is_final()).then_some(Action::Evict(index)),
            Life::Leaving | Life::Evicted => return agents.then_some(Action::Gone(index)),
            Life::Up if state == MemberState::Evicted => return Some(Action::LearnEvicted(index)),
            Life::Up if node.cut_off => return Some(Action::CutOff(index, false)),
            Life::Up => {}
        }
        let executor = self.store.claim.map(|claim| crate::names::node_of(claim.instance))?;
        if node.takes_over || !agents {
            return None;
        }
        if executor != index {
            return self.store.members[executor].is_final().then_some(Action::TakeOver(index));
        }
        let has_task = node.actor.as_ref().is_some_and(|actor| actor.has_task());
        let idle = !has_task && !node.ops.iter().any(Op::is_write) && self.store.is_at_work();
        idle.then_some(Action::Reconcile(index))
    }

    fn last_words(&self, index: usize) -> Option<Action> {
        let node = self.node(index);
        let speaks = |agent: &&Agent| agent.doing == Doing::Running && !agent.waits_for_room;
        let agent = node.agents.iter().find(speaks)?;
        let say = match agent {
            agent if agent.cancelled => Move::Comply,
            _ => Move::Complete,
        };
        Some(Action::Say(index, agent.id, say))
    }

    fn check_end(&mut self) {
        if self.violation.is_some() {
            return;
        }
        let somebody = self.nodes.iter().any(|node| node.life == Life::Up);
        if self.store.is_at_work() && somebody {
            self.violated("once the weather is clear, no task stays at work with nobody at it", "");
        }
        for client in 0..self.clients.len() {
            let stage = self.clients[client].stage;
            let open = matches!(stage, Stage::Waiting | Stage::Joining | Stage::Fetching);
            if self.node(self.clients[client].node).life == Life::Up && open {
                self.violated(
                    "once the weather is clear, every request is answered",
                    format!("client {client}"),
                );
            }
            if self.reads_still(client) && self.store.is_over() && !self.was_deleted() {
                self.violated(
                    "once the weather is clear, a stream on a task that ends, ends",
                    format!("client {client}"),
                );
            }
        }
        for index in 0..self.nodes.len() {
            let attached =
                self.clients.iter().any(|client| client.node == index && client.attached.is_some());
            if self.node(index).life == Life::Up && !attached && self.node(index).actor.is_some() {
                let how = format!("{index}: {:?}", self.node(index).actor);
                self.violated("once the weather is clear, an actor that nobody needs is done", how);
            }
        }
    }
}
