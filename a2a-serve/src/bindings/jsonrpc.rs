//! The JSON-RPC binding (§9).

use std::sync::Arc;

use a2a::error_code::INVALID_REQUEST;
use a2a::{A2AError, JsonRpcId, JsonRpcResponse};
use a2a_cluster::is_unauthenticated;
use a2a_server::RequestHandler;
use axum::Json;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::advice::advise;
use super::call::{Answer, Call, service_params};
use super::content::{self, ContentType};
use super::discard::discard;
use super::edge::Edge;
use super::error::detailed;
use super::json;
use super::limits::Limits;
use super::refusal::Refusal;
use super::sse;
use super::version::served_over_http;
use super::violations::short;

/// Answers requests to `/`.
#[derive(Debug)]
pub(super) struct JsonRpc<H>(Edge<H>);

impl<H: RequestHandler> JsonRpc<H> {
    pub(super) fn new(edge: Edge<H>) -> Self {
        Self(edge)
    }

    /// Cancel safe as far as the handler is: dropping it drops the handler's future.
    pub(super) async fn answer(self: Arc<Self>, mut request: Request) -> Response {
        if let Err(refusal) = announced(&request) {
            Box::pin(discard(&mut request)).await;
            return refused(&refusal);
        }
        // Judged now, since it is part of the head, and told with the id of the request.
        let version = served_over_http(&mut request);
        let params = service_params(request.headers());
        if let Err(error) = self.0.authenticate(&params) {
            Box::pin(discard(&mut request)).await;
            return failed(JsonRpcId::Null, &error);
        }
        let taken = content::take_body(&mut request, self.0.limits.body_bytes(), &self.0.in_flight).await;
        // What was read is held until it is answered.
        let (id, call, _held) = match taken {
            Ok((body, held)) => match self.read(version, &body) {
                Ok((id, call)) => (id, call, held),
                Err((Some(id), error)) => return failed(id, &error),
                Err((None, _)) => return StatusCode::NO_CONTENT.into_response(),
            },
            Err(refusal) => {
                Box::pin(discard(&mut request)).await;
                return refused(&refusal);
            }
        };
        drop(request);
        let answer = call.answer(&*self.0.handler, &params).await;
        // Whoever sends a notification wants no answer, and gets none.
        let Some(id) = id else { return StatusCode::NO_CONTENT.into_response() };
        match answer {
            Ok(Answer::Whole(whole)) => {
                Json(Success { jsonrpc: "2.0", id: &id, result: &whole }).into_response()
            }
            Ok(Answer::Events(events)) => sse::answers(id, events),
            Ok(Answer::Done) => {
                Json(Success { jsonrpc: "2.0", id: &id, result: &Value::Null }).into_response()
            }
            Err(error) => failed(id, &error),
        }
    }

    fn read(
        &self,
        version: Result<(), A2AError>,
        body: &[u8],
    ) -> Result<(Option<JsonRpcId>, Call), (Option<JsonRpcId>, A2AError)> {
        let envelope = match serde_json::from_slice::<Envelope<'_>>(body) {
            Ok(envelope) if is_object(body) => envelope,
            Ok(_) => return Err((Some(JsonRpcId::Null), A2AError::invalid_request(NO_OBJECT))),
            Err(error) => {
                let (id, error) = unreadable(body, &error);
                return Err((Some(id), error));
            }
        };
        let id = envelope.id;
        let called = envelope.jsonrpc.check().and(version);
        match called.and_then(|()| call(&envelope.method, envelope.params, &self.0.limits)) {
            Ok(call) => Ok((id, call)),
            Err(error) => Err((id, error)),
        }
    }
}

