//! Receives: long polls, hands over, then has deleted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_core::wire::Seal;
use a2a_core::{Env, InstanceId, SystemEnv};
use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::acknowledge::Acknowledger;
use crate::autoscale::{self, Next};
use crate::backoff::Backoff;
use crate::classify::{self, Treatment};
use crate::clients::{CallError, LONGEST_POLL, call};
use crate::inbox::{FEWEST, Inbox, Room};
use crate::meter::{self, Call};
use crate::subscriber::Subscriber;

/// How long a helping receiver waits for messages, which is there for a backlog only, and the first one after
/// a failure, which is to learn soon whether polls are answered again.
const SHORT_POLL: Duration = Duration::from_secs(1);

const CALL: Call = Call::ReceiveMessage;

/// The pauses after failures.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// After how many answers in a row that the queue does not exist it is believed, a second and a half at least: SQS says
/// so of a new queue, too, for up to a second.
const GONE: u32 = 5;

/// More than the client's own limit for a long poll.
const NO_ANSWER: Duration = Duration::from_secs(30);

/// What all receivers of one queue share.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) queue_url: String,
    pub(crate) me: InstanceId,
    pub(crate) seal: Arc<Seal>,
    pub(crate) subscriber: Arc<Subscriber>,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) acknowledger: Acknowledger,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) most_helpers: usize,
    pub(crate) helpers: AtomicUsize,
}

