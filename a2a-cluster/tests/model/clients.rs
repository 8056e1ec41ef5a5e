//! What the handler does for a client: sends, streams, follow-ups and cancels, as far as they meet the actor.

use std::sync::Arc;

use a2a_core::{CancelRequest, StoredTask, reduce};

use crate::config::Wants;
use crate::core::{AnswerAt, FirstTurn, FollowUp, Input, Reply, Seen, Ticket};
use crate::names::{message, new_task};
use crate::ops::{Call, Op};
use crate::world::{Life, Stage, World};

/// How often a client continues a task that has changed meanwhile.
const TRIES: u8 = 2;
/// The ticket of whoever takes a task over.
pub(crate) const TAKE_OVER: Ticket = Ticket(1_000);

impl World {
    pub(crate) fn ticket(&self, client: usize) -> Ticket {
        Ticket(client as u64 * 10 + u64::from(self.clients[client].tries))
    }

    /// A client's message, by which its follow-up is found in the log.
    pub(crate) fn words(&self, client: usize) -> String {
        format!("message-{client}")
    }

    fn is_stream(&self, client: usize) -> bool {
        !matches!(self.clients[client].wants, Wants::SendAndWait | Wants::FollowAndWait | Wants::Cancel)
    }

    /// A stream opens: it reads the ring at once, or the store first.
    fn attach(&mut self, client: usize, joined: bool) {
        let before = self.clients[client].attached.replace(joined);
        let node = self.clients[client].node;
        self.feed(node, Input::Attach { joined });
        if let Some(joined) = before {
            self.feed(node, Input::Detach { joined });
        }
    }

    /// The client is over; its stream closes.
    pub(crate) fn leaves(&mut self, client: usize, stage: Stage) {
        let gone = &mut self.clients[client];
        gone.stage = stage;
        gone.cursor = a2a_core::Version::ABSENT;
        gone.asleep = false;
        if let Some(joined) = gone.attached.take() {
            let node = gone.node;
            self.feed(node, Input::Detach { joined });
        }
    }

    /// A client goes away before it has what it wants.
    pub(crate) fn departs(&mut self, client: usize) {
        let (node, ticket) = (self.clients[client].node, self.ticket(client));
        let waits = self.clients[client].stage == Stage::Waiting;
        self.node_mut(node)
            .ops
            .retain(|op| !matches!(op.call, Call::Join(who, _) | Call::Fetch(who) if who == client));
        self.leaves(client, Stage::Left);
        if waits {
            self.feed(node, Input::Abandon(ticket));
        }
    }

    /// A client begins.
    pub(crate) fn begins(&mut self, client: usize) {
        let streams = self.is_stream(client);
        match self.clients[client].wants {
            // Whoever cancels joins like a stream, to see the end when it comes.
            Wants::Subscribe | Wants::SubscribeSlowly | Wants::Cancel => self.joins(client),
            Wants::Send | Wants::SendAndWait => {
                // A stream attaches with its request.
                self.clients[client].attached = streams.then_some(true);
                self.sends(client);
            }
            Wants::Follow | Wants::FollowAndWait => self.fetches(client),
        }
    }

    fn joins(&mut self, client: usize) {
        let node = self.clients[client].node;
        if self.node(node).life != Life::Up || self.node(node).cut_off {
            return self.leaves(client, Stage::Error);
        }
        self.clients[client].stage = Stage::Joining;
        self.attach(client, false);
        let registers = self.node(node).actor.as_ref().is_some_and(crate::core::Actor::needs_watch);
        self.node_mut(node).ops.push(Op::new(Call::Join(client, registers)));
    }

    fn fetches(&mut self, client: usize) {
        let node = self.clients[client].node;
        self.clients[client].stage = Stage::Fetching;
        self.node_mut(node).ops.push(Op::new(Call::Fetch(client)));
    }

    fn sends(&mut self, client: usize) {
        let answer_at = if self.is_stream(client) { AnswerAt::Opening } else { AnswerAt::TurnEnd };
        self.clients[client].stage = Stage::Waiting;
        let first = FirstTurn {
            ticket: self.ticket(client),
            answer_at,
            task: new_task(),
            names_context: false,
            principal: None,
            caller: None,
            always_task: self.config.always_task,
            webhooks: self.config.webhooks,
            reads: self.is_stream(client),
        };
        self.feed(self.clients[client].node, Input::Begin(Box::new(first)));
    }

    fn cancels(&mut self, client: usize) {
        self.clients[client].stage = Stage::Waiting;
        let input = Input::Cancel { ticket: self.ticket(client), request: CancelRequest::default() };
        self.feed(self.clients[client].node, input);
    }

