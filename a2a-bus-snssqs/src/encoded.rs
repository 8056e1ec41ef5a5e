//! One message as it is sent: encoded, small enough, with at most as many recipients as fit.

use std::collections::BTreeMap;
use std::sync::Arc;

use a2a_core::wire::{self, Seal};
use a2a_core::{BackendError, BusMessage, InstanceId, News, Reach, Recipient, Result};

use crate::policy;

/// What AWS bills as one message. A larger one travels as news of a change instead.
pub(crate) const BILLING_UNIT: usize = 64 * 1024;

/// The most that a topic carries in one message or one batch, as topics are by default.
pub(crate) const MOST_BYTES: usize = 256 * 1024;

/// How many recipients one publish names: their ids stand in the body and in the attribute.
const MOST_RECIPIENTS: usize = 200;

/// What a message's attribute takes besides its value: its name and type.
const ATTRIBUTE_BYTES: usize = 2 + 12;

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    /// Straight to the queue of one instance.
    Queue(InstanceId),
    /// To the topic, which copies it to the queues that the attribute names.
    Topic,
}

/// A message for one request or one entry of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EncodedMessage {
    pub(crate) route: Route,
    pub(crate) body: Arc<str>,
    /// The value of the attribute that names the recipients; empty on the way to one queue.
    pub(crate) recipients: String,
    /// What was sent in the end, which differs from what was asked for where that was too large.
    pub(crate) kind: &'static str,
}

impl EncodedMessage {
    /// Bytes of it that count towards the limits.
    pub(crate) fn bytes(&self) -> usize {
        size(&self.body, &self.recipients)
    }

    /// The same for the queue of each recipient, instead of for the topic.
    pub(crate) fn straight(&self) -> Vec<EncodedMessage> {
        let to: Vec<InstanceId> = serde_json::from_str(&self.recipients).unwrap_or_default();
        to.into_iter().map(|one| to_queue(one, Arc::clone(&self.body), self.kind)).collect()
    }
}

/// Makes the messages that bring `message` to `to`: one publish for all whom the topic reaches, where these are
/// several, and one for the queue of each other. Whoever is reached nowhere is left out.
///
/// A publish costs little more than a message to one queue, whatever its recipients' number; but alone in a batch with
/// others for the same queue, the latter is cheaper.
///
/// # Errors
///
/// `TooLarge` for a message that fits no service and that is not about commits.
pub(crate) fn encode(to: &[Recipient], message: &BusMessage, seal: &Seal) -> Result<Vec<EncodedMessage>> {
    let (mut straight, by_topic) = ways(to);
    let mut messages = Vec::new();
    for to in by_topic.chunks(MOST_RECIPIENTS) {
        match to {
            [one] => straight.push(*one),
            several => {
                let recipients = policy::recipients(several);
                let Contents { body, kind } = contents(several, &recipients, message, seal)?;
                messages.push(EncodedMessage { route: Route::Topic, body, recipients, kind });
            }
        }
    }
    for to in straight.chunks(MOST_RECIPIENTS) {
        // Written and signed once for all of them.
        let Contents { body, kind } = contents(to, "", message, seal)?;
        messages.extend(to.iter().map(|one| to_queue(*one, Arc::clone(&body), kind)));
    }
    Ok(messages)
}

fn to_queue(one: InstanceId, body: Arc<str>, kind: &'static str) -> EncodedMessage {
    EncodedMessage { route: Route::Queue(one), body, recipients: String::new(), kind }
}

/// Who is reached straight and who by the topic, each once and in order.
fn ways(to: &[Recipient]) -> (Vec<InstanceId>, Vec<InstanceId>) {
    let mut reaches = BTreeMap::new();
    for Recipient { instance, reach } in to {
        match reach {
            Reach::Nowhere => {}
            // Of two things that are said of one, this one holds whenever the other does.
            Reach::Direct => drop(reaches.insert(*instance, Reach::Direct)),
            Reach::Topic => drop(reaches.entry(*instance).or_insert(Reach::Topic)),
        }
    }
    let (by_topic, straight): (Vec<_>, Vec<_>) =
        reaches.into_iter().partition(|(_, reach)| *reach == Reach::Topic);
    let ids = |of: Vec<(InstanceId, Reach)>| of.into_iter().map(|(instance, _)| instance).collect();
    (ids(straight), ids(by_topic))
}

/// The body of a message, and what it says in the end.
struct Contents {
    body: Arc<str>,
    kind: &'static str,
}

fn contents(to: &[InstanceId], recipients: &str, message: &BusMessage, seal: &Seal) -> Result<Contents> {
    let body = wire::encode(to, message, seal);
    if size(&body, recipients) <= BILLING_UNIT {
        return Ok(Contents { body: body.into(), kind: message.news.kind() });
    }
    let (body, kind) = match smaller(message) {
        Some(smaller) => (wire::encode(to, &smaller, seal), smaller.news.kind()),
        None => (body, message.news.kind()),
    };
    let actual = size(&body, recipients);
    if actual > MOST_BYTES {
        return Err(BackendError::TooLarge { what: "a bus message", actual, limit: MOST_BYTES });
    }
    Ok(Contents { body: body.into(), kind })
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
