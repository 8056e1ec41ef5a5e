//! Which part of the weather handles a request to SNS or SQS.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::form::Form;
use super::names::Queue;
use super::{fault, handles};
use crate::weather::call::{Call, Service};
use crate::weather::dice::Draws;
use crate::weather::endpoint::Head;
use crate::weather::station::{Station, body_from, whole};
use crate::weather::wire::Answer;

impl Station {
    /// What SNS or SQS makes of a request; `None` where the connection broke.
    pub(in crate::weather) async fn message(
        &self,
        call: &Call,
        head: &Head,
        body: Bytes,
        draws: &mut Draws,
    ) -> Option<Answer> {
        self.settle().await;
        if call.service == Service::Sns {
            return self.notify(&call.operation, head, Form::parse(&body), draws).await;
        }
        match serde_json::from_slice(&body) {
            Ok(request) => self.queue(&call.operation, head, request, draws).await,
            Err(_) => self.as_it_is(&call.operation, head, body).await,
        }
    }

    async fn notify(&self, operation: &str, head: &Head, form: Form, draws: &mut Draws) -> Option<Answer> {
        match operation {
            "Subscribe" => self.subscribe(head, form, draws).await,
            "SetSubscriptionAttributes" => self.set_attributes(head, form, draws).await,
            "GetSubscriptionAttributes" => self.get_attributes(head, &form).await,
            "Unsubscribe" | "DeleteTopic" => self.forget_filters(operation, head, &form).await,
            "ListSubscriptionsByTopic" | "ListSubscriptions" => self.list(operation, head, form).await,
            "PublishBatch" => self.publish_batch(head, &form, draws).await,
            _ => self.as_it_is(operation, head, form.body()).await,
        }
    }

    async fn queue(
        &self,
        operation: &str,
        head: &Head,
        mut request: Map<String, Value>,
        draws: &mut Draws,
    ) -> Option<Answer> {
        let Some(queue) = Queue::of(head, &request) else {
            return self.as_it_is(operation, head, body_from(&request)).await;
        };
        match operation {
            "CreateQueue" => return self.create_queue(head, queue, &request, draws).await,
            "DeleteQueue" => return self.delete_queue(head, queue, &request, draws).await,
            _ => {}
        }
        if !self.messaging.state().names.is_usable(&queue, tokio::time::Instant::now()) {
            self.sky.count(|counts| counts.messaging.not_usable_yet += 1);
            return Some(fault::QUEUE_DOES_NOT_EXIST.answer());
        }
        handles::translate(&mut request);
        match operation {
            "ReceiveMessage" if !queue.is_fifo() => self.receive(head, &queue, request, draws).await,
            "DeleteMessage" => self.delete_message(head, request).await,
            "SendMessageBatch" | "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => {
                self.message_batch(operation, head, request, draws).await
            }
            _ => self.as_it_is(operation, head, body_from(&request)).await,
        }
    }

    /// Passes a request on, and counts it where it failed.
    pub(super) async fn as_it_is(&self, operation: &str, head: &Head, body: Bytes) -> Option<Answer> {
        let said = self.pass(head, body).await?;
        self.failed_unless_ok(operation, &said);
        Some(whole(said))
    }
}
