//! Sends a batch with one request, and each entry that failed with one more of its own.

use std::time::Duration;

use a2a_core::InstanceId;

use crate::clients::call;
use crate::encoded::{EncodedMessage, Route};
use crate::error::{Failure, Verdict};
use crate::{Clients, TopicArn, policy};

/// What became of a message that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendOutcome {
    /// The service has it.
    Sent,
    /// The queue of this instance does not exist.
    Gone(InstanceId),
}

/// Talks to the topic and to the queues of other instances.
#[derive(Debug)]
pub(crate) struct Sender {
    clients: Clients,
    topic: TopicArn,
    limit: Duration,
}

/// The answer to a request: about all of it, or about those entries that failed.
enum Answer {
    Gone(InstanceId),
    AllFailed(Failure),
    Failed(Vec<(usize, Failure)>),
}

impl Sender {
    pub(crate) fn new(clients: Clients, topic: TopicArn, limit: Duration) -> Self {
        Sender { clients, topic, limit }
    }

    /// Sends messages of one route. Returns what became of each, in their order.
    pub(crate) async fn send_batch(
        &self,
        route: Route,
        messages: &[EncodedMessage],
    ) -> Vec<Result<SendOutcome, Failure>> {
        let mut outcomes = vec![Ok(SendOutcome::Sent); messages.len()];
        let again = match self.request(route, messages).await {
            Answer::Gone(instance) => return vec![Ok(SendOutcome::Gone(instance)); messages.len()],
            // One bad message has the whole batch rejected: the others shall not suffer for it.
            Answer::AllFailed(failure) if failure.verdict == Verdict::Rejected && messages.len() > 1 => {
                (0..messages.len()).map(|entry| (entry, failure.clone())).collect()
            }
            // The client has retried already.
            Answer::AllFailed(failure) => return vec![Err(failure); messages.len()],
            Answer::Failed(entries) => entries,
        };
        for (entry, failure) in again {
            if let (Some(outcome), Some(message)) = (outcomes.get_mut(entry), messages.get(entry)) {
                let is_hopeless = messages.len() == 1 && failure.verdict == Verdict::Rejected;
                *outcome = if is_hopeless { Err(failure) } else { self.send_alone(route, message).await };
            }
        }
        outcomes
    }

    async fn send_alone(&self, route: Route, message: &EncodedMessage) -> Result<SendOutcome, Failure> {
        match self.request(route, std::slice::from_ref(message)).await {
            Answer::Gone(instance) => Ok(SendOutcome::Gone(instance)),
            Answer::AllFailed(failure) => Err(failure),
            Answer::Failed(entries) => match entries.into_iter().next() {
                Some((_, failure)) => Err(failure),
                None => Ok(SendOutcome::Sent),
            },
        }
    }

    async fn request(&self, route: Route, messages: &[EncodedMessage]) -> Answer {
        match route {
            Route::Queue(instance) => self.send(instance, messages).await,
            Route::Topic => self.publish(messages).await,
        }
    }

    async fn send(&self, instance: InstanceId, messages: &[EncodedMessage]) -> Answer {
        use aws_sdk_sqs::types::SendMessageBatchRequestEntry as Entry;

        const CALL: &str = "SendMessageBatch";
        let url = self.topic.queue_url(instance);
        let entry = |(id, message): (usize, &EncodedMessage)| {
            Entry::builder().id(id.to_string()).message_body(&*message.body).build()
        };
        let entries = match messages.iter().enumerate().map(entry).collect() {
            Ok(entries) => entries,
            Err(error) => return Answer::AllFailed(Failure::refused(CALL, error.to_string())),
        };
        let sent = self.clients.sqs.send_message_batch().queue_url(url).set_entries(Some(entries)).send();
        match call(CALL, self.limit, sent).await {
            Ok(output) => Answer::Failed(failed(CALL, output.failed(), |one| (one.id(), one.code()))),
            Err(error) if error.is(|error| error.is_queue_does_not_exist()) => Answer::Gone(instance),
            Err(error) => Answer::AllFailed(error.failure),
        }
    }

    async fn publish(&self, messages: &[EncodedMessage]) -> Answer {
        use aws_sdk_sns::types::{MessageAttributeValue, PublishBatchRequestEntry as Entry};

        const CALL: &str = "PublishBatch";
        let entry = |(id, message): (usize, &EncodedMessage)| {
            let to = MessageAttributeValue::builder().data_type("String.Array");
            let to = to.string_value(&message.recipients).build()?;
            let entry = Entry::builder().id(id.to_string()).message(&*message.body);
            entry.message_attributes(policy::TO, to).build()
        };
        let entries = match messages.iter().enumerate().map(entry).collect() {
            Ok(entries) => entries,
            Err(error) => return Answer::AllFailed(Failure::refused(CALL, error.to_string())),
        };
        let publish = self.clients.sns.publish_batch().topic_arn(self.topic.to_string());
        let published = publish.set_publish_batch_request_entries(Some(entries)).send();
        match call(CALL, self.limit, published).await {
            Ok(output) => Answer::Failed(failed(CALL, output.failed(), |one| (one.id(), one.code()))),
            Err(error) => Answer::AllFailed(error.failure),
        }
    }
}

/// Reads which entries failed, and how. Entries are named by their place.
fn failed<T>(call: &'static str, entries: &[T], read: impl Fn(&T) -> (&str, &str)) -> Vec<(usize, Failure)> {
    let read = |entry| {
        let (id, code) = read(entry);
        Some((id.parse().ok()?, Failure::answered(call, code, None, None)))
    };
    entries.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests;
