//! Calls that are under way: each takes effect at one moment and is answered at a later one.

use std::sync::Arc;

use a2a_core::{Claim, CommitId, InstanceId, StoredTask, TaskHead, Version};

use crate::config::Wants;
use crate::core::{AgentId, CommitCall, Input, ReadFailed, Seen, Written};
use crate::flaws::Flaw;
use crate::names::{instance, node_of};
use crate::store::record_of;
use crate::world::{Doing, Life, Stage, World};

/// What was called.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Commit(Arc<CommitCall>),
    Release(Claim),
    Load,
    /// A fence, and the task as it is then.
    Fence(CommitId),
    Watch,
    Unwatch,
    Read(Version),
    Head,
    Watchers(Version),
    Member(InstanceId),
    Sent(Vec<InstanceId>),
    AgentGone(AgentId),
    /// A client's own read, to follow the task; registered as a watcher before it or not.
    Join(usize, bool),
    /// A client's own read, to continue the task.
    Fetch(usize),
    /// The dispatcher has delivered everything.
    Deliver(u64),
}

/// What came of it, once it has taken effect.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Written(Written),
    Stored(Option<Box<StoredTask>>, bool),
    Head(Option<TaskHead>),
    Watchers(Vec<(InstanceId, a2a_core::Reach)>),
    Member(Option<a2a_core::MemberState>),
}

#[derive(Debug, Clone)]
pub(crate) struct Op {
    pub(crate) call: Call,
    pub(crate) answer: Option<Answer>,
    /// It takes its time: anything may happen before it.
    pub(crate) slow: bool,
}

impl Op {
    pub(crate) fn new(call: Call) -> Self {
        Op { call, answer: None, slow: false }
    }

    /// Whether it matters when it takes effect, beside when it is answered.
    pub(crate) fn has_an_effect(&self) -> bool {
        matches!(
            self.call,
            Call::Commit(_)
                | Call::Load
                | Call::Fence(_)
                | Call::Watch
                | Call::Head
                | Call::Join(..)
                | Call::Fetch(_)
                | Call::Watchers(_)
                | Call::Member(_)
        )
    }

    pub(crate) fn is_write(&self) -> bool {
        matches!(self.call, Call::Commit(_) | Call::Release(_))
    }

    pub(crate) fn is_read(&self) -> bool {
        matches!(
            self.call,
            Call::Load | Call::Fence(_) | Call::Watch | Call::Read(_) | Call::Head | Call::Member(_)
        )
    }

    /// Whether the actor waits for the answer.
    pub(crate) fn is_owed(&self) -> bool {
        !matches!(
            self.call,
            Call::Unwatch
                | Call::Member(_)
                | Call::Join(..)
                | Call::Fetch(_)
                | Call::AgentGone(_)
                | Call::Deliver(_)
        )
    }
}

impl World {
    /// The call takes effect.
    pub(crate) fn perform(&mut self, node: usize, op: usize) {
        let me = instance(node);
        let answer = match self.node(node).ops[op].call.clone() {
            Call::Commit(_) if self.config.flaw == Some(Flaw::AppliedTooEarly) => {
                Answer::Written(Written::Applied)
            }
            Call::Commit(call) => {
                let applied = self.apply_commit(&call);
                Answer::Written(if applied { Written::Applied } else { Written::Lost })
            }
            Call::Release(claim) => {
                self.apply_release(claim);
                Answer::Written(Written::Applied)
            }
            Call::Watch | Call::Join(_, true) => Answer::Stored(self.store_mut().watch(me), false),
            Call::Fence(id) => {
                if self.store_mut().fence(id) {
                    self.check_log();
                }
                Answer::Stored(self.store.load(), self.store.lacking)
            }
            Call::Head => Answer::Head(self.store.head()),
            Call::Watchers(_) => Answer::Watchers(
                self.store.watchers.iter().map(|who| (*who, a2a_core::Reach::Direct)).collect(),
            ),
            Call::Member(who) => Answer::Member(self.store.members.get(node_of(who)).copied()),
            _ => Answer::Stored(self.store.load(), self.store.lacking),
        };
        self.node_mut(node).ops[op].answer = Some(answer);
    }