impl Receiver {
    /// Receives until the endpoint closes, or closes it where the queue is gone. Tells the reader of every other
    /// failure and waits it out.
    ///
    /// Tells `ready` once SQS has answered about the queue, whatever the answer.
    ///
    /// A queue that is gone is not made again here: whoever evicted the instance may have removed it, and only the
    /// reader knows whether it is still a member.
    pub(crate) async fn run(self: Arc<Self>, ready: oneshot::Sender<()>) {
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        let mut ready = Some(ready);
        // The first answer is to come at once.
        let mut wait = Duration::ZERO;
        let mut gone = 0;
        while let Some(answer) = self.receive(wait).await {
            let is_gone =
                matches!(&answer, Err(error) if error.is(ReceiveMessageError::is_queue_does_not_exist));
            if !is_gone && let Some(ready) = ready.take() {
                // Nobody listens any more where that took too long.
                let _ = ready.send(());
            }
            wait = if answer.is_ok() { LONGEST_POLL } else { SHORT_POLL };
            match answer {
                Ok(next) => {
                    backoff.reset();
                    gone = 0;
                    self.inbox.works();
                    if next == Next::CallHelp {
                        self.call_help();
                    }
                }
                Err(error) => {
                    meter::failed(CALL);
                    debug!(error = %error.failure, "receiving failed and goes on after a pause");
                    gone = if is_gone { gone + 1 } else { 0 };
                    if gone == GONE {
                        warn!(instance = %self.me, "the queue is gone: nothing is received any more");
                        self.inbox.close();
                        return;
                    }
                    self.inbox.fails(error.failure);
                    let pause = backoff.pause(&SystemEnv);
                    if self.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// Receives until there is no backlog any more, or anything fails: the one above deals with it.
    async fn help(self: Arc<Self>) {
        while let Some(Ok(next)) = self.receive(SHORT_POLL).await {
            match next {
                Next::Continue => {}
                Next::CallHelp => self.call_help(),
                Next::Retire => break,
            }
        }
        self.helpers.fetch_sub(1, Ordering::Relaxed);
    }

    fn call_help(self: &Arc<Self>) {
        let one_more = |helpers| (helpers < self.most_helpers).then_some(helpers + 1);
        if self.helpers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).is_ok() {
            self.tasks.spawn(Arc::clone(self).help());
        }
    }

    /// Waits for room, polls, hands over and has deleted. `None` when the endpoint closes.
    async fn receive(
        self: &Arc<Self>,
        wait: Duration,
    ) -> Option<Result<Next, CallError<ReceiveMessageError>>> {
        let room = self.stop.run_until_cancelled(self.inbox.room()).await??;
        let polled = match self.stop.run_until_cancelled(Box::pin(self.poll(wait))).await? {
            Ok(messages) => messages,
            Err(error) => return Some(Err(error)),
        };
        let next = autoscale::after(polled.len());
        let done = self.hand_over(room, polled);
        self.stop.run_until_cancelled(self.acknowledger.delete(done)).await?;
        Some(Ok(next))
    }

    async fn poll(&self, wait: Duration) -> Result<Vec<Message>, CallError<ReceiveMessageError>> {
        let poll = self
            .sqs
            .receive_message()
            .queue_url(&self.queue_url)
            .max_number_of_messages(FEWEST as i32)
            .wait_time_seconds(wait.as_secs() as i32)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let answer = call(CALL.name(), NO_ANSWER, poll.send()).await?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// Gives the reader what is for it. Returns the receipt handles of what is done with.
    fn hand_over(&self, room: Room<'_>, polled: Vec<Message>) -> Vec<String> {
        let mut delivered = Vec::with_capacity(polled.len());
        let mut done = Vec::with_capacity(polled.len());
        for message in polled {
            let body = message.body().unwrap_or_default();
            let deliveries = deliveries(&message);
            if let Some(time) = waited(&message, deliveries, SystemEnv.now().timestamp_millis()) {
                meter::waited(time);
            }
            if self.subscriber.prober().hears(body) {
                done.extend(message.receipt_handle);
                continue;
            }
            let is_done = match classify::classify(self.me, body, &self.seal, deliveries) {
                Treatment::Deliver(news) => {
                    meter::received(news.news.kind());
                    delivered.push(news);
                    true
                }
                Treatment::Drop(reason) => {
                    meter::dropped(reason);
                    let (id, reason) = (message.message_id(), reason.word());
                    warn!(id, bytes = body.len(), deliveries, reason, "a received message was dropped");
                    true
                }
                Treatment::Leave(reason) => {
                    let (id, reason) = (message.message_id(), reason.word());
                    debug!(id, bytes = body.len(), deliveries, reason, "a received message was left");
                    false
                }
            };
            if is_done && let Some(handle) = message.receipt_handle {
                done.push(handle);
            }
        }
        self.inbox.put(room, delivered);
        done
    }
}

/// How often SQS has delivered a message, this time included.
fn deliveries(message: &Message) -> u32 {
    let count = MessageSystemAttributeName::ApproximateReceiveCount;
    let counted = message.attributes().and_then(|attributes| attributes.get(&count));
    counted.and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// How long a message was in the queue before its first delivery, where this is it. Two clocks are compared: a message that
/// seems to come from the future has waited for no time. `now` is in milliseconds since 1970, as SQS has it.
fn waited(message: &Message, deliveries: u32, now: i64) -> Option<Duration> {
    let sent = message.attributes()?.get(&MessageSystemAttributeName::SentTimestamp)?;
    let millis = now.saturating_sub(sent.parse().ok()?);
    (deliveries == 1).then(|| Duration::from_millis(u64::try_from(millis).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_messages_age_is_taken_at_its_first_delivery_and_never_negative() {
        let sent = |sent: &str| {
            Message::builder().attributes(MessageSystemAttributeName::SentTimestamp, sent).build()
        };
        let now = 1_000_000;
        assert_eq!(waited(&sent("997500"), 1, now), Some(Duration::from_millis(2_500)));
        assert_eq!(waited(&sent("997500"), 2, now), None, "it may wait for its reader, who left it");
        assert_eq!(waited(&sent("1000001"), 1, now), Some(Duration::ZERO));
        assert_eq!(waited(&sent("soon"), 1, now), None);
        assert_eq!(waited(&Message::builder().build(), 1, now), None);
    }
}
