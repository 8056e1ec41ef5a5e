//! What is around the parameters of a method, and around what it answers.

use a2a::{A2AError, JsonRpcError};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::super::violations::short;
use super::id::Id;

const NO_OBJECT: &str = "a request is one JSON object";

/// A request.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    #[serde(default)]
    jsonrpc: Version,
    /// A notification has none.
    #[serde(default, deserialize_with = "also_null")]
    pub(super) id: Option<Id>,
    pub(super) method: String,
    #[serde(borrow, default, deserialize_with = "unless_null")]
    pub(super) params: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// It is no JSON, or JSON of another shape; with the id to answer to.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, (Id, A2AError)> {
        match serde_json::from_slice(body) {
            Ok(envelope) if is_object(body) => Ok(envelope),
            Ok(_) => Err((Id::null(), A2AError::invalid_request(NO_OBJECT))),
            Err(error) => Err(unreadable(body, &error)),
        }
    }

    /// # Errors
    /// It is of another version of JSON-RPC.
    pub(super) fn check_version(&self) -> Result<(), A2AError> {
        let Version(version) = &self.jsonrpc;
        if version == "2.0" { Ok(()) } else { Err(A2AError::invalid_request("invalid jsonrpc version")) }
    }
}

/// An id that is `null` is one.
fn also_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    Id::deserialize(deserializer).map(Some)
}

/// `null` is no parameters.
fn unless_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(Some(raw).filter(|raw| raw.get() != "null"))
}

/// The version of JSON-RPC.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Version(String);

/// A batch, or a list of what a request holds, is none.
fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

fn unreadable(body: &[u8], error: &serde_json::Error) -> (Id, A2AError) {
    if !error.is_data() {
        return (Id::null(), A2AError::parse_error(format!("parse error: {error}")));
    }
    if !is_object(body) {
        return (Id::null(), A2AError::invalid_request(NO_OBJECT));
    }
    #[derive(Deserialize)]
    struct Named {
        id: Option<Id>,
    }
    let named = serde_json::from_slice::<Named>(body).ok().and_then(|named| named.id);
    let why = format!("invalid request: {}", short(error));
    (named.unwrap_or_else(Id::null), A2AError::invalid_request(why))
}

/// A response that is no error, without a copy of what it holds.
#[derive(Serialize)]
pub(in crate::bindings) struct Success<'a, T> {
    jsonrpc: &'static str,
    id: &'a Id,
    result: &'a T,
}

impl<'a, T> Success<'a, T> {
    pub(in crate::bindings) fn new(id: &'a Id, result: &'a T) -> Self {
        Success { jsonrpc: "2.0", id, result }
    }
}

/// A response that is one.
#[derive(Serialize)]
pub(in crate::bindings) struct Failure<'a> {
    jsonrpc: &'static str,
    id: &'a Id,
    error: JsonRpcError,
}

impl<'a> Failure<'a> {
    pub(in crate::bindings) fn new(id: &'a Id, error: JsonRpcError) -> Self {
        Failure { jsonrpc: "2.0", id, error }
    }
}