/// Reads what a method is asked for.
fn call(method: &str, params: Option<&RawValue>, limits: &Limits) -> Result<Call, A2AError> {
    // Only those whose parameters are all optional may come without any: §9.4.8 shows it.
    let optional = || params.map_or("{}", RawValue::get);
    let params = || params.map_or("null", RawValue::get);
    Ok(match method {
        "SendMessage" => Call::SendMessage(json::read::<json::SendMessage>(params(), limits)?.into()),
        "SendStreamingMessage" => {
            Call::SendStreamingMessage(json::read::<json::SendMessage>(params(), limits)?.into())
        }
        "GetTask" => Call::GetTask(json::read::<json::GetTask>(params(), limits)?),
        "ListTasks" => Call::ListTasks(json::read::<json::ListTasks>(optional(), limits)?.into()),
        "CancelTask" => Call::CancelTask(json::read::<json::CancelTask>(params(), limits)?),
        "SubscribeToTask" => Call::SubscribeToTask(json::read::<json::SubscribeToTask>(params(), limits)?),
        "CreateTaskPushNotificationConfig" => {
            Call::CreatePushConfig(json::read::<json::PushConfig>(params(), limits)?.into())
        }
        "GetTaskPushNotificationConfig" => {
            Call::GetPushConfig(json::read::<json::PushConfigName>(params(), limits)?)
        }
        "ListTaskPushNotificationConfigs" => {
            Call::ListPushConfigs(json::read::<json::ListPushConfigs>(params(), limits)?)
        }
        "DeleteTaskPushNotificationConfig" => {
            Call::DeletePushConfig(json::read::<json::PushConfigName>(params(), limits)?)
        }
        "GetExtendedAgentCard" => {
            Call::GetExtendedCard(json::read::<json::ExtendedCard>(optional(), limits)?)
        }
        "" => return Err(A2AError::invalid_request("method is required")),
        other => return Err(A2AError::method_not_found(&short(other))),
    })
}

/// Whether the head of a request announces a JSON-RPC request.
fn announced(request: &Request) -> Result<(), Refusal> {
    if request.method() != Method::POST {
        return Err(Refusal::method(INVALID_REQUEST, "POST"));
    }
    match ContentType::of(request.headers()) {
        // Without one, the body speaks for itself.
        ContentType::Json | ContentType::Missing => Ok(()),
        ContentType::Other => Err(content::not_json()),
    }
}

/// What is around the parameters of a method.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default)]
    jsonrpc: Version,
    /// A notification has none.
    #[serde(default, deserialize_with = "also_null")]
    id: Option<JsonRpcId>,
    method: String,
    #[serde(borrow, default, deserialize_with = "unless_null")]
    params: Option<&'a RawValue>,
}

/// An id that is `null` is one.
fn also_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<JsonRpcId>, D::Error> {
    JsonRpcId::deserialize(deserializer).map(Some)
}

/// `null` is no parameters.
fn unless_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(Some(raw).filter(|raw| raw.get() != "null"))
}

/// The version of JSON-RPC.
#[derive(Default, Deserialize)]
#[serde(transparent)]
struct Version(String);

impl Version {
    fn check(&self) -> Result<(), A2AError> {
        if self.0 == "2.0" { Ok(()) } else { Err(A2AError::invalid_request("invalid jsonrpc version")) }
    }
}

const NO_OBJECT: &str = "a request is one JSON object";

/// A batch, or a list of what a request holds, is none.
fn is_object(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

/// The error for a body that is no request: no JSON at all, or JSON of another shape.
fn unreadable(body: &[u8], error: &serde_json::Error) -> (JsonRpcId, A2AError) {
    if !error.is_data() {
        return (JsonRpcId::Null, A2AError::parse_error(format!("parse error: {error}")));
    }
    #[derive(Deserialize)]
    struct Named {
        id: Option<JsonRpcId>,
    }
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    let named = serde_json::from_slice::<Named>(body).ok().filter(|_| is_object);
    let why = if is_object {
        format!("invalid request: {}", short(error))
    } else {
        "a request is one JSON object".into()
    };
    (named.and_then(|named| named.id).unwrap_or(JsonRpcId::Null), A2AError::invalid_request(why))
}

/// A JSON-RPC response that is no error, without a copy of what it holds.
#[derive(Serialize)]
pub(super) struct Success<'a, T> {
    pub(super) jsonrpc: &'static str,
    pub(super) id: &'a JsonRpcId,
    pub(super) result: &'a T,
}

fn refused(refusal: &Refusal) -> Response {
    let mut response = failure(refusal.status, JsonRpcId::Null, &refusal.error);
    advise(&refusal.error, response.headers_mut());
    refusal.advise(&mut response);
    response
}

/// The answer to a request that was understood: HTTP only says who may not ask.
fn failed(id: JsonRpcId, error: &A2AError) -> Response {
    let status = if is_unauthenticated(error) { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    let mut response = failure(status, id, error);
    advise(error, response.headers_mut());
    response
}

fn failure(status: StatusCode, id: JsonRpcId, error: &A2AError) -> Response {
    (status, Json(JsonRpcResponse::error(id, detailed(error)))).into_response()
}