    /// A client's stream is about to begin with this.
    pub(crate) fn joined(&mut self, client: usize, registered: bool, seen: Option<Seen>) {
        match seen {
            None => {
                let sends = matches!(self.clients[client].wants, Wants::Send | Wants::SendAndWait);
                if sends && !self.was_deleted() {
                    self.violated(
                        "whoever was too late with a message finds its task",
                        format!("client {client}"),
                    );
                }
                self.leaves(client, Stage::Error);
            }
            Some(seen) if seen.state.is_terminal() => self.leaves(client, Stage::Done),
            Some(seen) if reduce::ends_turn(&seen.state) && !World::reads_on(self.clients[client].wants) => {
                self.leaves(client, Stage::Done);
            }
            Some(seen) => {
                let reads = self.clients[client].wants != Wants::Cancel;
                self.clients[client].stage = if reads { Stage::Reading } else { Stage::Waiting };
                self.clients[client].cursor = seen.tip.version;
                self.clients[client].attached = Some(true);
                self.feed(self.clients[client].node, Input::Joined { seen, registered });
                if self.clients[client].wants == Wants::Cancel {
                    self.cancels(client);
                }
            }
        }
    }

    /// The task that a client continues is this.
    pub(crate) fn fetched(&mut self, client: usize, stored: Option<Box<StoredTask>>) {
        let Some(stored) = stored else { return self.leaves(client, Stage::Error) };
        if !reduce::is_interrupted(&stored.task.status.state) {
            self.clients[client].refused = true;
            return self.leaves(client, Stage::Refused);
        }
        let (node, after) = (self.clients[client].node, stored.tip());
        self.clients[client].stage = Stage::Waiting;
        self.clients[client].cursor = after.version;
        let answer_at = if self.is_stream(client) { AnswerAt::Opening } else { AnswerAt::TurnEnd };
        let follow_up = FollowUp {
            ticket: self.ticket(client),
            answer_at,
            before: stored.head.claim,
            task: Arc::new(stored.task),
            after,
            principal: None,
            message: message(&self.words(client)),
            caller: None,
            reads: self.is_stream(client),
        };
        self.feed(node, Input::Continue(Box::new(follow_up)));
    }

    /// Whoever waits under this ticket is answered.
    pub(crate) fn replied(&mut self, node: usize, ticket: Ticket, reply: &Reply) {
        if ticket == TAKE_OVER {
            if !self.node(node).takes_over {
                self.violated("every request is answered once", "a take-over was answered twice");
            }
            self.node_mut(node).takes_over = false;
            return;
        }
        let client = (ticket.0 / 10) as usize;
        if self.clients[client].stage == Stage::Left {
            return;
        }
        if self.clients[client].stage != Stage::Waiting || self.ticket(client) != ticket {
            self.violated("every request is answered once", format!("{ticket:?} {reply:?}"));
            return;
        }
        let wants = self.clients[client].wants;
        let stage = match (wants, reply) {
            (_, Reply::Task(task)) => {
                if !self.was_deleted() && !self.store.log.iter().any(|entry| entry.task == *task) {
                    self.violated("nothing is shown before it is committed", format!("{task:?}"));
                }
                if !reduce::ends_turn(&task.status.state) {
                    self.violated("whoever waits for a turn's end is answered at its end", "");
                }
                Stage::Done
            }
            (_, Reply::Open(from)) => {
                if let Some((_, tip)) = from {
                    self.clients[client].cursor = tip.version;
                }
                if self.store.log.is_empty() && from.is_none() && !self.was_deleted() {
                    self.violated(
                        "nothing is shown before it is committed",
                        "a stream is open without a task",
                    );
                }
                // A follow-up's stream is attached by its actor, once the task is claimed.
                self.clients[client].attached = Some(true);
                self.clients[client].stage = Stage::Reading;
                return;
            }
            (Wants::Cancel, Reply::Over) => {
                if !self.store.is_over() && !self.store.log.is_empty() {
                    self.violated("whoever cancels is told the truth", "the task is not over");
                }
                Stage::Done
            }
            (Wants::Cancel, Reply::NotCancelable) => Stage::Refused,
            (Wants::Follow | Wants::FollowAndWait, Reply::Stale) => {
                self.clients[client].tries += 1;
                if self.clients[client].tries < TRIES {
                    return self.fetches(client);
                }
                self.clients[client].refused = true;
                Stage::Refused
            }
            (Wants::Send | Wants::SendAndWait, Reply::Lost(_) | Reply::Met(_)) => return self.joins(client),
            (_, Reply::Refused(_) | Reply::Busy) => {
                self.clients[client].refused = true;
                Stage::Refused
            }
            (_, Reply::Message(_)) => Stage::Done,
            _ => Stage::Error,
        };
        self.leaves(client, stage);
    }
}
