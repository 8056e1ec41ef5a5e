//! What must be true in every state.

use a2a::TaskState;
use a2a_core::{Claim, MemberState, reduce};

use crate::actions::Action;
use crate::clients::TAKE_OVER;
use crate::config::Wants;
use crate::names::{Tag, author, instance, node_of};
use crate::ops::Op;
use crate::store::Entry;
use crate::world::{Agent, Client, Doing, Life, Stage, World};

impl World {
    /// Looks at the last commit, just after it was applied.
    pub(crate) fn check_log(&mut self) {
        let Some(last) = self.store.last().cloned() else { return };
        if last.record.version != self.store.version() {
            return self.violated("versions have no holes", format!("{:?}", last.record));
        }
        let before =
            last.record.version.get().checked_sub(2).and_then(|place| self.store.log.get(place as usize));
        if let Some(before) = before {
            let terminal = before.task.status.state.is_terminal();
            if terminal && !last.record.events.is_empty() {
                self.violated("a terminal state is never left", format!("{:?}", last.record));
                return;
            }
        }
        if let Some(claim) = before.and_then(|before| self.taken_from_the_living(before, &last)) {
            let how = format!("{claim:?}, {:?}", last.record);
            return self.violated("a task is taken over from whoever is gone", how);
        }
        if !reduce::ends_turn(&last.task.status.state) && last.claim.is_none() {
            self.violated("a task at work has an executor", format!("{:?}", last.record));
        }
        for (place, tag) in last.tags.iter().enumerate() {
            let earlier = self.store.log[..self.store.log.len() - 1].iter().flat_map(|entry| &entry.tags);
            let same = |other: &&Tag| other.node == tag.node && other.agent == tag.agent;
            let number = earlier.filter(same).count() + last.tags[..place].iter().filter(same).count();
            if tag.number as usize != number {
                let how = format!("{tag} in the place of number {number}");
                self.violated("what an agent said is in the log in order, once", how);
                return;
            }
            let under = last.under;
            let others =
                self.store.log.iter().filter(|entry| entry.under == under).flat_map(|entry| &entry.tags);
            let other = others.into_iter().find(|other| !same(other)).copied();
            if let Some(other) = other {
                self.violated(
                    "under a claim the output of one agent is committed",
                    format!("{tag}, {other}"),
                );
                return;
            }
            if under.is_some_and(|claim| author(claim.by) != usize::from(tag.node)) {
                self.violated(
                    "under a claim the output of one agent is committed",
                    format!("{tag}, {under:?}"),
                );
                return;
            }
        }
    }

    /// The claim of an instance that serves, over which another one's commit takes, fences or ends the task: with no message
    /// to it and no cancel, which may.
    fn taken_from_the_living(&self, before: &Entry, last: &Entry) -> Option<Claim> {
        let author = author(last.record.id);
        let claim = before.claim.filter(|claim| node_of(claim.instance) != author)?;
        let serves = self.store.members[node_of(claim.instance)] == MemberState::Serving;
        let was_at_work = !reduce::ends_turn(&before.task.status.state);
        let cancels =
            self.clients.iter().any(|client| client.wants == Wants::Cancel && client.node == author);
        let fences = last.claim == before.claim && cancels;
        let takes = last.record.events.is_empty() && (was_at_work || last.claim.is_none()) && !fences;
        let fails = last.task.status.state == TaskState::Failed && last.tags.is_empty();
        (serves && (takes || fails)).then_some(claim)
    }

    /// Looks at everything, after a step.
    pub(crate) fn check(&mut self, _action: Action) {
        if self.store.is_at_work() && self.store.claim.is_none() {
            return self.violated("a task at work has an executor", "");
        }
        for client in 0..self.clients.len() {
            if self.sleeps_through(client) {
                let how = format!("client {client}");
                return self.violated("a stream is woken by whatever there is for it", how);
            }
            if self.clients[client].refused && self.store.has_message(&self.words(client)) {
                return self.violated("a refused request has changed nothing", format!("client {client}"));
            }
        }
        for node in 0..self.nodes.len() {
            if self.node(node).life != Life::Gone {
                self.check_node(node);
                self.check_agents(node);
            }
        }
        self.check_promptness();
    }

