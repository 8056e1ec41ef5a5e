//! What becomes of a world when one thing happens.

use std::sync::Arc;

use crate::actions::Action;
use crate::core::{Input, Written};
use crate::names::instance;
use crate::world::{LateWrite, Letter, World};

impl World {
    /// It happens.
    pub(crate) fn act(&self, action: Action) -> World {
        let mut world = self.clone();
        world.happens(action);
        (0..world.nodes.len()).for_each(|node| world.seal(node));
        if world.violation.is_none() {
            world.check(action);
        }
        world
    }

    /// It happens to this world.
    pub(crate) fn happens(&mut self, action: Action) {
        match action {
            Action::Perform(node, op) => self.perform(node, op),
            Action::Answer(node, op) => self.answer(node, op),
            Action::FailRead(node, op, how) => {
                self.left.failed_reads -= 1;
                self.fail_read(node, op, how);
            }
            Action::Unknown(node, op) => {
                self.left.unknowns -= 1;
                self.gives_up(node, op);
                self.answer_write(node, op, Written::Unknown);
            }
            Action::AppliedUnknown(node, op) => {
                self.left.unknowns -= 1;
                self.perform(node, op);
                self.answer_write(node, op, Written::Unknown);
            }
            Action::Delay(node, op) => {
                self.left.delays -= 1;
                self.node_mut(node).ops[op].slow = true;
            }
            Action::DelayAnswer(node, op) => {
                self.left.delays -= 1;
                self.node_mut(node).ops[op].slow = true;
                self.perform(node, op);
            }
            Action::DelayLetter(place) => {
                self.left.delays -= 1;
                let mut letter = Letter::clone(&self.bus.remove(place));
                letter.slow = true;
                letter.hash ^= 1;
                self.bus.push(Arc::new(letter));
                self.bus.sort_by_key(|letter| letter.hash);
            }
            Action::Refuse(node, op) => {
                self.left.refusals -= 1;
                self.answer_write(node, op, Written::Refused(a2a::A2AError::internal("refused")));
            }
            Action::TooLarge(node, op) => {
                self.left.too_large -= 1;
                self.answer_write(node, op, Written::TooLarge(a2a::A2AError::internal("too large")));
            }
            Action::Late(late) => match self.late.remove(late).as_ref() {
                LateWrite::Commit(call) => {
                    self.apply_commit(call);
                }
                LateWrite::Release(claim) => self.apply_release(*claim),
            },
            Action::Timer(node) => self.fires(node),
            Action::Deliver(letter) => {
                let letter = self.bus.remove(letter);
                self.arrives(&letter);
            }
            Action::Repeat(letter) => {
                self.left.repeats -= 1;
                let letter = Arc::clone(&self.bus[letter]);
                self.arrives(&letter);
            }
            Action::Begin(client) => self.begins(client),
            Action::Depart(client) => {
                self.left.departures -= 1;
                self.departs(client);
            }
            Action::Poll(client) => self.poll(client),
            Action::Say(node, agent, say) => {
                self.left.says -= 1;
                self.says(node, agent, say);
            }
            Action::Trim => {
                self.left.trims -= 1;
                let version = self.store.version();
                self.store_mut().trimmed = version;
            }
            Action::Delete => {
                self.left.deletions -= 1;
                let store = self.store_mut();
                store.log.clear();
                store.claim = None;
                store.watchers.clear();
                self.told.clear();
            }
            other => self.happens_to_member(other),
        }
    }

    fn fires(&mut self, node: usize) {
        self.left.timers -= 1;
        let due = self.node(node).actor.as_ref().and_then(|actor| actor.deadline());
        let Some(due) = due else { return };
        let now = self.node(node).now.max(due);
        self.node_mut(node).now = now;
        self.feed(node, Input::Tick);
        let next = self.node(node).actor.as_ref().and_then(|actor| actor.deadline());
        if next.is_some_and(|next| next <= now) {
            self.violated("a deadline that has come is dealt with", format!("{next:?} at {now:?}"));
        }
    }

    fn arrives(&mut self, letter: &Letter) {
        let received = self.node(letter.to).now;
        let news = Input::News { from: instance(letter.from), news: letter.news.clone(), received };
        self.feed(letter.to, news);
    }
}
