//! The JSON-RPC binding (§9): the SDK's router, with everything it does not read read before it.

use std::sync::Arc;

use a2a::error_code::INVALID_REQUEST;
use a2a::{A2AError, JsonRpcId, JsonRpcRequest, JsonRpcResponse};
use a2a_server::RequestHandler;
use a2a_server::jsonrpc::jsonrpc_router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use bytes::Bytes;
use serde::de::MapAccess;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::advice::advise;
use super::call::{Answer, Call, Content, HttpCalls};
use super::content::{self, ContentType};
use super::discard::discard;
use super::limits::Limits;
use super::params::{self, Params};
use super::refusal::Refusal;
use super::shape::{Fields, Shape};
use super::sse;
use super::unavailable::is_unauthenticated;
use super::version::served_over_http;

/// Answers requests to `/`.
#[derive(Debug)]
pub(super) struct JsonRpc {
    sdk: Router,
    limits: Limits,
}

impl JsonRpc {
    pub(super) fn new<H: RequestHandler>(calls: Arc<HttpCalls<H>>, limits: Limits) -> Self {
        Self { sdk: jsonrpc_router(calls), limits }
    }

    /// Cancel safe as far as the handler is: dropping it drops the handler's future.
    pub(super) async fn answer(self: Arc<Self>, mut request: Request) -> Response {
        if let Err(refusal) = announced(&request) {
            Box::pin(discard(&mut request)).await;
            return refused(&refusal);
        }
        let id = match content::take_body(&mut request, self.limits.body_bytes()).await {
            Ok(body) => match self.admit(&mut request, body) {
                Ok((body, id)) => {
                    *request.body_mut() = Body::from(body);
                    id
                }
                Err((id, error)) => return failure(StatusCode::OK, id, &error),
            },
            Err(refusal) => {
                Box::pin(discard(&mut request)).await;
                return refused(&refusal);
            }
        };
        match Call::default().answered_by(&self.sdk, request).await {
            Answer::Written(response) => response,
            Answer::Fault(mut response, error) => {
                advise(&error, response.headers_mut());
                if is_unauthenticated(&error) {
                    *response.status_mut() = StatusCode::UNAUTHORIZED;
                }
                response
            }
            Answer::Unwritten(Content::Whole(whole)) => {
                Json(Success { jsonrpc: "2.0", id: &id.unwrap_or(JsonRpcId::Null), result: &whole })
                    .into_response()
            }
            Answer::Unwritten(Content::Events(events)) => sse::answers(id.unwrap_or(JsonRpcId::Null), events),
        }
    }

    /// Looks at a request, and returns the body that the SDK may have, with the request's id if it is valid.
    fn admit(
        &self,
        request: &mut Request,
        body: Bytes,
    ) -> Result<(Bytes, Option<JsonRpcId>), (JsonRpcId, A2AError)> {
        // What cannot be looked at the SDK cannot read either, and its error for that is right.
        let Ok(shape) = serde_json::from_slice::<Shape<Envelope>>(&body) else { return Ok((body, None)) };
        let Shape::Object(envelope) = shape else {
            return Err((JsonRpcId::Null, A2AError::invalid_request("a request is one JSON object")));
        };
        let id = serde_json::from_value(envelope.id).ok();
        let admitted = served_over_http(request).and_then(|()| match &envelope.params {
            Shape::Object(params) => params.check(envelope.method.request(), &self.limits),
            _ => Ok(()),
        });
        if let Err(error) = admitted {
            return Err((id.unwrap_or(JsonRpcId::Null), error));
        }
        if envelope.method.needs_no_params() && matches!(envelope.params, Shape::Absent) {
            return Ok((with_empty_params(&body).unwrap_or(body), id));
        }
        Ok((body, id))
    }
}

/// Whether the head of a request announces a JSON-RPC request.
fn announced(request: &Request) -> Result<(), Refusal> {
    if request.method() != Method::POST {
        return Err(Refusal::method(INVALID_REQUEST, "POST"));
    }
    match ContentType::of(request.headers()) {
        // Without one, the body speaks for itself, as it does to the SDK.
        ContentType::Json | ContentType::Missing => Ok(()),
        ContentType::Other => Err(content::not_json()),
    }
}

/// The methods that are treated differently from the rest.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
enum MethodName {
    SendMessage,
    SendStreamingMessage,
    ListTasks,
    ListTaskPushNotificationConfigs,
    GetExtendedAgentCard,
    #[default]
    #[serde(other)]
    Another,
}

impl MethodName {
    fn request(self) -> params::Request {
        match self {
            Self::SendMessage | Self::SendStreamingMessage => params::Request::Send,
            Self::ListTasks => params::Request::ListTasks,
            Self::ListTaskPushNotificationConfigs => params::Request::ListPushConfigs,
            Self::GetExtendedAgentCard | Self::Another => params::Request::Other,
        }
    }

    /// All of its parameters are optional, so the whole of them is: §9.4.8 shows it without.
    fn needs_no_params(self) -> bool {
        matches!(self, Self::ListTasks | Self::GetExtendedAgentCard)
    }
}

#[derive(Debug, Default)]
struct Envelope {
    id: Value,
    method: MethodName,
    params: Shape<Params>,
}

enum EnvelopeField {
    Id,
    Method,
    Params,
}

impl Fields for Envelope {
    type Name = EnvelopeField;

    fn name(name: &str) -> Option<EnvelopeField> {
        match name {
            "id" => Some(EnvelopeField::Id),
            "method" => Some(EnvelopeField::Method),
            "params" => Some(EnvelopeField::Params),
            _ => None,
        }
    }

    fn look<'de, A: MapAccess<'de>>(&mut self, field: EnvelopeField, object: &mut A) -> Result<(), A::Error> {
        match field {
            EnvelopeField::Id => self.id = object.next_value()?,
            EnvelopeField::Method => self.method = object.next_value()?,
            EnvelopeField::Params => self.params = object.next_value()?,
        }
        Ok(())
    }
}

/// A JSON-RPC response that is no error, without a copy of what it holds.
#[derive(Serialize)]
pub(super) struct Success<'a, T> {
    pub(super) jsonrpc: &'static str,
    pub(super) id: &'a JsonRpcId,
    pub(super) result: &'a T,
}

fn with_empty_params(body: &[u8]) -> Option<Bytes> {
    let mut request: JsonRpcRequest = serde_json::from_slice(body).ok()?;
    request.params = Some(Value::Object(Map::new()));
    serde_json::to_vec(&request).ok().map(Bytes::from)
}

fn refused(refusal: &Refusal) -> Response {
    let mut response = failure(refusal.status, JsonRpcId::Null, &refusal.error);
    refusal.advise(&mut response);
    response
}

fn failure(status: StatusCode, id: JsonRpcId, error: &A2AError) -> Response {
    (status, Json(JsonRpcResponse::error(id, error.to_jsonrpc_error()))).into_response()
}