    fn check_node(&mut self, index: usize) {
        let node = self.node(index);
        let Some(actor) = &node.actor else { return };
        let owed = node.ops.iter().any(Op::is_owed);
        let runs = node.agents.iter().any(|agent| agent.doing == Doing::Running);
        let stops = node.agents.iter().any(|agent| agent.doing == Doing::Stopping);
        let pending = owed || actor.deadline().is_some();
        let reads = self.reads_at(index);
        let serves = actor.is_running() && runs && !actor.needs_watch();
        if node.life != Life::Evicted
            && reads
            && !actor.ring().ended()
            && !actor.is_absent()
            && !actor.is_unreadable()
            && !pending
            && !serves
        {
            return self.violated("while there is a reader, something is pending that will feed it", "");
        }
        let clients = 0..self.clients.len();
        let waits = |client: &usize| {
            let Client { node, stage, .. } = self.clients[*client];
            node == index && stage == Stage::Waiting
        };
        let waiting: Vec<_> = clients.filter(waits).collect();
        if !waiting.is_empty() && !pending && !runs {
            return self.violated("while a request waits, something is pending that will answer it", "");
        }
        if let Some(client) = waiting.iter().find(|client| !actor.awaits(self.ticket(**client))) {
            let how = format!("client {client}");
            return self.violated("each request that waits is known to its actor", how);
        }
        if node.takes_over && !actor.awaits(TAKE_OVER) {
            return self.violated("each request that waits is known to its actor", "a take-over");
        }
        let attached = self.clients.iter().any(|client| client.node == index && client.attached.is_some());
        if !attached && !pending && !runs && !stops && !node.attended {
            return self.violated("an actor that is not done has something pending", format!("{actor:?}"));
        }
        let sleeps = |agent: &&Agent| agent.waits_for_room && actor.has_room(agent.id);
        if let Some(agent) = node.agents.iter().find(sleeps) {
            let how = agent.id.to_string();
            return self.violated("an agent that waits for room is woken once there is some", how);
        }
        if runs && !actor.is_running() {
            self.violated("an agent that nobody hears is stopped", format!("{:?}", node.agents));
        }
    }

    /// What an agent said until it lost its task is in the log.
    fn check_agents(&mut self, index: usize) {
        for place in 0..self.node(index).agents.len() {
            let agent = &self.node(index).agents[place];
            if agent.excused || agent.said == 0 {
                continue;
            }
            let is_its = |tag: &&Tag| {
                usize::from(tag.node) == index && tag.agent == self.node(index).lives * 100 + agent.id
            };
            let committed = self.store.log.iter().flat_map(|entry| &entry.tags).filter(is_its).count();
            let is_over = self.is_over_for(index, agent);
            if committed >= agent.said as usize || !is_over {
                continue;
            }
            let spent = self.config.budget;
            let left = self.left;
            let given_up = (spent.unknowns, spent.refusals, spent.too_large, spent.deletions)
                != (left.unknowns, left.refusals, left.too_large, left.deletions);
            let lost = self.store.version() > agent.last || self.store.is_over();
            if !lost && !given_up && self.node(index).life != Life::Evicted {
                let how =
                    format!("{committed} of {} of agent {} on {}", agent.said, agent.id, instance(index));
                return self.violated("what an agent said under its claim is in the log", how);
            }
            let id = agent.id;
            self.agent(index, id, |agent| agent.excused = true);
        }
    }

    /// Whether its actor has nothing more to do with an agent.
    fn is_over_for(&self, index: usize, agent: &Agent) -> bool {
        let node = self.node(index);
        let runs = node.actor.as_ref().is_some_and(|actor| actor.is_running());
        let later = node.agents.iter().any(|other| other.id > agent.id);
        agent.doing != Doing::Running && (!runs || later) && !node.ops.iter().any(Op::is_write)
    }
}
