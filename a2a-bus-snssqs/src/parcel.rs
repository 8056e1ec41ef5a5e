//! One message made ready for the road: encoded, small enough, with at most as many recipients as fit.

use a2a_core::{BackendError, BusMessage, InstanceId, News, Result, wire};

use crate::policy;

/// What AWS bills as one message. A larger one travels as news of a change instead.
pub(crate) const BILLING_UNIT: usize = 64 * 1024;

/// The most that a topic carries in one message or one batch, as topics are by default.
pub(crate) const MOST_BYTES: usize = 256 * 1024;

/// How many recipients one publish names: their ids stand in the body and in the attribute.
const MOST_RECIPIENTS: usize = 200;

/// What a message's attribute takes besides its value: its name and type.
const ATTRIBUTE_BYTES: usize = 2 + 12;

/// Where a parcel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    /// Straight to the queue of one instance.
    Queue(InstanceId),
    /// To the topic, which copies it to the queues that the attribute names.
    Topic,
}

/// A message for one request or one entry of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parcel {
    pub(crate) route: Route,
    pub(crate) body: String,
    /// The value of the attribute that names the recipients; empty on the way to one queue.
    pub(crate) recipients: String,
    /// What was sent in the end, which differs from what was asked for where that was too large.
    pub(crate) kind: &'static str,
}

impl Parcel {
    /// Bytes of it that count towards the limits.
    pub(crate) fn bytes(&self) -> usize {
        size(&self.body, &self.recipients)
    }
}

/// Makes the parcels that bring `message` to `to`: one, unless there are very many recipients.
///
/// # Errors
///
/// `TooLarge` for a message that fits no carrier and that is not about commits.
pub(crate) fn pack(to: &[InstanceId], message: &BusMessage) -> Result<Vec<Parcel>> {
    let mut to = to.to_vec();
    to.sort_unstable();
    to.dedup();
    to.chunks(MOST_RECIPIENTS).map(|to| pack_one(to, message)).collect()
}

fn pack_one(to: &[InstanceId], message: &BusMessage) -> Result<Parcel> {
    let (route, recipients) = match to {
        [one] => (Route::Queue(*one), String::new()),
        several => (Route::Topic, policy::recipients(several)),
    };
    let body = wire::encode(to, message);
    let whole = Parcel { route, body, recipients, kind: message.news.kind() };
    if whole.bytes() <= BILLING_UNIT {
        return Ok(whole);
    }
    let parcel = match smaller(message) {
        Some(smaller) => Parcel { body: wire::encode(to, &smaller), kind: smaller.news.kind(), ..whole },
        None => whole,
    };
    let actual = parcel.bytes();
    if actual > MOST_BYTES {
        return Err(BackendError::TooLarge { what: "a bus message", actual, limit: MOST_BYTES });
    }
    Ok(parcel)
}

/// The news that the task has changed, in place of the changes themselves.
fn smaller(message: &BusMessage) -> Option<BusMessage> {
    let News::Commits(commits) = &message.news else { return None };
    let last = commits.last()?.version;
    let BusMessage { from, task, trace, .. } = message;
    Some(BusMessage { from: *from, task: task.clone(), news: News::Changed(last), trace: trace.clone() })
}

fn size(body: &str, recipients: &str) -> usize {
    let attribute = if recipients.is_empty() { 0 } else { ATTRIBUTE_BYTES + recipients.len() };
    body.len() + attribute
}

#[cfg(test)]
mod tests;
