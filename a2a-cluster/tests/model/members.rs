//! What happens to instances: crashes, evictions, shutdowns, outages; and what survivors do.

use std::sync::Arc;

use a2a_core::{Claim, MemberState};

use crate::actions::Action;
use crate::clients::TAKE_OVER;
use crate::core::{CommitCall, Input, Leave};
use crate::flaws::Flaw;
use crate::names::instance;
use crate::ops::Call;
use crate::world::{Client, LateWrite, Life, Stage, World};

impl World {
    pub(crate) fn happens_to_member(&mut self, action: Action) {
        match action {
            Action::Crash(node) => {
                self.left.crashes -= 1;
                self.vanishes(node);
            }
            Action::Gone(node) => {
                if self.node(node).life == Life::Leaving {
                    self.store_mut().members[node] = MemberState::Left;
                }
                self.vanishes(node);
            }
            Action::Evict(node) => {
                if self.node(node).life != Life::Gone {
                    self.left.zombies -= 1;
                }
                self.store_mut().members[node] = MemberState::Evicted;
            }
            Action::LearnEvicted(node) => {
                self.node_mut(node).life = Life::Evicted;
                self.node_mut(node).agents.iter_mut().for_each(|agent| agent.excused = true);
                self.streams_end(node, &[Stage::Reading, Stage::Joining, Stage::Fetching]);
                self.feed(node, Input::Leave(Leave::Evicted));
            }
            Action::Leave(node, leave) => {
                self.left.leaves -= 1;
                self.node_mut(node).life = Life::Leaving;
                self.store_mut().members[node] = MemberState::Draining;
                self.feed(node, Input::Leave(leave));
            }
            Action::TakeOver(node) => {
                let Some(claim) = self.store.claim else { return };
                let executor = crate::names::node_of(claim.instance);
                let handed_over = self.store.members[executor] == MemberState::Left;
                self.node_mut(node).takes_over = true;
                let from = Some(claim.instance);
                self.feed(node, Input::TakeOver { ticket: Some(TAKE_OVER), from, handed_over });
            }
            Action::Reconcile(node) => {
                self.left.reconciliations -= 1;
                self.node_mut(node).takes_over = true;
                let from = Some(instance(node));
                self.feed(node, Input::TakeOver { ticket: Some(TAKE_OVER), from, handed_over: false });
            }
            Action::CutOff(node, cut_off) => {
                self.node_mut(node).cut_off = cut_off;
                if cut_off {
                    self.left.cuts -= 1;
                    // Those that read are woken, and see it.
                    self.streams_end(node, &[Stage::Joining, Stage::Fetching]);
                }
                self.feed(node, Input::CutOff(cut_off));
            }
            other => unreachable!("{other:?} happens to no member"),
        }
    }

    /// Streams end with an error that may be retried.
    fn streams_end(&mut self, node: usize, stages: &[Stage]) {
        for client in 0..self.clients.len() {
            let Client { node: at, stage, .. } = self.clients[client];
            if at == node && stages.contains(&stage) {
                self.node_mut(node)
                    .ops
                    .retain(|op| !matches!(op.call, Call::Join(who, _) | Call::Fetch(who) if who == client));
                self.leaves(client, Stage::Error);
            }
        }
    }

    /// Nothing of the instance is left, but what it has sent to the store already.
    fn vanishes(&mut self, index: usize) {
        for op in 0..self.node(index).ops.len() {
            self.gives_up(index, op);
        }
        let node = self.node_mut(index);
        node.life = Life::Gone;
        node.actor = None;
        node.ops.clear();
        node.agents.clear();
        node.takes_over = false;
        node.attended = false;
        node.cut_off = false;
        self.bus.retain(|letter| letter.to != index);
        for client in &mut self.clients {
            let open = matches!(
                client.stage,
                Stage::Idle | Stage::Fetching | Stage::Waiting | Stage::Joining | Stage::Reading
            );
            if client.node == index && open {
                client.stage = Stage::Error;
                client.attached = None;
            }
        }
    }

    /// A write's caller waits for it no longer: it may still be applied.
    pub(crate) fn gives_up(&mut self, node: usize, op: usize) {
        let op = &self.node(node).ops[op];
        let late = match (&op.call, &op.answer) {
            (Call::Commit(call), None) => LateWrite::Commit(Arc::clone(call)),
            (Call::Release(claim), _) => LateWrite::Release(*claim),
            _ => return,
        };
        self.late.push(Arc::new(late));
    }

    pub(crate) fn apply_commit(&mut self, call: &CommitCall) -> bool {
        let before = self.store.version();
        let mut call = CommitCall::clone(call);
        if self.config.flaw == Some(Flaw::NoCompare) {
            // It is put at the end, whatever it expects.
            let record = crate::store::record_of(&call);
            call.after.version = before;
            if record.version != before.next() {
                self.violated("versions have no holes", format!("{} after {before}", record.version));
            }
        }
        let call = &call;
        let applied = self.store_mut().commit(call);
        if self.store.version() > before {
            if self.config.webhooks && !call.events.is_empty() {
                self.store_mut().lacking = true;
            }
            self.check_log();
        }
        applied
    }

    pub(crate) fn apply_release(&mut self, claim: Claim) {
        let names = |other: Claim| match self.config.flaw {
            Some(Flaw::ReleaseNamesInstance) => other.instance == claim.instance,
            _ => other == claim,
        };
        if self.store.claim.is_some_and(names) {
            self.store_mut().claim = None;
        }
    }
}
