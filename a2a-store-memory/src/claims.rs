//! Which task a message has been claimed for, and until when.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use a2a_core::{Principal, Tenant};
use foldhash::HashMap;
use tokio::time::Instant;

/// How many expired claims one call clears away: more than it can add, and few enough not to be felt.
const CLEARED_PER_CALL: usize = 16;

/// Longer than any process lives, and still a time that a clock can show.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// What is claimed: a message, by its sender.
#[derive(Debug, Hash)]
pub(crate) struct Claim<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) principal: Option<&'a Principal>,
    pub(crate) message_id: &'a str,
}

/// The claims that are still good, and at most a few that are not.
///
/// There are many of them and they stay long: each is kept as a digest, so that it takes little room and leaves no
/// holes in the heap when it goes.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    held: HashMap<Digest, Held>,
    /// The claims in the order in which they expire.
    expiry: BTreeMap<Expiry, Digest>,
    made: u64,
    digests: Digests,
}

#[derive(Debug)]
struct Held {
    task_id: Box<str>,
    expiry: Expiry,
}

/// Stands for a claim: 128 bits, which no two claims share in practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Digest(u64, u64);

/// Makes digests under two random keys, so that nobody can make up two claims with the same one.
#[derive(Debug, Default)]
struct Digests(RandomState, RandomState);

impl Digests {
    fn of(&self, claim: &Claim<'_>) -> Digest {
        Digest(self.0.hash_one(claim), self.1.hash_one(claim))
    }
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
        claim: &Claim<'_>,
        task_id: &str,
        now: Instant,
        window: Duration,
        limit: usize,
    ) -> String {
        self.clear(now);
        let claim = self.digests.of(claim);
        match self.held.get(&claim) {
            Some(held) if held.expiry.at > now => return held.task_id.to_string(),
            Some(held) => self.forget(held.expiry),
            None => {}
        }
        while self.held.len() >= limit.max(1) {
            let Some((&first, _)) = self.expiry.first_key_value() else { break };
            self.forget(first);
        }
        let at = now + window.min(FOREVER);
        self.made = self.made.wrapping_add(1);
        let expiry = Expiry { at, number: self.made };
        self.expiry.insert(expiry, claim);
        self.held.insert(claim, Held { task_id: task_id.into(), expiry });
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
