//! What must be true as long as nothing goes wrong: nobody waits for the clock.
//!
//! Where a message is lost or a call fails, somebody notices by a timer, later. Where nothing is lost, late or refused,
//! everybody has what they wait for as soon as all calls are answered and all messages have arrived: whoever is
//! forgotten then is found here, although the clock would help in the end.

use crate::config::{Budget, Wants};
use crate::core::Actor;
use crate::names::{instance, node_of};
use crate::ops::Call;
use crate::world::{Agent, Client, Doing, Stage, World};

impl World {
    pub(crate) fn check_promptness(&mut self) {
        if !self.is_at_rest() || !self.went_well() {
            return;
        }
        for client in 0..self.clients.len() {
            self.check_client(client);
        }
        for node in 0..self.nodes.len() {
            let claim = self.node(node).actor.as_ref().and_then(Actor::claim);
            if self.runs(node) && claim.is_some() && claim != self.store.claim {
                let how = instance(node).to_string();
                self.violated(
                    "where nothing goes wrong, an agent that lost its task is stopped without the clock",
                    how,
                );
            }
        }
        if let Some(claim) = self.store.claim {
            let actor = self.node(node_of(claim.instance)).actor.as_ref();
            if actor.and_then(Actor::claim) != Some(claim) {
                self.violated(
                    "where nothing goes wrong, a claim on record is its instance's",
                    format!("{claim:?}"),
                );
            }
        }
    }

    fn check_client(&mut self, client: usize) {
        let Client { node, stage, wants, .. } = self.clients[client];
        let head = self.node(node).actor.as_ref().map(|actor| actor.ring().head());
        let lacks = head.is_some_and(|head| head < self.store.version());
        let how = format!("client {client}");
        if stage == Stage::Reading && lacks {
            self.violated("where nothing goes wrong, readers are fed without the clock", how);
        } else if wants == Wants::Cancel && stage == Stage::Waiting {
            let asked = |agent: &Agent| agent.doing != Doing::Running || agent.asked;
            if self.store.is_over() {
                self.violated("where nothing goes wrong, a cancel hears of the end without the clock", how);
            } else if !self.nodes.iter().flat_map(|node| &node.agents).all(asked) {
                self.violated("where nothing goes wrong, an agent hears of a cancel without the clock", how);
            }
        }
    }

    /// Whether no call is under way, nor any message.
    fn is_at_rest(&self) -> bool {
        let mut calls = self.nodes.iter().flat_map(|node| &node.ops);
        self.config.bus && self.bus.is_empty() && calls.all(|op| matches!(op.call, Call::Deliver(_)))
    }

    /// Whether nothing of what may go wrong did, but for clients that left and messages that came twice.
    fn went_well(&self) -> bool {
        let Budget { timers, says, repeats, departures, reconciliations, trims, .. } = self.left;
        let harmless =
            Budget { timers, says, repeats, departures, reconciliations, trims, ..self.config.budget };
        self.left == harmless
    }

    fn runs(&self, node: usize) -> bool {
        self.node(node).agents.iter().any(|agent| agent.doing == Doing::Running)
    }
}
