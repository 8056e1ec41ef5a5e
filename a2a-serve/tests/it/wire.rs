//! Sends requests to a binding without a network, and reads what comes back.

use std::sync::Arc;

use a2a::errordetails::ERROR_INFO_TYPE;
use a2a::reason_to_error_code;
use a2a_serve::bindings::{RequestLimits, grpc_service, http_router};
use a2a_server::StaticAgentCard;
use axum::Router;
use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use prost::Message;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use tower::ServiceExt;

use super::handler::{Recorder, card};

pub(crate) fn router(handler: &Arc<Recorder>) -> Router {
    router_with(handler, &RequestLimits::default())
}

pub(crate) fn router_with(handler: &Arc<Recorder>, limits: &RequestLimits) -> Router {
    http_router(Arc::clone(handler), Arc::new(StaticAgentCard::new(card())), limits)
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The A2A error code in a JSON-RPC answer; 0 for a result.
    pub(crate) fn rpc_code(&self) -> i64 {
        assert_eq!(self.header("content-type"), "application/json", "{self:?}");
        let body = self.json();
        assert_eq!(body["jsonrpc"], "2.0", "{self:?}");
        assert!(body.get("id").is_some(), "{self:?}");
        assert!(body.get("result").is_some() != body.get("error").is_some(), "{self:?}");
        body["error"]["code"].as_i64().unwrap_or(0)
    }

    /// The A2A error code in a REST answer, whose envelope is checked; 0 for a success.
    pub(crate) fn rest_code(&self) -> i64 {
        if self.status.is_success() {
            return 0;
        }
        assert_eq!(self.header("content-type"), "application/a2a+json", "{self:?}");
        let error = self.json()["error"].clone();
        assert_eq!(error["code"], self.status.as_u16(), "{self:?}");
        assert!(error["status"].is_string() && error["message"].is_string(), "{self:?}");
        let details = error["details"].as_array().unwrap();
        let info = details.iter().find(|detail| detail["@type"] == ERROR_INFO_TYPE).unwrap();
        assert_eq!(info["domain"], "a2a-protocol.org");
        reason_to_error_code(info["reason"].as_str().unwrap()).unwrap().into()
    }
}

pub(crate) async fn http(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, text }
}

/// A well-formed JSON-RPC request.
pub(crate) async fn rpc(router: &Router, method: &str, params: Value) -> Answer {
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
    rpc_text(router, body.to_string()).await
}

/// A JSON-RPC request with any body.
pub(crate) async fn rpc_text(router: &Router, body: impl Into<Body>) -> Answer {
    let request = Request::post("/").header("a2a-version", "1.0").header("content-type", "application/json");
    http(router, request.body(body.into()).unwrap()).await
}

/// A REST request with a JSON body, or none.
pub(crate) async fn rest(router: &Router, method: &str, path: &str, body: Option<Value>) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("a2a-version", "1.0");
    let body = match body {
        Some(body) => {
            request = request.header("content-type", "application/a2a+json");
            Body::from(body.to_string())
        }
        None => Body::empty(),
    };
    http(router, request.body(body).unwrap()).await
}

/// A gRPC request with the version that is served.
pub(crate) async fn grpc(handler: &Arc<Recorder>, method: &str, message: &impl Message) -> GrpcAnswer {
    grpc_with(handler, &RequestLimits::default(), Some("1.0"), method, &message.encode_to_vec()).await
}

pub(crate) async fn grpc_with(
    handler: &Arc<Recorder>,
    limits: &RequestLimits,
    version: Option<&str>,
    method: &str,
    message: &[u8],
) -> GrpcAnswer {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.put_slice(message);
    let mut request = Request::post(format!("/lf.a2a.v1.A2AService/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    if let Some(version) = version {
        request = request.header("a2a-version", version);
    }
    let request = request.body(Body::from(frame.freeze())).unwrap();
    let response = grpc_service(Arc::clone(handler), limits).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let collected = body.collect().await.unwrap();
    let status = Status::from_header_map(&parts.headers)
        .or_else(|| Status::from_header_map(collected.trailers()?))
        .expect("every gRPC answer has a status");
    GrpcAnswer { status, body: collected.to_bytes() }
}

/// An answer over gRPC.
#[derive(Debug)]
pub(crate) struct GrpcAnswer {
    pub(crate) status: Status,
    pub(crate) body: Bytes,
}

impl GrpcAnswer {
    pub(crate) fn code(&self) -> Code {
        self.status.code()
    }

    /// The A2A error code in the status' `ErrorInfo`; 0 for a success.
    pub(crate) fn a2a_code(&self) -> i64 {
        if self.code() == Code::Ok {
            return 0;
        }
        let info = self.status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo: {self:?}"));
        assert_eq!(info.domain, "a2a-protocol.org");
        reason_to_error_code(&info.reason).unwrap().into()
    }
}

/// A message that every binding accepts.
pub(crate) fn message() -> Value {
    json!({ "messageId": "m1", "role": "ROLE_USER", "parts": [{ "text": "hi" }] })
}

/// The same in protobuf.
pub(crate) fn proto_message() -> a2a_pb::proto::Message {
    use a2a_pb::proto::{Message, Part, Role, part::Content};
    Message {
        message_id: "m1".into(),
        role: Role::User.into(),
        parts: vec![Part { content: Some(Content::Text("hi".into())), ..Part::default() }],
        ..Message::default()
    }
}
