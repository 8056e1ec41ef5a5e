//! Messages that the endpoint has handed out and that are still on their way.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::handles::{self, Twice};
use super::names::Queue;
use super::settings::SqsWeather;
use crate::weather::dice::Draws;

/// Messages by queue.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    queues: HashMap<Queue, Vec<Travelling>>,
    /// How many second copies there were.
    copies: u64,
}

#[derive(Debug)]
struct Travelling {
    arrives: Instant,
    message: Value,
}

/// How many messages were delayed, and how many will come twice.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) delayed: u64,
    pub(super) repeated: u64,
}

impl Mailbox {
    /// Sends messages on their way.
    pub(super) fn send(
        &mut self,
        queue: &Queue,
        messages: Vec<Value>,
        weather: &SqsWeather,
        twice: &mut Twice,
        draws: &mut Draws,
    ) -> Sent {
        let now = Instant::now();
        let mut sent = Sent::default();
        let way = |draws: &mut Draws| match &weather.delivery {
            Some(delivery) => now + delivery.draw(&mut draws.more),
            None => now,
        };
        let travelling = self.queues.entry(queue.clone()).or_default();
        for message in messages {
            if draws.more.f64() < weather.duplicates {
                self.copies += 1;
                sent.repeated += 1;
                twice.came(handles::handle(&message).unwrap_or_default());
                travelling.push(Travelling { arrives: way(draws), message: copy(&message, self.copies) });
            }
            let arrives = way(draws);
            sent.delayed += u64::from(arrives > now);
            travelling.push(Travelling { arrives, message });
        }
        travelling.sort_by_key(|one| one.arrives);
        sent
    }

    /// Takes what has arrived, the first to arrive first. One answer does not have the same message twice.
    pub(super) fn take(&mut self, queue: &Queue, most: usize) -> Vec<Value> {
        let now = Instant::now();
        let Some(travelling) = self.queues.get_mut(queue) else { return Vec::new() };
        let (mut taken, mut ids) = (Vec::new(), HashSet::new());
        for one in std::mem::take(travelling) {
            let id = one.message.get("MessageId").and_then(Value::as_str).unwrap_or_default().to_owned();
            if one.arrives <= now && taken.len() < most && ids.insert(id) {
                taken.push(one.message);
            } else {
                travelling.push(one);
            }
        }
        if travelling.is_empty() {
            self.queues.remove(queue);
        }
        taken
    }

    /// When the next message arrives.
    pub(super) fn next(&self, queue: &Queue) -> Option<Instant> {
        self.queues.get(queue)?.iter().map(|one| one.arrives).min()
    }

    /// Loses all messages of a queue that is gone.
    pub(super) fn forget(&mut self, queue: &Queue) {
        self.queues.remove(queue);
    }

    /// Has everything arrive.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.queues.values_mut().flatten().for_each(|one| one.arrives = one.arrives.min(now));
    }
}

/// The same message as SQS gives it again: with a handle of its own.
fn copy(message: &Value, number: u64) -> Value {
    let mut copy = message.clone();
    let handle = handles::handle(message).unwrap_or_default();
    if let Some(own) = copy.get_mut("ReceiptHandle") {
        *own = json!(handles::of_copy(handle, number));
    }
    copy
}
