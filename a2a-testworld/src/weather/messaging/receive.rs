//! `ReceiveMessage`: messages that are on their way, short answers, and waiting for what arrives.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::names::Queue;
use super::state::State;
use crate::weather::dice::Draws;
use crate::weather::endpoint::{Head, Said};
use crate::weather::station::{Station, body_from, whole};
use crate::weather::wire::{self, Answer};

/// What a receive asks for.
#[derive(Debug)]
struct Ask {
    most: usize,
    /// `None` leaves it to the queue.
    wait: Option<Duration>,
}

impl Ask {
    fn of(request: &Map<String, Value>) -> Self {
        let number = |name: &str| request.get(name).and_then(Value::as_u64);
        let most = number("MaxNumberOfMessages").and_then(|most| usize::try_from(most).ok());
        let wait = number("WaitTimeSeconds").map(Duration::from_secs);
        Ask { most: most.unwrap_or(1), wait }
    }
}

impl Station {
    /// Handles a receive of a queue whose messages have no order.
    ///
    /// May be dropped at any time: what the endpoint has handed out by then is shown by a later receive.
    pub(super) async fn receive(
        &self,
        head: &Head,
        queue: &Queue,
        mut request: Map<String, Value>,
        draws: &mut Draws,
    ) -> Option<Answer> {
        let ask = Ask::of(&request);
        let Some(most) = self.shortened(&ask, draws) else { return Some(messages(Vec::new())) };
        request.insert("MaxNumberOfMessages".to_owned(), json!(most));
        let mut left = ask.wait.unwrap_or_default();
        loop {
            let arrived = self.messaging.state().mailbox.take(queue, most);
            if !arrived.is_empty() {
                return Some(messages(arrived));
            }
            // The endpoint may wait until the next message arrives that is on its way.
            let next = self.messaging.state().mailbox.next(queue);
            let until = next.map_or(left, |next| left.min(next.saturating_duration_since(Instant::now())));
            if ask.wait.is_some() {
                request.insert("WaitTimeSeconds".to_owned(), json!(until.as_secs()));
            }
            let begun = Instant::now();
            let said = self.pass(head, body_from(&request)).await?;
            let Some(found) = found(&said) else {
                self.failed_unless_ok("ReceiveMessage", &said);
                return Some(whole(said));
            };
            // A clock that stands still does not show how long an endpoint waited in vain.
            let waited =
                if found.is_empty() { Duration::from_secs(until.as_secs()) } else { begun.elapsed() };
            left = left.saturating_sub(waited);
            self.send_on(queue, found, draws);
            let next = self.messaging.state().mailbox.next(queue);
            let pause = next.map(|next| next.saturating_duration_since(Instant::now()));
            match pause {
                Some(Duration::ZERO) => {}
                Some(pause) if pause <= left => {
                    tokio::time::sleep(pause).await;
                    left -= pause;
                }
                _ if left >= Duration::from_secs(1) => {}
                // An endpoint waits whole seconds.
                _ => {
                    tokio::time::sleep(left).await;
                    return Some(messages(self.messaging.state().mailbox.take(queue, most)));
                }
            }
        }
    }

    /// How many messages the answer has at most; `None` where it has none although there may be some, which AWS does to those
    /// who do not wait.
    fn shortened(&self, ask: &Ask, draws: &mut Draws) -> Option<usize> {
        let strikes = draws.more.f64() < self.sky.weather().sqs.short_answers;
        let least = usize::from(ask.wait.is_none_or(|wait| !wait.is_zero()));
        // Drawn in any case: what comes after it is drawn alike.
        let most = draws.more.usize(least..ask.most.max(least + 1));
        if !strikes || most >= ask.most {
            return Some(ask.most);
        }
        self.sky.count(|counts| counts.messaging.short_answers += 1);
        (most > 0).then_some(most)
    }

    fn send_on(&self, queue: &Queue, found: Vec<Value>, draws: &mut Draws) {
        let weather = self.sky.weather().sqs;
        let mut state = self.messaging.state();
        let State { mailbox, twice, .. } = &mut *state;
        let sent = mailbox.send(queue, found, &weather, twice, draws);
        drop(state);
        self.sky.count(|counts| {
            counts.messaging.messages_delayed += sent.delayed;
            counts.messaging.messages_repeated += sent.repeated;
        });
    }
}

/// The messages of an answer; `None` where it is an error.
fn found(said: &Said) -> Option<Vec<Value>> {
    let mut answer = said.json().filter(|_| said.status.is_success())?;
    match answer.remove("Messages") {
        Some(Value::Array(messages)) => Some(messages),
        _ => Some(Vec::new()),
    }
}

fn messages(messages: Vec<Value>) -> Answer {
    match messages.is_empty() {
        true => wire::answer(200, &json!({})),
        false => wire::answer(200, &json!({ "Messages": messages })),
    }
}
