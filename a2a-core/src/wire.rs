//! The wire form of a [`BusMessage`]: versioned JSON with bounds, and with a code that proves who wrote it.
//!
//! ```json
//! {"v":2,"body":{"from":"0199…","to":["0199…"],"task":{"tenant":"","taskId":"t"},
//!  "kind":"watch","version":7,"reach":"direct"},"key":1,"code":"…"}
//! ```
//!
//! The code is an HMAC-SHA-256 over the text of the body, under the key with that number. Without keys there is no
//! code, and none is asked for.
//!
//! Unknown fields are ignored, so that fields can be added. A message of an unknown format or kind is an
//! error for the receiver to count and drop: it can only come from a newer instance, and the store has
//! whatever it said.

mod seal;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use std::sync::Arc;

pub use seal::Seal;

use crate::{BusMessage, CancelKey, CancelRequest, CommitRecord, InstanceId, News, Reach, TaskKey, Version};

/// The format that this build writes, and the only one that it reads.
pub const FORMAT: u32 = 2;

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
    /// Without a code that a valid key made: not from a member of this deployment.
    #[error("the message does not prove where it comes from")]
    Unproven,
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

/// What is written around a body.
#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    v: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// Read before everything else, so that another format may have any shape.
#[derive(Deserialize)]
struct Format {
    v: u32,
}

#[derive(Deserialize)]
struct Incoming {
    from: InstanceId,
    to: Vec<InstanceId>,
    task: TaskKey,
    kind: String,
    version: Option<Version>,
    #[serde(default)]
    commits: Vec<CommitRecord>,
    #[serde(default)]
    reach: Reach,
    #[serde(rename = "cancelKey")]
    cancel_key: Option<CancelKey>,
    cancel: Option<Box<CancelRequest>>,
    trace: Option<String>,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    from: InstanceId,
    to: &'a [InstanceId],
    task: &'a TaskKey,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Version>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    commits: Vec<&'a CommitRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reach: Option<Reach>,
    #[serde(rename = "cancelKey", skip_serializing_if = "Option::is_none")]
    cancel_key: Option<CancelKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel: Option<&'a CancelRequest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
}

/// Writes a message as JSON text, of characters that XML 1.0 allows only, as SQS demands.
pub fn encode(to: &[InstanceId], message: &BusMessage, seal: &Seal) -> String {
    let mut outgoing = Outgoing {
        from: message.from,
        to,
        task: &message.task,
        kind: message.news.kind(),
        version: None,
        commits: Vec::new(),
        reach: None,
        cancel_key: None,
        cancel: None,
        trace: message.trace.as_deref(),
    };
    match &message.news {
        News::Commits(commits) => outgoing.commits = commits.iter().map(Arc::as_ref).collect(),
        News::Changed(version) => outgoing.version = Some(*version),
        News::Watch { after, reach } => (outgoing.version, outgoing.reach) = (Some(*after), Some(*reach)),
        News::Cancel(key, request) => {
            (outgoing.cancel_key, outgoing.cancel) = (Some(*key), request.as_deref());
        }
        News::Cancelling(key) | News::CancelRefused(key) => outgoing.cancel_key = Some(*key),
        News::Unwatch | News::Configs | News::HandOver => {}
    }
    // The code follows what it proves, so that the body, which may be large, is written once.
    let mut text = Vec::with_capacity(256);
    text.extend_from_slice(format!(r#"{{"v":{FORMAT},"body":"#).as_bytes());
    let begins = text.len();
    // Serialising fails only for maps with keys that are no strings, and there is none.
    let _ = serde_json::to_writer(&mut text, &outgoing);
    let mut text = escape_noncharacters(String::from_utf8(text).unwrap_or_default());
    if let Some((key, code)) = text.get(begins..).and_then(|body| seal.sign(body)) {
        text.push_str(&format!(r#","key":{key},"code":"{code}""#));
    }
    text.push('}');
    text
}

/// Reads a message.
///
/// # Errors
///
/// A [`WireError`]; the message is to be counted and dropped.
pub fn decode(text: &str, seal: &Seal) -> Result<Addressed, WireError> {
    if text.len() > MAX_BYTES {
        return Err(WireError::TooLarge);
    }
    let format: Format = serde_json::from_str(text).map_err(|_| WireError::Malformed)?;
    if format.v != FORMAT {
        return Err(WireError::UnknownFormat);
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| WireError::Malformed)?;
    if !seal.accepts(envelope.body.get(), envelope.key, envelope.code.as_deref()) {
        return Err(WireError::Unproven);
    }
    let body: Incoming = serde_json::from_str(envelope.body.get()).map_err(|_| WireError::Malformed)?;
    let version = body.version.ok_or(WireError::Malformed);
    let cancel_key = body.cancel_key.ok_or(WireError::Malformed);
    let news = match body.kind.as_str() {
        "commits" if are_consecutive(&body.commits) => {
            News::Commits(body.commits.into_iter().map(Arc::new).collect())
        }
        "commits" => return Err(WireError::Malformed),
        "changed" => News::Changed(version?),
        "watch" => News::Watch { after: version?, reach: body.reach },
        "unwatch" => News::Unwatch,
        "cancel" => News::Cancel(cancel_key?, body.cancel),
        "cancelling" => News::Cancelling(cancel_key?),
        "cancelRefused" => News::CancelRefused(cancel_key?),
        "configs" => News::Configs,
        "handOver" => News::HandOver,
        _ => return Err(WireError::UnknownKind),
    };
    let message = BusMessage { from: body.from, task: body.task, news, trace: body.trace };
    Ok(Addressed { to: body.to, message })
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
