//! Resuming a stream after a disconnect: an A2A extension (specification, section 4.6).
//!
//! A client that declares [`URI`] in `A2A-Extensions` finds in the metadata of each event of a task's stream,
//! under that URI, an object with an opaque `cursor`. Should its stream break, it subscribes again with the
//! last cursor in the service parameter [`CURSOR_PARAM`] and gets exactly the events that it missed, also
//! where the task has ended since:
//!
//! ```http
//! POST /tasks/0199f3a1-6d3e-7000-8000-000000000001:subscribe HTTP/1.1
//! A2A-Version: 1.0
//! A2A-Extensions: urn:a2a-cluster:resume:v1
//! A2A-Resume-Cursor: AbYtUuqOFDsAAAAAAAAABwAAAAE
//! ```
//!
//! ```text
//! data: {"artifactUpdate":{"taskId":"0199f3a1-…","append":true,"artifact":{…},
//!        "metadata":{"urn:a2a-cluster:resume:v1":{"cursor":"AbYtUuqOFDsAAAAAAAAABwAAAAI"}}}}
//! ```
//!
//! Where the missed events are no longer kept, the stream begins with the task instead, as any other does,
//! and its metadata says so: `{"cursor":"…","resumed":false}`.

use std::collections::HashMap;

use a2a::{A2AError, AgentExtension, StreamResponse};
use a2a_core::{TaskKey, Version};
use a2a_server::ServiceParams;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::position::{EventIndex, Position, PositionedEvent};

/// The extension's URI.
pub const URI: &str = "urn:a2a-cluster:resume:v1";

/// The service parameter that carries a cursor.
pub const CURSOR_PARAM: &str = "A2A-Resume-Cursor";

const FORMAT: u8 = 1;

/// Returns the declaration of this extension for an agent card.
pub fn extension() -> AgentExtension {
    AgentExtension {
        uri: URI.to_owned(),
        description: Some(
            "Streams can be resumed after a disconnect, from a cursor in each event".to_owned(),
        ),
        required: Some(false),
        params: None,
    }
}

/// Where a client goes on: after so many events of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) version: Version,
    pub(crate) events: u32,
}

impl From<Position> for Cursor {
    fn from(position: Position) -> Self {
        let events = match position.index {
            EventIndex::At(index) => index.saturating_add(1),
            EventIndex::All => u32::MAX,
        };
        Cursor { version: position.version, events }
    }
}

/// Marks the events of a stream with cursors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks {
    task: [u8; 8],
    /// A cursor was given that could not be honoured; the first event says so.
    pub(crate) refused: bool,
}

impl Marks {
    /// Returns marks for a task's stream if the client asked for them.
    pub(crate) fn wanted(params: &ServiceParams, key: &TaskKey) -> Option<Self> {
        let wanted = values(params, a2a::SVC_PARAM_EXTENSIONS)
            .flat_map(|value| value.split(','))
            .any(|uri| uri.trim() == URI);
        wanted.then(|| Marks { task: digest(key), refused: false })
    }

    /// Reads the cursor that the client gave, if it did.
    pub(crate) fn cursor(self, params: &ServiceParams) -> Result<Option<Cursor>, A2AError> {
        let Some(text) = values(params, CURSOR_PARAM).next() else { return Ok(None) };
        self.parse(text)
            .map(Some)
            .ok_or_else(|| A2AError::invalid_params(format!("{CURSOR_PARAM} is no cursor of this task")))
    }

    /// Adds a cursor to an event that has a position.
    pub(crate) fn mark(&mut self, shown: &mut PositionedEvent) {
        let Some(position) = shown.position else { return };
        let mut mark = json!({ "cursor": self.text(position.into()) });
        if std::mem::take(&mut self.refused)
            && let Value::Object(fields) = &mut mark
        {
            fields.insert("resumed".to_owned(), Value::Bool(false));
        }
        let metadata: &mut Option<HashMap<String, Value>> = match &mut shown.event {
            StreamResponse::Task(task) => &mut task.metadata,
            StreamResponse::Message(message) => &mut message.metadata,
            StreamResponse::StatusUpdate(update) => &mut update.metadata,
            StreamResponse::ArtifactUpdate(update) => &mut update.metadata,
        };
        metadata.get_or_insert_default().insert(URI.to_owned(), mark);
    }

    fn text(self, cursor: Cursor) -> String {
        let mut bytes = vec![FORMAT];
        bytes.extend(self.task);
        bytes.extend(cursor.version.get().to_be_bytes());
        bytes.extend(cursor.events.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn parse(self, text: &str) -> Option<Cursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (format, rest) = bytes.split_first()?;
        let (task, rest) = rest.split_first_chunk::<8>()?;
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (events, rest) = rest.split_first_chunk::<4>()?;
        let version = Version::new(u64::from_be_bytes(*version));
        let is_ours =
            *format == FORMAT && *task == self.task && rest.is_empty() && version != Version::ABSENT;
        is_ours.then_some(Cursor { version, events: u32::from_be_bytes(*events) })
    }
}

fn values<'a>(params: &'a ServiceParams, name: &str) -> impl Iterator<Item = &'a str> {
    let given = params.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
    given.into_iter().flat_map(|(_, values)| values).map(String::as_str)
}

/// Binds a cursor to its task, so that one of another task is not taken for a position in this one.
fn digest(key: &TaskKey) -> [u8; 8] {
    let mut hasher = Sha256::new();
    hasher.update((key.tenant.as_str().len() as u64).to_be_bytes());
    hasher.update(key.tenant.as_str());
    hasher.update(&key.task_id);
    let mut digest = [0; 8];
    for (to, from) in digest.iter_mut().zip(hasher.finalize()) {
        *to = from;
    }
    digest
}

#[cfg(test)]
mod tests {
    use a2a_core::Tenant;

    use super::*;

    fn marks(task: &str) -> Marks {
        Marks { task: digest(&TaskKey::new(Tenant::default(), task)), refused: false }
    }

    #[test]
    fn a_cursor_names_a_place_in_its_own_task_only() {
        let cursor = Cursor { version: Version::new(7), events: 3 };
        let text = marks("a").text(cursor);
        assert_eq!(marks("a").parse(&text), Some(cursor));
        assert_eq!(marks("b").parse(&text), None);
        for text in ["", "x", "AAAA", &text[..text.len() - 2]] {
            assert_eq!(marks("a").parse(text), None, "{text}");
        }
    }
}
