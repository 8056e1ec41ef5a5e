//! The request that carries a message.

use std::collections::HashMap;
use std::fmt;

use a2a::{Message, Part, PartContent, Role, SendMessageConfiguration, SendMessageRequest};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::JsonRequest;
use super::object::Object;
use super::params::{PushConfig, given, metadata, number, required, role};
use super::scalar::{Bytes, Int, Named};
use super::values::Values;
use crate::bindings::violations::Violations;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SendMessage {
    tenant: Option<String>,
    message: Option<Object<JsonMessage>>,
    configuration: Option<Object<Configuration>>,
    metadata: Option<HashMap<String, Value>>,
}

impl JsonRequest for SendMessage {
    type Request = SendMessageRequest;

    fn into_request(self, values: &Values<'_>, violations: &mut Violations) -> SendMessageRequest {
        let message = match self.message {
            Some(Object(message)) => message.into_message(values, violations),
            None => {
                violations.required("message");
                Message::new(Role::User, Vec::new())
            }
        };
        SendMessageRequest {
            message,
            configuration: self.configuration.map(|Object(configuration)| configuration.into_configuration()),
            metadata: metadata("metadata", self.metadata, values, violations),
            tenant: given(self.tenant),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    #[serde(alias = "accepted_output_modes")]
    accepted_output_modes: Option<Vec<String>>,
    #[serde(alias = "task_push_notification_config")]
    task_push_notification_config: Option<Object<PushConfig>>,
    #[serde(alias = "history_length")]
    history_length: Option<Int>,
    #[serde(alias = "return_immediately")]
    return_immediately: Option<bool>,
}

impl Configuration {
    fn into_configuration(self) -> SendMessageConfiguration {
        SendMessageConfiguration {
            accepted_output_modes: self.accepted_output_modes.filter(|modes| !modes.is_empty()),
            task_push_notification_config: self
                .task_push_notification_config
                .map(|Object(config)| config.of_message()),
            history_length: number(self.history_length),
            return_immediately: self.return_immediately,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct JsonMessage {
    #[serde(alias = "message_id")]
    message_id: Option<String>,
    #[serde(alias = "context_id")]
    context_id: Option<String>,
    #[serde(alias = "task_id")]
    task_id: Option<String>,
    role: Option<Named<Role>>,
    parts: Option<Vec<JsonPart>>,
    metadata: Option<HashMap<String, Value>>,
    extensions: Option<Vec<String>>,
    #[serde(alias = "reference_task_ids")]
    reference_task_ids: Option<Vec<String>>,
}

impl JsonMessage {
    fn into_message(self, values: &Values<'_>, violations: &mut Violations) -> Message {
        let mut parts = Vec::with_capacity(self.parts.as_ref().map_or(0, Vec::len));
        for (index, part) in self.parts.into_iter().flatten().enumerate() {
            parts.extend(part.into_part(index, values, violations));
        }
        Message {
            message_id: required("message.messageId", self.message_id, violations),
            context_id: given(self.context_id),
            task_id: given(self.task_id),
            role: role(self.role, violations),
            parts,
            metadata: metadata("message.metadata", self.metadata, values, violations),
            extensions: self.extensions.filter(|extensions| !extensions.is_empty()),
            reference_task_ids: self.reference_task_ids.filter(|ids| !ids.is_empty()),
        }
    }
}

/// A part: what is `null` is absent, but in `data`, where it is a value as any other.
#[derive(Debug, Default)]
struct JsonPart {
    content: Option<PartContent>,
    filename: Option<String>,
    media_type: Option<String>,
    metadata: Option<HashMap<String, Value>>,
}

impl JsonPart {
    fn into_part(self, index: usize, values: &Values<'_>, violations: &mut Violations) -> Option<Part> {
        let Some(content) = self.content else {
            violations.empty_part(index);
            return None;
        };
        if let PartContent::Data(data) = &content {
            values.check(&format!("message.parts[{index}].data"), data, violations);
        }
        let field = format!("message.parts[{index}].metadata");
        Some(Part {
            content,
            filename: given(self.filename),
            media_type: given(self.media_type),
            metadata: metadata(&field, self.metadata, values, violations),
        })
    }

    fn set<E: Error>(&mut self, content: Option<PartContent>) -> Result<(), E> {
        match (&self.content, content) {
            (_, None) => Ok(()),
            (None, content) => {
                self.content = content;
                Ok(())
            }
            (Some(_), Some(_)) => Err(E::custom("a part has one of text, raw, url and data")),
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum PartField {
    Text,
    Raw,
    Url,
    Data,
    Filename,
    #[serde(alias = "media_type")]
    MediaType,
    Metadata,
    #[serde(other)]
    Other,
}

impl<'de> Deserialize<'de> for JsonPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = JsonPart;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<JsonPart, A::Error> {
        let mut part = JsonPart::default();
        while let Some(field) = fields.next_key()? {
            match field {
                PartField::Text => part.set(fields.next_value::<Option<_>>()?.map(PartContent::Text))?,
                PartField::Raw => {
                    let raw = fields.next_value::<Option<Bytes>>()?;
                    part.set(raw.map(|Bytes(bytes)| PartContent::Raw(bytes)))?;
                }
                PartField::Url => part.set(fields.next_value::<Option<_>>()?.map(PartContent::Url))?,
                PartField::Data => part.set(Some(PartContent::Data(fields.next_value()?)))?,
                PartField::Filename => once(&mut part.filename, "filename", &mut fields)?,
                PartField::MediaType => once(&mut part.media_type, "mediaType", &mut fields)?,
                PartField::Metadata => once(&mut part.metadata, "metadata", &mut fields)?,
                PartField::Other => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(part)
    }
}

/// Reads a field that may be there once.
fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    field: &mut Option<T>,
    name: &'static str,
    fields: &mut A,
) -> Result<(), A::Error> {
    if field.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *field = fields.next_value()?;
    Ok(())
}
