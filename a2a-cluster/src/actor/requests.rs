//! Asking actors: telling one something, asking one for an answer, and holding one to read from it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use a2a_core::{TaskKey, Version};
use tokio::sync::oneshot;

use super::agent_task::Deposit;
use super::core::{Actor, Input, Known, Reply, Ticket};
use super::handle::{Ended, Handle};
use super::perform::{Place, drive, perform};
use super::registry::Actors;

impl Actors {
    /// Tells the actor of a task something; it comes to be if it has to.
    pub(crate) fn tell(self: &Arc<Self>, key: &TaskKey, input: Input) -> Arc<Handle> {
        let mut input = input;
        loop {
            let handle = self.get_or_begin(key);
            let mut fx = handle.take_spare();
            match handle.step(self, input, |_| {}, &mut fx) {
                Ok(()) => {
                    perform(self, &handle, fx, Place::Shared);
                    return handle;
                }
                // It ended between the look-up and the step; the next one is another.
                Err(Ended(again)) => input = *again,
            }
        }
    }

    /// Asks the actor of a task for something, and returns where the answer will be. Dropping that is to lose interest.
    pub(crate) fn ask(
        self: &Arc<Self>,
        key: &TaskKey,
        deposit: Option<Deposit>,
        input: impl FnOnce(Ticket) -> Input,
    ) -> Answer {
        let ticket = Ticket(self.tickets.fetch_add(1, Ordering::Relaxed));
        let (sender, receiver) = oneshot::channel();
        let mut waits = Some((sender, deposit));
        let mut input = input(ticket);
        loop {
            let handle = self.get_or_begin(key);
            if let Some((_, Some(deposit))) = &waits {
                handle.counts_for(deposit.permit.load());
            }
            let mut fx = handle.take_spare();
            let prepare = |state: &mut super::handle::State| {
                if let Some((sender, deposit)) = waits.take() {
                    state.deposit(ticket, sender, deposit);
                }
            };
            match handle.step(self, input, prepare, &mut fx) {
                Ok(()) => {
                    perform(self, &handle, fx, Place::Request(ticket));
                    let actors = Arc::clone(self);
                    return Answer { actors, handle, ticket, receiver: Some(receiver), reads: false };
                }
                Err(Ended(again)) => input = *again,
            }
        }
    }

    /// Tells whether this instance works on a task, or delivers what its webhooks lack.
    pub(crate) fn has_task(&self, key: &TaskKey) -> bool {
        self.get(key).and_then(|handle| handle.look(Actor::has_task)).unwrap_or(false)
    }

    /// Opens a stream on a task.
    pub(crate) fn attach(self: &Arc<Self>, key: &TaskKey, joined: bool) -> Reader {
        let handle = self.tell(key, Input::Attach { joined });
        Reader::of(self, handle, joined)
    }
}

/// An answer that an actor will give.
pub(crate) struct Answer {
    actors: Arc<Actors>,
    handle: Arc<Handle>,
    ticket: Ticket,
    receiver: Option<oneshot::Receiver<Reply>>,
    /// An answer of `Open` is a stream's hold, too.
    reads: bool,
}

impl Answer {
    /// Waits for the answer. Cancel safe until it is there.
    pub(crate) async fn reply(self) -> Reply {
        self.reply_and_reader().await.0
    }

    /// Waits for the answer to a message that asked to read once the task is claimed.
    pub(crate) async fn opened(mut self) -> (Reply, Option<Reader>) {
        self.reads = true;
        self.reply_and_reader().await
    }

    async fn reply_and_reader(mut self) -> (Reply, Option<Reader>) {
        let Some(receiver) = &mut self.receiver else { return (Reply::Stopped, None) };
        let reply = receiver.await.unwrap_or(Reply::Stopped);
        self.receiver = None;
        let opened = self.reads && matches!(reply, Reply::Open(_));
        (reply, opened.then(|| self.reader()))
    }

    /// The hold of a stream that attached with its request.
    pub(crate) fn reader(&self) -> Reader {
        Reader::of(&self.actors, Arc::clone(&self.handle), true)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Some(mut receiver) = self.receiver.take() else { return };
        drive(&self.actors, &self.handle, Input::Abandon(self.ticket));
        if self.reads && matches!(receiver.try_recv(), Ok(Reply::Open(_))) {
            drop(self.reader());
        }
    }
}

/// Tells an actor what the store has of its task, where it knew more when the store was asked.
pub(super) fn found(actors: &Arc<Actors>, handle: &Arc<Handle>, known: Option<Known>, version: Version) {
    if let Some(known) = known.filter(|known| version < known.version) {
        drive(actors, handle, Input::Found(known, version));
    }
}

/// A stream's hold on an actor.
pub(crate) struct Reader {
    actors: Arc<Actors>,
    handle: Arc<Handle>,
    joined: bool,
    /// Which task of this id it reads.
    life: u32,
}

impl Reader {
    fn of(actors: &Arc<Actors>, handle: Arc<Handle>, joined: bool) -> Self {
        let life = handle.look(Actor::life).unwrap_or_default();
        Reader { actors: Arc::clone(actors), handle, joined, life }
    }

    /// Begins to read from the ring, after what the stream's own read of the store showed.
    pub(super) fn join(&mut self, input: Input) {
        self.joined = true;
        drive(&self.actors, &self.handle, input);
        self.life = self.handle.look(Actor::life).unwrap_or_default();
    }

    /// Tells whether the task that it reads is gone, whatever came after that.
    pub(super) fn is_over(&self) -> bool {
        self.handle.look(Actor::life) != Some(self.life)
    }

    /// Tells the actor what the store has of the task, where it knew more before.
    pub(super) fn found(&self, known: Option<Known>, version: Version) {
        found(&self.actors, &self.handle, known, version);
    }
}

impl std::ops::Deref for Reader {
    type Target = Arc<Handle>;

    fn deref(&self) -> &Arc<Handle> {
        &self.handle
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        drive(&self.actors, &self.handle, Input::Detach { joined: self.joined });
    }
}
