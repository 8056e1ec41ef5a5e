//! All that may happen next.

use std::sync::Arc;

use a2a_core::MemberState;

use crate::config::{Move, Wants};
use crate::core::{AgentId, Leave, ReadFailed, TurnKind};
use crate::ops::{Call, Op};
use crate::world::{Agent, Client, Doing, Life, Node, Stage, World};

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// A call takes effect.
    Perform(usize, usize),
    /// A call is answered.
    Answer(usize, usize),
    FailRead(usize, usize, ReadFailed),
    /// A call takes its time.
    Delay(usize, usize),
    /// A call takes effect, and its answer takes its time.
    DelayAnswer(usize, usize),
    /// A message takes its time, or is lost.
    DelayLetter(usize),
    /// Nobody can say whether the write was applied; it may be, later.
    Unknown(usize, usize),
    /// The same, and it was.
    AppliedUnknown(usize, usize),
    Refuse(usize, usize),
    TooLarge(usize, usize),
    /// A write whose caller has given up is applied.
    Late(usize),
    Timer(usize),
    Deliver(usize),
    Repeat(usize),
    Begin(usize),
    Depart(usize),
    Poll(usize),
    Say(usize, AgentId, Move),
    Crash(usize),
    Evict(usize),
    LearnEvicted(usize),
    Leave(usize, Leave),
    Gone(usize),
    TakeOver(usize),
    Reconcile(usize),
    CutOff(usize, bool),
    Trim,
    Delete,
}

