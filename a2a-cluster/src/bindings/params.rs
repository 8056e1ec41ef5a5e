//! Looks at the fields of a JSON request that the SDK's conversion would lose.
//!
//! One type serves every method, so that one pass is enough wherever `method` stands in the envelope; which of its
//! findings matter is decided afterwards.

use a2a::A2AError;
use serde::de::MapAccess;
use serde_json::Value;

use super::limits::Limits;
use super::nesting::Nesting;
use super::part::Parts;
use super::shape::{Fields, Shape};
use super::violations::Violations;

/// The requests with something to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// `SendMessage` and `SendStreamingMessage`.
    Send,
    ListTasks,
    ListPushConfigs,
    Other,
}

/// What was found in the parameters of a request.
#[derive(Debug, Default)]
pub(super) struct Params {
    message: Shape<Message>,
    metadata: Nesting,
    page_size: Option<Value>,
    status: Option<Value>,
}

#[derive(Debug, Default)]
struct Message {
    parts: Parts,
    metadata: Nesting,
}

impl Params {
    /// Whether `request` may go on to the SDK.
    ///
    /// # Errors
    /// `InvalidParams` naming every field that would be lost or made up. What the SDK refuses by itself (a wrong type,
    /// an unknown enum name, two contents in one part) is left to it.
    pub(super) fn check(&self, request: Request, limits: &Limits) -> Result<(), A2AError> {
        let mut violations = Violations::default();
        let most = limits.nesting();
        match request {
            Request::Send => match &self.message {
                Shape::Absent => violations.missing_message(),
                Shape::Object(message) => message.check(most, &mut violations),
                Shape::Other => {}
            },
            Request::ListTasks => {
                if let Some(size) = self.page_size.as_ref().and_then(whole_number) {
                    violations.page_size(size);
                }
                if self.status.as_ref().is_some_and(is_unspecified) {
                    violations.unspecified_status();
                }
            }
            Request::ListPushConfigs => {
                if let Some(size) = self.page_size.as_ref().and_then(whole_number) {
                    violations.config_page_size(size);
                }
            }
            Request::Other => {}
        }
        if self.metadata.0 > most {
            violations.too_deep("metadata", most);
        }
        violations.into_result()
    }
}

impl Message {
    fn check(&self, most: usize, violations: &mut Violations) {
        if let Some(index) = self.parts.first_empty {
            violations.empty_part(index);
        }
        if self.parts.deepest.0 > most {
            violations.too_deep("message.parts", most);
        }
        if self.metadata.0 > most {
            violations.too_deep("message.metadata", most);
        }
    }
}

/// ProtoJSON writes a number as a number or as a string.
fn whole_number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn is_unspecified(status: &Value) -> bool {
    status.as_i64() == Some(0) || status.as_str() == Some("TASK_STATE_UNSPECIFIED")
}

pub(super) enum ParamsField {
    Message,
    Metadata,
    PageSize,
    Status,
}

impl Fields for Params {
    type Name = ParamsField;

    fn name(name: &str) -> Option<ParamsField> {
        Some(match name {
            "message" => ParamsField::Message,
            "metadata" => ParamsField::Metadata,
            // The generated code takes the proto's own names too.
            "pageSize" | "page_size" => ParamsField::PageSize,
            "status" => ParamsField::Status,
            _ => return None,
        })
    }

    fn look<'de, A: MapAccess<'de>>(&mut self, field: ParamsField, params: &mut A) -> Result<(), A::Error> {
        match field {
            ParamsField::Message => self.message = params.next_value()?,
            ParamsField::Metadata => self.metadata = params.next_value()?,
            ParamsField::PageSize => self.page_size = params.next_value()?,
            ParamsField::Status => self.status = params.next_value()?,
        }
        Ok(())
    }
}

pub(super) enum MessageField {
    Parts,
    Metadata,
}

impl Fields for Message {
    type Name = MessageField;

    fn name(name: &str) -> Option<MessageField> {
        match name {
            "parts" => Some(MessageField::Parts),
            "metadata" => Some(MessageField::Metadata),
            _ => None,
        }
    }

    fn look<'de, A: MapAccess<'de>>(&mut self, field: MessageField, message: &mut A) -> Result<(), A::Error> {
        match field {
            MessageField::Parts => self.parts = message.next_value()?,
            MessageField::Metadata => self.metadata = message.next_value()?,
        }
        Ok(())
    }
}
