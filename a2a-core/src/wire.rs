//! The wire form of a [`BusMessage`]: versioned JSON with bounds.
//!
//! ```json
//! {"v":1,"from":"0199…","to":["0199…"],"task":{"tenant":"","taskId":"t"},"kind":"watch","version":7}
//! ```
//!
//! Unknown fields are ignored, so that fields can be added. A message of an unknown format or kind is an
//! error for the receiver to count and drop: it can only come from a newer instance, and the store has
//! whatever it said.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use std::sync::Arc;

use crate::{BusMessage, CommitRecord, InstanceId, News, TaskKey, Version};

/// The format that this build writes, and the only one that it reads.
pub const FORMAT: u32 = 1;

/// The largest message in bytes that is ever parsed: what SQS carries at most.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Why a received message was dropped. Names no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WireError {
    /// Larger than [`MAX_BYTES`]; it was not parsed.
    #[error("the message is too large")]
    TooLarge,
    /// Not JSON, or not of this shape, or nested too deeply.
    #[error("the message is malformed")]
    Malformed,
    /// Written in another format.
    #[error("the message has an unknown format")]
    UnknownFormat,
    /// Of a kind that this build does not know.
    #[error("the message is of an unknown kind")]
    UnknownKind,
}

/// A received message and the instances that it was meant for.
#[derive(Debug, Clone, PartialEq)]
pub struct Addressed {
    /// The recipients that the sender named.
    pub to: Vec<InstanceId>,
    /// The message.
    pub message: BusMessage,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    v: u32,
    from: InstanceId,
    to: Vec<InstanceId>,
    task: TaskKey,
    kind: T,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    commits: Vec<CommitRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    v: u32,
    from: InstanceId,
    to: &'a [InstanceId],
    task: &'a TaskKey,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    commits: Vec<&'a CommitRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
}

/// Read before everything else, so that another format may have any shape.
#[derive(Deserialize)]
struct Format {
    v: u32,
}

/// Writes a message as JSON text, of characters that XML 1.0 allows only, as SQS demands.
pub fn encode(to: &[InstanceId], message: &BusMessage) -> String {
    let (version, commits) = match &message.news {
        News::Commits(commits) => (None, commits.iter().map(Arc::as_ref).collect()),
        News::Changed(version) | News::Watch(version) => (Some(*version), Vec::new()),
        _ => (None, Vec::new()),
    };
    let envelope = Outgoing {
        v: FORMAT,
        from: message.from,
        to,
        task: &message.task,
        kind: message.news.kind(),
        version,
        commits,
        trace: message.trace.as_deref(),
    };
    // Serialising fails only for maps with keys that are no strings, and there is none.
    let text = serde_json::to_string(&envelope).unwrap_or_default();
    escape_noncharacters(text)
}

/// Reads a message.
///
/// # Errors
///
/// A [`WireError`]; the message is to be counted and dropped.
pub fn decode(text: &str) -> Result<Addressed, WireError> {
    if text.len() > MAX_BYTES {
        return Err(WireError::TooLarge);
    }
    let format: Format = serde_json::from_str(text).map_err(|_| WireError::Malformed)?;
    if format.v != FORMAT {
        return Err(WireError::UnknownFormat);
    }
    let envelope: Envelope<String> = serde_json::from_str(text).map_err(|_| WireError::Malformed)?;
    let version = envelope.version.ok_or(WireError::Malformed);
    let news = match envelope.kind.as_str() {
        "commits" if are_consecutive(&envelope.commits) => {
            News::Commits(envelope.commits.into_iter().map(Arc::new).collect())
        }
        "commits" => return Err(WireError::Malformed),
        "changed" => News::Changed(version?),
        "watch" => News::Watch(version?),
        "unwatch" => News::Unwatch,
        "cancel" => News::Cancel,
        "cancelling" => News::Cancelling,
        "cancelRefused" => News::CancelRefused,
        "configs" => News::Configs,
        _ => return Err(WireError::UnknownKind),
    };
    let message = BusMessage { from: envelope.from, task: envelope.task, news, trace: envelope.trace };
    Ok(Addressed { to: envelope.to, message })
}

fn are_consecutive(commits: &[CommitRecord]) -> bool {
    let follows = |pair: &[CommitRecord]| match pair {
        [before, after] => after.version > before.version && after.version == before.version.next(),
        _ => false,
    };
    let is_a_commit = |first: &CommitRecord| first.version != Version::ABSENT;
    commits.first().is_some_and(is_a_commit) && commits.windows(2).all(follows)
}

/// JSON leaves U+FFFE and U+FFFF as they are; XML does not allow them.
fn escape_noncharacters(text: String) -> String {
    if text.contains(['\u{fffe}', '\u{ffff}']) {
        text.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
