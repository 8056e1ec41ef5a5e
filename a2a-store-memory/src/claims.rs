//! Which task a message has been claimed for, and until when.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use a2a_core::{Principal, Tenant};
use tokio::time::Instant;

/// How many expired claims one call clears away: more than it can add, and few enough not to be felt.
const CLEARED_PER_CALL: usize = 16;

/// Longer than any process lives, and still a time that a clock can show.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// What is claimed: a message, by its sender.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Claim {
    pub(crate) tenant: Tenant,
    pub(crate) principal: Option<Principal>,
    pub(crate) message_id: String,
}

/// The claims that are still good, and at most a few that are not.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    held: HashMap<Arc<Claim>, Held>,
    /// The claims in the order in which they expire.
    expiry: BTreeMap<Expiry, Arc<Claim>>,
    made: u64,
}

#[derive(Debug)]
struct Held {
    task_id: String,
    expiry: Expiry,
}

/// When a claim expires; the number tells apart those that expire together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Expiry {
    at: Instant,
    number: u64,
}

impl Claims {
    /// Claims for a task, unless another holds a good claim; returns who does. Keeps at most `limit` claims.
    pub(crate) fn claim(
        &mut self,
        claim: Claim,
        task_id: &str,
        now: Instant,
        window: Duration,
        limit: usize,
    ) -> String {
        self.clear(now);
        let earlier = self.held.get(&claim).map(|held| (held.task_id.clone(), held.expiry));
        match earlier {
            Some((holder, expiry)) if expiry.at > now => return holder,
            Some((_, expiry)) => self.forget(expiry),
            None => {}
        }
        while self.held.len() >= limit.max(1) {
            let Some((&first, _)) = self.expiry.first_key_value() else { break };
            self.forget(first);
        }
        let at = now + window.min(FOREVER);
        self.made = self.made.wrapping_add(1);
        let expiry = Expiry { at, number: self.made };
        let claim = Arc::new(claim);
        self.expiry.insert(expiry, Arc::clone(&claim));
        self.held.insert(claim, Held { task_id: task_id.to_owned(), expiry });
        task_id.to_owned()
    }

    fn clear(&mut self, now: Instant) {
        for _ in 0..CLEARED_PER_CALL {
            match self.expiry.first_key_value() {
                Some((&first, _)) if first.at <= now => self.forget(first),
                _ => break,
            }
        }
    }

    fn forget(&mut self, expiry: Expiry) {
        if let Some(claim) = self.expiry.remove(&expiry) {
            self.held.remove(&claim);
        }
    }
}

#[cfg(test)]
mod tests;
