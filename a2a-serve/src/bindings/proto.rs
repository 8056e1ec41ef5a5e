//! Looks at decoded protobuf for what the SDK's conversion would lose, as [`params`](super::params) does for JSON.

use a2a::A2AError;
use a2a_pb::pbconv as convert;
use a2a_pb::proto::part::Content;
use a2a_pb::proto::{
    ListTaskPushNotificationConfigsRequest, ListTasksRequest, Message, Part, Role, SendMessageRequest,
    TaskState,
};
use prost_types::value::Kind;
use prost_types::{Struct, Timestamp, Value};

use super::limits::RequestLimits;
use super::nesting::{struct_within, value_within};
use super::violations::Violations;

/// The years 1 to 9999, which a protobuf timestamp must lie in.
const TIMESTAMP_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A request with something to look at.
pub(super) trait Checked {
    /// Whether the request may go on to the SDK.
    ///
    /// # Errors
    /// `InvalidParams` naming every field that would be lost or made up.
    fn check(&self, limits: &RequestLimits) -> Result<(), A2AError>;
}

impl Checked for SendMessageRequest {
    fn check(&self, limits: &RequestLimits) -> Result<(), A2AError> {
        let mut violations = Violations::default();
        let most = limits.max_nesting;
        match &self.message {
            None => violations.required("message"),
            Some(message) => check_message(message, most, &mut violations),
        }
        check_struct("metadata", self.metadata.as_ref(), most, &mut violations);
        violations.into_result()
    }
}

impl Checked for ListTasksRequest {
    fn check(&self, _: &RequestLimits) -> Result<(), A2AError> {
        let mut violations = Violations::default();
        if let Some(size) = self.page_size {
            violations.page_size(size.into());
        }
        if TaskState::try_from(self.status).is_err() {
            violations.add("status", format!("{} is no task state", self.status));
        }
        if self.status_timestamp_after.as_ref().is_some_and(|after| !is_a_time(after)) {
            violations.add("statusTimestampAfter", "must lie in the years 1 to 9999");
        }
        violations.into_result()
    }
}

impl Checked for ListTaskPushNotificationConfigsRequest {
    fn check(&self, _: &RequestLimits) -> Result<(), A2AError> {
        let mut violations = Violations::default();
        violations.config_page_size(self.page_size.into());
        violations.into_result()
    }
}

impl Checked for a2a_pb::proto::CancelTaskRequest {
    fn check(&self, limits: &RequestLimits) -> Result<(), A2AError> {
        let mut violations = Violations::default();
        check_struct("metadata", self.metadata.as_ref(), limits.max_nesting, &mut violations);
        violations.into_result()
    }
}

/// Requests of which the conversion loses nothing.
macro_rules! nothing_to_check {
    ($($request:ty),*) => {
        $(impl Checked for $request {
            fn check(&self, _: &RequestLimits) -> Result<(), A2AError> {
                Ok(())
            }
        })*
    };
}

nothing_to_check!(
    a2a_pb::proto::GetTaskRequest,
    a2a_pb::proto::SubscribeToTaskRequest,
    a2a_pb::proto::TaskPushNotificationConfig,
    a2a_pb::proto::GetTaskPushNotificationConfigRequest,
    a2a_pb::proto::DeleteTaskPushNotificationConfigRequest,
    a2a_pb::proto::GetExtendedAgentCardRequest
);

fn check_message(message: &Message, most: usize, violations: &mut Violations) {
    match Role::try_from(message.role) {
        Ok(role) => violations.role(&convert::from_proto_role(role.into())),
        Err(_) => violations.add("message.role", format!("{} is no role", message.role)),
    }
    if message.message_id.is_empty() {
        violations.required("message.messageId");
    }
    for (index, part) in message.parts.iter().enumerate() {
        check_part(index, part, most, violations);
    }
    check_struct("message.metadata", message.metadata.as_ref(), most, violations);
}

fn check_part(index: usize, part: &Part, most: usize, violations: &mut Violations) {
    match &part.content {
        None => violations.empty_part(index),
        Some(Content::Data(data)) => {
            let field = format!("message.parts[{index}].data");
            if !value_within(data, most) {
                violations.too_deep(field, most);
            } else if !is_json(data) {
                violations.add(field, NOT_JSON);
            }
        }
        Some(_) => {}
    }
    check_struct("message.parts.metadata", part.metadata.as_ref(), most, violations);
}

const NOT_JSON: &str = "must be JSON: no value without a kind, no number that is not finite";

fn check_struct(field: &str, fields: Option<&Struct>, most: usize, violations: &mut Violations) {
    let Some(fields) = fields else { return };
    if !struct_within(fields, most) {
        violations.too_deep(field, most);
    } else if !fields.fields.values().all(is_json) {
        violations.add(field, NOT_JSON);
    }
}

/// Only what JSON can say survives the way to the handler; the rest would silently become `null`.
fn is_json(value: &Value) -> bool {
    match &value.kind {
        None => false,
        Some(Kind::NumberValue(number)) => number.is_finite(),
        Some(Kind::StructValue(fields)) => fields.fields.values().all(is_json),
        Some(Kind::ListValue(list)) => list.values.iter().all(is_json),
        Some(_) => true,
    }
}

fn is_a_time(timestamp: &Timestamp) -> bool {
    TIMESTAMP_SECONDS.contains(&timestamp.seconds) && (0..1_000_000_000).contains(&timestamp.nanos)
}
