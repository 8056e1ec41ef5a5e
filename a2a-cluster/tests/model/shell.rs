//! The shell as the model plays it: steps an actor, does what it wants, and feeds back what comes of it.

use std::sync::Arc;

use a2a_core::{CommitRecord, InstanceId, News, Reach, Version, reduce};

use crate::config::Wants;
use crate::core::{Actor, AgentId, CommitCall, Effect, Input, Moment, StartAgent, TurnKind};
use crate::flaws::Flaw;
use crate::names::{Ids, Tag, instance};
use crate::ops::{Call, Op};
use crate::world::{Agent, Doing, Life, Stage, World};

impl World {
    /// An instance is told something about the task.
    pub(crate) fn feed(&mut self, node: usize, input: Input) {
        self.queue.push_back((node, input));
        if std::mem::replace(&mut self.draining, true) {
            return;
        }
        while let Some((node, input)) = self.queue.pop_front() {
            if self.node(node).life == Life::Gone {
                continue;
            }
            for input in crate::flaws::inputs(self, node, input) {
                self.step_actor(node, input);
            }
            for client in 0..self.clients.len() {
                let reader = &self.clients[client];
                if reader.node == node && reader.wants != Wants::SubscribeSlowly && !reader.asleep {
                    self.poll(client);
                }
            }
            if self.queue.is_empty() {
                self.remove_done(node);
            }
        }
        self.draining = false;
    }

    fn step_actor(&mut self, index: usize, input: Input) {
        let settings = Arc::clone(&self.settings);
        let node = self.node_mut(index);
        let env = Ids::new(index, node.next_id);
        node.lives += u32::from(node.actor.is_none());
        let actor = node.actor.get_or_insert_with(|| Actor::new(instance(index), settings));
        let mut effects = Vec::new();
        let skips = crate::flaws::may_skip(&input);
        let at = node.now;
        actor.step(input, Moment { at, env: &env }, &mut effects);
        node.next_id = env.next();
        for effect in crate::flaws::effects(self, index, skips, effects) {
            self.effect(index, effect);
        }
    }

    fn effect(&mut self, index: usize, effect: Effect) {
        let call = match effect {
            Effect::Commit(call) => {
                self.commits(index, &call);
                Call::Commit(Arc::from(call))
            }
            Effect::Release(claim) => {
                self.check_one_write(index);
                Call::Release(claim)
            }
            Effect::Load => Call::Load,
            Effect::FenceAndLoad(id) => Call::Fence(id),
            Effect::Watch => Call::Watch,
            Effect::Unwatch => Call::Unwatch,
            Effect::Read(after) => Call::Read(after),
            Effect::ReadHead => Call::Head,
            Effect::ReadWatchers(after) => Call::Watchers(after),
            Effect::FindMember(who) => Call::Member(who),
            Effect::Send { to, news, .. } => {
                self.check_news(&news);
                let is_gone = |who: &InstanceId| self.node(crate::names::node_of(*who)).life == Life::Gone;
                let (gone, there): (Vec<_>, Vec<_>) =
                    to.iter().map(|recipient| recipient.instance).partition(is_gone);
                there.into_iter().for_each(|who| self.send(index, who, news.clone()));
                Call::Sent(gone)
            }
            Effect::ForgetWatcher(who) => {
                self.store_mut().watchers.remove(&who);
                return;
            }
            Effect::Hint(to, News::Watch { after, .. }) => {
                return self.send(index, to, News::Watch { after, reach: Reach::Direct });
            }
            Effect::Hint(to, news) => return self.send(index, to, news),
            Effect::Start(start) => return self.starts(index, &start),
            Effect::CancelAgent(agent, _) => {
                self.agent(index, agent, |agent| (agent.cancelled, agent.asked) = (true, true));
                return;
            }
            Effect::StopAgent(agent) => {
                self.check_stop(index, agent);
                self.agent(index, agent, |agent| agent.doing = Doing::Stopping);
                Call::AgentGone(agent)
            }
            Effect::Reply(ticket, reply) => return self.replied(index, ticket, &reply),
            Effect::Attend => {
                self.attends(index);
                return;
            }
            Effect::HandOver(_) => {
                let others = (0..self.nodes.len()).map(|step| (index + step) % self.nodes.len());
                let heir = others.into_iter().find(|other| self.node(*other).life == Life::Up);
                heir.into_iter().for_each(|heir| self.send(index, instance(heir), News::HandOver));
                return;
            }
            Effect::Report(crate::core::Report::Overdue) => {
                let runs = |agent: &&mut Agent| agent.doing == Doing::Running;
                self.node_mut(index).agents.iter_mut().filter(runs).for_each(|agent| agent.overdue = true);
                return;
            }
            Effect::WakeReaders => {
                let readers = self.clients.iter_mut().filter(|client| client.node == index);
                return readers.for_each(|client| client.asleep = false);
            }
            Effect::WakeAgent => {
                let agents = self.node_mut(index).agents.iter_mut();
                return agents.for_each(|agent| agent.waits_for_room = false);
            }
            Effect::Report(_) => return,
        };
        self.node_mut(index).ops.push(Op::new(call));
    }

    fn attends(&mut self, index: usize) {
        if !std::mem::replace(&mut self.node_mut(index).attended, true) {
            let dispatcher = self.node(index).next_id;
            self.node_mut(index).ops.push(Op { slow: true, ..Op::new(Call::Deliver(dispatcher)) });
            self.feed(index, Input::Attended(dispatcher));
        }
    }