impl World {
    /// All that may happen now. Calls are answered and messages arrive at once, but for those that take their time.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        let prompt = |node: &Arc<Node>| node.ops.iter().position(|op| !op.slow);
        let call = self.nodes.iter().enumerate().find_map(|(index, node)| Some((index, prompt(node)?)));
        let letter = self.bus.iter().position(|letter| !letter.slow);
        if let Some((node, op)) = call {
            actions.push(Action::Answer(node, op));
            self.troubles_of_call(node, op, &mut actions);
            self.crashes(node, &mut actions);
        } else if let Some(letter) = letter {
            actions.push(Action::Deliver(letter));
            actions.extend((self.left.delays > 0).then_some(Action::DelayLetter(letter)));
            actions.extend((self.left.repeats > 0).then_some(Action::Repeat(letter)));
        } else {
            self.actions_at_rest(&mut actions);
        }
        actions
    }

    fn actions_at_rest(&self, actions: &mut Vec<Action>) {
        for (index, node) in self.nodes.iter().enumerate() {
            if node.life != Life::Gone {
                self.actions_of_node(index, node, actions);
            }
            for (place, op) in node.ops.iter().enumerate() {
                actions.push(Action::Answer(index, place));
                if op.answer.is_none() && op.has_an_effect() {
                    actions.push(Action::Perform(index, place));
                }
            }
            self.actions_of_members(index, node, actions);
        }
        actions.extend((0..self.late.len()).map(Action::Late));
        actions.extend((0..self.bus.len()).map(Action::Deliver));
        for (index, client) in self.clients.iter().enumerate() {
            self.actions_of_client(index, client, actions);
        }
        if self.left.trims > 0 && self.store.trimmed < self.store.version() {
            actions.push(Action::Trim);
        }
        if self.left.deletions > 0 && !self.store.log.is_empty() {
            actions.push(Action::Delete);
        }
    }

    fn actions_of_client(&self, index: usize, client: &Client, actions: &mut Vec<Action>) {
        let node = self.node(client.node);
        match client.stage {
            Stage::Idle if node.life == Life::Up && !node.cut_off => actions.push(Action::Begin(index)),
            Stage::Fetching | Stage::Waiting | Stage::Joining | Stage::Reading
                if self.left.departures > 0 =>
            {
                actions.push(Action::Depart(index));
            }
            _ => {}
        }
        if client.wants == Wants::SubscribeSlowly && client.stage == Stage::Reading && !client.asleep {
            actions.push(Action::Poll(index));
        }
    }

    fn troubles_of_call(&self, node: usize, place: usize, actions: &mut Vec<Action>) {
        let op = &self.node(node).ops[place];
        if self.left.delays > 0 {
            actions.push(Action::Delay(node, place));
            if op.has_an_effect() {
                actions.push(Action::DelayAnswer(node, place));
            }
        }
        if op.is_read() && self.left.failed_reads > 0 {
            actions.push(Action::FailRead(node, place, ReadFailed::ForNow));
            actions.push(Action::FailRead(node, place, ReadFailed::ForGood));
        }
        if op.is_write() && self.left.unknowns > 0 {
            actions.push(Action::Unknown(node, place));
            actions.push(Action::AppliedUnknown(node, place));
        }
        if let Call::Commit(_) = op.call {
            actions.extend((self.left.refusals > 0).then_some(Action::Refuse(node, place)));
            actions.extend((self.left.too_large > 0).then_some(Action::TooLarge(node, place)));
        }
    }

    fn crashes(&self, node: usize, actions: &mut Vec<Action>) {
        if self.left.crashes > 0 && self.node(node).life == Life::Up {
            actions.push(Action::Crash(node));
        }
    }

    fn actions_of_node(&self, index: usize, node: &Node, actions: &mut Vec<Action>) {
        let Some(actor) = &node.actor else { return };
        if self.left.timers > 0 && actor.deadline().is_some() {
            actions.push(Action::Timer(index));
        }
        for agent in node.agents.iter().filter(|agent| agent.doing == Doing::Running) {
            if !agent.waits_for_room && self.left.says > 0 {
                self.actions_of_agent(index, agent, actions);
            }
        }
    }

    fn actions_of_agent(&self, node: usize, agent: &Agent, actions: &mut Vec<Action>) {
        for say in self.config.moves {
            let may = match say {
                Move::Comply | Move::Decline => agent.cancelled,
                Move::Answer => agent.said == 0 && agent.kind == TurnKind::First,
                Move::Progress | Move::Flood | Move::Ask | Move::AskAndEnd | Move::Complete => {
                    agent.kind != TurnKind::CancelOnly
                }
                Move::End | Move::Fail => true,
            };
            if may {
                actions.push(Action::Say(node, agent.id, *say));
            }
        }
    }

    fn actions_of_members(&self, index: usize, node: &Node, actions: &mut Vec<Action>) {
        let state = self.store.members[index];
        if node.life == Life::Gone {
            if !state.is_final() {
                actions.push(Action::Evict(index));
            }
            return;
        }
        if state == MemberState::Evicted && node.life != Life::Evicted {
            actions.push(Action::LearnEvicted(index));
        }
        self.crashes(index, actions);
        if self.left.zombies > 0 && state == MemberState::Serving {
            actions.push(Action::Evict(index));
        }
        if node.life == Life::Up && self.left.leaves > 0 {
            actions.push(Action::Leave(index, Leave::Fail));
            actions.push(Action::Leave(index, Leave::HandOver));
        }
        if node.life == Life::Leaving || node.life == Life::Evicted {
            actions.push(Action::Gone(index));
        }
        if self.left.cuts > 0 && node.life == Life::Up && !node.cut_off {
            actions.push(Action::CutOff(index, true));
        }
        if node.cut_off {
            actions.push(Action::CutOff(index, false));
        }
        if node.life == Life::Up && !node.takes_over {
            self.actions_of_survivor(index, node, actions);
        }
    }

    fn actions_of_survivor(&self, index: usize, node: &Node, actions: &mut Vec<Action>) {
        let Some(claim) = self.store.claim else { return };
        let executor = crate::names::node_of(claim.instance);
        if self.store.members[executor].is_final() && executor != index {
            actions.push(Action::TakeOver(index));
        }
        let has_task = node.actor.as_ref().is_some_and(|actor| actor.has_task());
        let writes = node.ops.iter().any(Op::is_write);
        if executor == index && !has_task && !writes && self.left.reconciliations > 0 {
            actions.push(Action::Reconcile(index));
        }
    }
}
