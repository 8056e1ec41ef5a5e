//! How much a call carries, read before the SDK writes it down.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_sdk_sns::operation::publish::PublishInput;
use aws_sdk_sns::operation::publish_batch::PublishBatchInput;
use aws_sdk_sns::types::MessageAttributeValue;
use aws_sdk_sqs::operation::send_message::SendMessageInput;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchInput;
use aws_smithy_runtime_api::client::interceptors::context::Input;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

/// What SNS and SQS bill as one request.
const CHUNK: usize = 64 * 1024;

/// The size of a call, kept beside it while its attempts are made.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Load {
    /// Bytes of its messages.
    messages: usize,
    /// Its actions, where it is a transaction.
    pub(super) actions: usize,
}

impl Storable for Load {
    type Storer = StoreReplace<Self>;
}

impl Load {
    pub(super) fn of(input: &Input) -> Self {
        if let Some(input) = input.downcast_ref::<TransactWriteItemsInput>() {
            return Load { actions: input.transact_items().len(), ..Load::default() };
        }
        Load { messages: messages(input).unwrap_or_default(), actions: 0 }
    }

    /// As how many requests it is billed.
    pub(super) fn requests(self) -> f64 {
        chunks(self.messages).max(1) as f64
    }
}

/// How many billed chunks so many bytes are.
pub(super) fn chunks(bytes: usize) -> usize {
    bytes.div_ceil(CHUNK)
}

fn messages(input: &Input) -> Option<usize> {
    if let Some(input) = input.downcast_ref::<SendMessageInput>() {
        return input.message_body().map(str::len);
    }
    if let Some(input) = input.downcast_ref::<SendMessageBatchInput>() {
        return Some(input.entries().iter().map(|entry| entry.message_body().len()).sum());
    }
    if let Some(input) = input.downcast_ref::<PublishInput>() {
        let attributes = input.message_attributes().into_iter().flatten();
        return Some(input.message().map_or(0, str::len) + attributes.map(attribute).sum::<usize>());
    }
    let input = input.downcast_ref::<PublishBatchInput>()?;
    let entry = |entry: &aws_sdk_sns::types::PublishBatchRequestEntry| {
        entry.message().len() + entry.message_attributes().into_iter().flatten().map(attribute).sum::<usize>()
    };
    Some(input.publish_batch_request_entries().iter().map(entry).sum())
}

fn attribute((name, value): (&String, &MessageAttributeValue)) -> usize {
    let binary = value.binary_value().map_or(0, |bytes| bytes.as_ref().len());
    name.len() + value.data_type().len() + value.string_value().map_or(0, str::len) + binary
}
