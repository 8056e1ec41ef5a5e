//! Between the JSON form of parameters and answers and gRPC's frames.

use a2a::{
    AgentCard, ListTaskPushNotificationConfigsResponse, ListTasksResponse, SendMessageResponse,
    StreamResponse, Task, TaskPushNotificationConfig,
};
use a2a_pb::protojson;
use a2a_pb::protojson_conv::{self, ProtoJsonPayload};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::operation::Operation;

/// The protobuf form of an operation's parameters.
pub(super) fn encode(operation: Operation, params: &Value) -> Vec<u8> {
    fn encoded<T: DeserializeOwned + Message>(params: &Value) -> Vec<u8> {
        let message: T = serde_json::from_value(params.clone()).expect("no such parameters in protobuf");
        message.encode_to_vec()
    }
    match operation {
        Operation::SendMessage | Operation::SendStreamingMessage => {
            encoded::<protojson::SendMessageRequest>(params)
        }
        Operation::GetTask => encoded::<protojson::GetTaskRequest>(params),
        Operation::ListTasks => encoded::<protojson::ListTasksRequest>(params),
        Operation::CancelTask => encoded::<protojson::CancelTaskRequest>(params),
        Operation::SubscribeToTask => encoded::<protojson::SubscribeToTaskRequest>(params),
        Operation::CreateTaskPushNotificationConfig => {
            encoded::<protojson::TaskPushNotificationConfig>(params)
        }
        Operation::GetTaskPushNotificationConfig => {
            encoded::<protojson::GetTaskPushNotificationConfigRequest>(params)
        }
        Operation::ListTaskPushNotificationConfigs => {
            encoded::<protojson::ListTaskPushNotificationConfigsRequest>(params)
        }
        Operation::DeleteTaskPushNotificationConfig => {
            encoded::<protojson::DeleteTaskPushNotificationConfigRequest>(params)
        }
        Operation::GetExtendedAgentCard => encoded::<protojson::GetExtendedAgentCardRequest>(params),
    }
}

/// The JSON form of one message of an operation's answer.
pub(super) fn decode(operation: Operation, message: &[u8]) -> Value {
    fn decoded<T: ProtoJsonPayload>(message: &[u8]) -> Value {
        let proto = T::Proto::decode(message).unwrap();
        protojson_conv::to_value(&T::try_from_proto(&proto).unwrap()).unwrap()
    }
    match operation {
        Operation::SendMessage => decoded::<SendMessageResponse>(message),
        Operation::SendStreamingMessage | Operation::SubscribeToTask => decoded::<StreamResponse>(message),
        Operation::GetTask | Operation::CancelTask => decoded::<Task>(message),
        Operation::ListTasks => decoded::<ListTasksResponse>(message),
        Operation::CreateTaskPushNotificationConfig | Operation::GetTaskPushNotificationConfig => {
            decoded::<TaskPushNotificationConfig>(message)
        }
        Operation::ListTaskPushNotificationConfigs => {
            decoded::<ListTaskPushNotificationConfigsResponse>(message)
        }
        Operation::DeleteTaskPushNotificationConfig => json!({}),
        Operation::GetExtendedAgentCard => decoded::<AgentCard>(message),
    }
}

/// A message as gRPC sends it.
pub(super) fn frame(message: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put_slice(message);
    frame.freeze()
}

/// The messages of a body.
pub(super) fn unframe(mut body: Bytes) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while body.has_remaining() {
        assert_eq!(body.get_u8(), 0, "no compression was offered");
        let length = body.get_u32() as usize;
        messages.push(body.split_to(length));
    }
    messages
}
