//! Who waits for something of this actor's: what a request brought is kept for as long as it may be needed.

use super::Actor;
use super::input::Ticket;

impl Actor {
    /// Tells whether an agent may yet start with what this request brought.
    pub fn may_start(&self, ticket: Ticket) -> bool {
        self.run.as_ref().is_some_and(|run| run.starts_with(ticket))
            || self.write.as_ref().is_some_and(|write| write.is_for(ticket))
            || self.requests.iter().any(|request| request.follow_up.ticket == ticket)
    }

    /// Tells whether this request is yet to be answered.
    pub fn awaits(&self, ticket: Ticket) -> bool {
        let waits_for_run = |run: &super::Run| run.waiters.iter().any(|(waits, _)| *waits == ticket);
        self.may_start(ticket)
            || self.run.as_deref().is_some_and(waits_for_run)
            || self.cancel.iter().flat_map(|cancel| &cancel.waiters).any(|(waits, _)| *waits == ticket)
            || self.take_over.iter().flat_map(|take_over| &take_over.tickets).any(|waits| *waits == ticket)
    }
}
