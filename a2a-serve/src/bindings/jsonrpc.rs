//! The JSON-RPC binding (§9).

mod envelope;
mod id;

use std::sync::Arc;

use a2a::A2AError;
use a2a::error_code::INVALID_REQUEST;
use a2a_server::RequestHandler;
use axum::Json;
use axum::extract::Request;
use axum::http::header::ORIGIN;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use serde_json::value::RawValue;

use self::envelope::Envelope;
pub(super) use self::envelope::{Failure, Success};
pub(super) use self::id::Id;
use super::advice::advise;
use super::answer_body::Outgoing;
use super::call::{Answer, Call, service_params};
use super::content::{self, ContentType};
use super::discard::refuse;
use super::edge::Edge;
use super::error::detailed;
use super::json;
use super::limits::RequestLimits;
use super::refusal::Refusal;
use super::sse;
use super::status::http_status_of_mark;
use super::told::Told;
use super::version::served_over_http;
use super::violations::short;

/// Of all answers in one piece (§9.1).
const MEDIA_TYPE: &str = "application/json";

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
            return Box::pin(refuse(request, refused(&refusal))).await;
        }
        // Judged now, since it is part of the head, and told with the id of the request.
        let version = served_over_http(&mut request);
        let params = service_params(request.headers());
        let handler = match self.0.admit(&params).await {
            Ok(handler) => handler,
            Err(error) => {
                return Box::pin(refuse(request, failed(&Id::null(), &error))).await;
            }
        };
        let taken = content::take_body(&mut request, self.0.limits.max_body_bytes, &self.0.in_flight).await;
        let (id, call, held) = match taken {
            Ok((body, held)) => match self.read(version, &body) {
                Ok((id, call)) => (id, call, held),
                Err((Some(id), error)) => return failed(&id, &error),
                Err((None, error)) => return notified(Some(&error)),
            },
            Err(refusal) => {
                return Box::pin(refuse(request, refused(&refusal))).await;
            }
        };
        let outgoing = Outgoing::of(&self.0.going_out, &request);
        drop(request);
        let (handler, _held) = self.0.holding(handler, Some(held));
        let answer = call.answer(&*handler, &params).await;
        let Some(id) = id else { return notified(answer.err().as_ref()) };
        let written = match answer {
            Ok(Answer::Whole(whole)) => outgoing.json(MEDIA_TYPE, &Success::new(&id, &whole)),
            Ok(Answer::Events(events)) => return sse::answers(&self.0.streamed, id, events),
            Ok(Answer::Done) => outgoing.json(MEDIA_TYPE, &Success::new(&id, &Value::Null)),
            Err(error) => Err(error),
        };
        written.unwrap_or_else(|error| failed(&id, &error))
    }

    fn read(
        &self,
        version: Result<(), A2AError>,
        body: &[u8],
    ) -> Result<(Option<Id>, Call), (Option<Id>, A2AError)> {
        let envelope = Envelope::read(body).map_err(|(id, error)| (Some(id), error))?;
        let called = envelope.check_version().and(version);
        match called.and_then(|()| call(&envelope.method, envelope.params, &self.0.limits)) {
            Ok(call) => Ok((envelope.id, call)),
            Err(error) => Err((envelope.id, error)),
        }
    }
}

/// Reads what a method is asked for.
fn call(method: &str, params: Option<&RawValue>, limits: &RequestLimits) -> Result<Call, A2AError> {
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
        ContentType::Json => Ok(()),
        // Without one, the body speaks for itself; but a page's script sends that without asking (the Fetch standard).
        ContentType::Missing if !request.headers().contains_key(ORIGIN) => Ok(()),
        ContentType::Missing | ContentType::Other => Err(content::not_json()),
    }
}

pub(super) fn refused(refusal: &Refusal) -> Response {
    let mut response = failure(refusal.status, &Id::null(), &refusal.error);
    advise(&refusal.error, response.headers_mut());
    refusal.advise(&mut response);
    response
}

/// Whoever sends a notification wants no answer, and gets none. But what the protocol has no code for, HTTP says: a proxy that
/// hears that it was not taken here sends it elsewhere.
fn notified(error: Option<&A2AError>) -> Response {
    let status = error.and_then(http_status_of_mark).unwrap_or(StatusCode::NO_CONTENT);
    let mut response = status.into_response();
    if let Some(error) = error {
        advise(error, response.headers_mut());
        Told::of(error).tell(&mut response);
    }
    response
}

/// The answer to a request that was understood: HTTP only says what the protocol has no code for.
fn failed(id: &Id, error: &A2AError) -> Response {
    let status = http_status_of_mark(error).unwrap_or(StatusCode::OK);
    let mut response = failure(status, id, error);
    advise(error, response.headers_mut());
    response
}

fn failure(status: StatusCode, id: &Id, error: &A2AError) -> Response {
    let mut response = (status, Json(Failure::new(id, detailed(error)))).into_response();
    Told::of(error).tell(&mut response);
    response
}