    /// The answer arrives; what takes one step takes effect now.
    pub(crate) fn answer(&mut self, node: usize, op: usize) {
        if self.node(node).ops[op].answer.is_none() {
            self.perform(node, op);
        }
        let op = self.node_mut(node).ops.remove(op);
        let owed = op.is_owed() && self.node(node).life != Life::Evicted;
        let input = match (op.call, op.answer) {
            (Call::Commit(call), Some(Answer::Written(outcome))) => {
                // A caller that repeats an unanswered commit finds out what became of it, in the log.
                let outcome = match (outcome, self.store.holds(&call)) {
                    (Written::Lost, Some(true)) => Written::Applied,
                    (outcome, _) => outcome,
                };
                self.told_written(node, &call, outcome)
            }
            (Call::Release(_), _) => Input::Written { record: None, outcome: Written::Applied },
            (Call::Load | Call::Fence(_), Some(Answer::Stored(stored, pending))) => {
                Input::Loaded(Ok(stored.map(|stored| (stored, pending))))
            }
            (Call::Watch, Some(Answer::Stored(stored, _))) => {
                Input::Watched(Ok(stored.map(|stored| Seen::of(&stored))))
            }
            (Call::Unwatch, _) => {
                self.store_mut().watchers.remove(&instance(node));
                return;
            }
            (Call::Read(after), _) => Input::Read(Ok(self.store.after(after))),
            (Call::Head, Some(Answer::Head(head))) => Input::Head(Ok(head)),
            (Call::Watchers(after), Some(Answer::Watchers(watchers))) => Input::Watchers(watchers, after),
            (Call::Member(who), Some(Answer::Member(state))) => Input::Member(who, Ok(state)),
            (Call::Sent(gone), _) => Input::Sent { gone },
            (Call::AgentGone(agent), _) => {
                self.node_mut(node).agents.retain(|one| one.id != agent || one.doing != Doing::Stopping);
                Input::AgentGone(agent)
            }
            (Call::Join(client, registered), Some(Answer::Stored(stored, _))) => {
                self.joined(client, registered, stored.map(|stored| Seen::of(&stored)));
                return;
            }
            (Call::Fetch(client), Some(Answer::Stored(stored, _))) => {
                self.fetched(client, stored);
                return;
            }
            (Call::Deliver(dispatcher), _) => {
                if !self.store.is_at_work() {
                    self.store_mut().lacking = false;
                }
                self.node_mut(node).attended = false;
                Input::Delivered(dispatcher)
            }
            (call, answer) => unreachable!("{call:?} is not answered with {answer:?}"),
        };
        if owed || self.node(node).actor.is_some() {
            self.feed(node, input);
        }
    }

    /// The answer is that the read failed.
    pub(crate) fn fail_read(&mut self, node: usize, op: usize, how: ReadFailed) {
        let op = self.node_mut(node).ops.remove(op);
        let input = match op.call {
            Call::Load | Call::Fence(_) => Input::Loaded(Err(how)),
            Call::Watch => Input::Watched(Err(how)),
            Call::Read(_) => Input::Read(Err(how)),
            Call::Head => Input::Head(Err(how)),
            Call::Member(who) => Input::Member(who, Err(how)),
            call => unreachable!("{call:?} reads nothing"),
        };
        self.feed(node, input);
    }

    /// The write is answered with something else than what became of it.
    pub(crate) fn answer_write(&mut self, node: usize, op: usize, outcome: Written) {
        let op = self.node_mut(node).ops.remove(op);
        let input = match op.call {
            Call::Commit(call) => self.told_written(node, &call, outcome),
            _ => Input::Written { record: None, outcome },
        };
        self.feed(node, input);
    }

    fn told_written(&mut self, node: usize, call: &CommitCall, outcome: Written) -> Input {
        let record = record_of(call);
        if let Written::Applied = outcome {
            let ours = self.store.holds(call) != Some(false);
            let deleted = self.was_deleted();
            if !ours && !deleted {
                self.violated("nobody is told that a commit was applied which is not in the log", "");
            }
            if !self.told.insert(record.version) && !deleted {
                self.violated("exactly one writer is told Applied for a version", record.version.to_string());
            }
            self.note_own_commit(node, call, &record);
        }
        Input::Written { record: Some(record), outcome }
    }

    /// Whether a client of this kind asks for the rest of the task, and not for that of its turn.
    pub(crate) fn reads_on(wants: Wants) -> bool {
        matches!(wants, Wants::Subscribe | Wants::SubscribeSlowly | Wants::Cancel)
    }

    /// Whether somebody here has a stream, or is about to.
    pub(crate) fn reads_at(&self, node: usize) -> bool {
        self.clients.iter().any(|client| client.node == node && client.stage == Stage::Reading)
    }
}