    pub(crate) fn agent(&mut self, node: usize, agent: AgentId, change: impl FnOnce(&mut Agent)) {
        if let Some(agent) = self.node_mut(node).agents.iter_mut().find(|one| one.id == agent) {
            change(agent);
        }
    }

    fn starts(&mut self, node: usize, start: &StartAgent) {
        let heard = |agent: &&Agent| agent.doing == Doing::Running;
        if let Some(other) = self.node(node).agents.iter().find(heard) {
            let how = format!("{} starts while {} runs", start.agent, other.id);
            self.violated("an instance has at most one agent that is heard", how);
        }
        let claim = self.node(node).actor.as_ref().and_then(Actor::claim);
        let last = claim.and_then(|claim| self.store.made_by(claim.by)).unwrap_or(Version::ABSENT);
        self.node_mut(node).agents.push(Agent {
            id: start.agent,
            kind: start.kind,
            doing: Doing::Running,
            said: 0,
            last,
            parked: false,
            cancelled: start.kind == TurnKind::CancelOnly,
            asked: start.kind == TurnKind::CancelOnly,
            excused: false,
            waits_for_room: false,
            overdue: false,
        });
    }

    /// An agent's commit expects its own last version.
    fn commits(&mut self, node: usize, call: &CommitCall) {
        self.check_one_write(node);
        for tag in call.events.iter().filter_map(Tag::of) {
            let agent = self
                .node(node)
                .agents
                .iter()
                .find(|agent| tag.agent == self.node(node).lives * 100 + agent.id);
            let Some(last) = agent.map(|agent| agent.last).filter(|_| !self.was_deleted()) else { continue };
            if usize::from(tag.node) != node || call.after.version != last {
                let how = format!("{tag} after {}, its last is {last}", call.after.version);
                self.violated("an agent's commit expects its own last version", how);
            }
        }
    }

    /// Takes note that an agent's commit was applied, before its actor is told.
    pub(crate) fn note_own_commit(&mut self, node: usize, call: &CommitCall, record: &CommitRecord) {
        let claims = matches!(call.claim, a2a_core::ClaimChange::Make { .. });
        if claims && call.after.version > Version::ABSENT {
            return;
        }
        let tag = record.events.iter().find_map(Tag::of);
        // What its actor says for it is its own, too.
        let by = tag.map(|tag| tag.agent % 100).or_else(|| {
            let agents = &self.node(node).agents;
            let writes = |agent: &&Agent| agent.last.next() == record.version;
            agents.iter().rev().find(writes).map(|agent| agent.id)
        });
        let Some(by) = by else { return };
        self.agent(node, by, |agent| {
            agent.last = record.version;
            agent.parked = record.state().is_some_and(reduce::is_interrupted);
        });
    }

    fn check_one_write(&mut self, node: usize) {
        if self.node(node).ops.iter().any(Op::is_write) {
            self.violated("an instance writes one thing at a time", "");
        }
    }

    fn check_news(&mut self, news: &News) {
        let News::Commits(commits) = news else { return };
        for commit in commits {
            let committed =
                self.store.entry(commit.version).is_some_and(|entry| entry.record.id == commit.id);
            if !committed && !self.was_deleted() {
                self.violated("nothing is shown before it is committed", format!("{commit:?}"));
            }
        }
    }

    /// An agent is stopped when it has lost its task, or has had its time: never for nothing.
    fn check_stop(&mut self, node: usize, id: AgentId) {
        let Some(agent) = self.node(node).agents.iter().find(|agent| agent.id == id) else { return };
        let is_ours = self.store.claim.is_some_and(|claim| {
            claim.instance == instance(node)
                && self.store.made_by(claim.by).is_some_and(|made| made <= agent.last)
        });
        let stands = is_ours && self.store.version() == agent.last && !self.store.is_over();
        let spent = self.config.budget;
        let left = self.left;
        let given_up = (spent.unknowns, spent.refusals, spent.too_large, spent.deletions)
            != (left.unknowns, left.refusals, left.too_large, left.deletions);
        if stands
            && !agent.cancelled
            && !given_up
            && self.node(node).life == Life::Up
            && agent.doing == Doing::Running
        {
            self.violated(
                "an agent whose claim stands is stopped by nothing but a cancel, a limit or a shutdown",
                "",
            );
        }
    }

    /// An actor that has nothing left to do is removed.
    fn remove_done(&mut self, index: usize) {
        let node = self.node(index);
        let is_done = |actor: &Actor| match self.config.flaw {
            Some(Flaw::RemovedTooEarly) => !actor.has_readers(),
            _ => actor.is_done(),
        };
        if !node.actor.as_ref().is_some_and(is_done) {
            return;
        }
        let owed = node.ops.iter().find(|op| op.is_owed()).map(|op| format!("{:?}", op.call));
        let running = node.agents.iter().find(|agent| agent.doing != Doing::Ended).map(|agent| agent.id);
        let waits = self.clients.iter().position(|client| {
            client.node == index && (client.stage == Stage::Waiting || client.attached.is_some())
        });
        if let Some(owed) = owed.filter(|_| self.node(index).life != Life::Evicted) {
            self.violated("an actor that is done waits for nothing", owed);
        }
        if let Some(agent) = running {
            self.violated("an actor that is done has no agent", agent.to_string());
        }
        if let Some(client) = waits {
            self.violated("no request is forgotten", format!("client {client}"));
        }
        if node_takes_over(self, index) {
            self.violated("no request is forgotten", "a take-over");
        }
        self.node_mut(index).actor = None;
        self.node_mut(index).agents.clear();
    }
}

fn node_takes_over(world: &World, index: usize) -> bool {
    world.node(index).takes_over
}
