//! A request before it is sent, so that a test can spoil any part of it.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};

use super::operation::Operation;
use super::{grpc, rest};
use a2a_testworld::Binding;

/// The id of every JSON-RPC request.
pub(super) const ID: &str = "the-id";

/// All that a request consists of.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "they are HTTP's own names")]
pub struct Draft {
    /// How to read the answer.
    pub operation: Operation,
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Draft {
    /// A request for an operation with parameters in their JSON form.
    ///
    /// # Panics
    ///
    /// When the parameters do not fit a protobuf message and the binding is gRPC.
    pub fn of(binding: Binding, operation: Operation, params: &Value) -> Self {
        match binding {
            Binding::JsonRpc => Self::post(operation, "/", "application/json", json_rpc(operation, params)),
            Binding::Rest => rest::draft(operation, params),
            Binding::Grpc => Self::grpc(operation, &grpc::encode(operation, params)),
        }
    }

    /// A gRPC request with any message.
    pub fn grpc(operation: Operation, message: &[u8]) -> Self {
        let path = format!("/lf.a2a.v1.A2AService/{}", operation.name());
        let mut draft = Self::post(operation, &path, "application/grpc", grpc::frame(message));
        draft.headers.insert("te", HeaderValue::from_static("trailers"));
        draft
    }

    pub(super) fn post(
        operation: Operation,
        path: &str,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { operation, method: Method::POST, path: path.to_owned(), headers, body: body.into() }
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Replaces the content type, or leaves it out.
    #[must_use]
    pub fn content_type(mut self, content_type: Option<&'static str>) -> Self {
        match content_type {
            Some(value) => drop(self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(value))),
            None => drop(self.headers.remove(CONTENT_TYPE)),
        }
        self
    }
}

fn json_rpc(operation: Operation, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": ID, "method": operation.name(), "params": params }).to_string()
}
