//! The REST binding (§11).

mod query;
mod route;

use std::sync::Arc;

use a2a::error_code::METHOD_NOT_FOUND;
use a2a::{
    A2AError, CancelTaskRequest, GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest,
    GetTaskRequest, ListTaskPushNotificationConfigsRequest, SubscribeToTaskRequest,
};
use a2a_server::{RequestHandler, ServiceParams};
use axum::body::HttpBody;
use axum::extract::Request;
use axum::http::Method;
use axum::http::header::{CONTENT_TYPE, EXPECT};
use axum::response::{IntoResponse, Response};

use self::query::Query;
use self::route::{BodyUse, Operation, Route};
use super::answer_body::Outgoing;
use super::call::{Answer, Call, service_params};
use super::content::{self, ContentType};
use super::discard::{discard, refuse};
use super::edge::Edge;
use super::in_flight::Held;
use super::json;
use super::refusal::Refusal;
use super::sse;
use super::status::{self, MEDIA_TYPE};
use super::version::served_over_http;

/// Answers requests to every path but those of JSON-RPC and the agent card.
#[derive(Debug)]
pub(super) struct Rest<H>(Edge<H>);

/// Whom a request is for, and what came with it.
struct Asked<H> {
    handler: Arc<H>,
    params: ServiceParams,
    /// What was read, until it is answered.
    _held: Option<Held>,
}

impl<H: RequestHandler> Rest<H> {
    pub(super) fn new(edge: Edge<H>) -> Self {
        Self(edge)
    }

    /// Cancel safe as far as the handler is: dropping it drops the handler's future.
    pub(super) async fn answer(self: Arc<Self>, mut request: Request) -> Response {
        let (asked, call) = match self.read(&mut request).await {
            Ok(read) => read,
            Err(refusal) => {
                // Rare, and large: it need not be part of the future of every request.
                return Box::pin(refuse(request, status::refused(&refusal))).await;
            }
        };
        let outgoing = Outgoing::of(&self.0.going_out, &request);
        drop(request);
        match call.answer(&*asked.handler, &asked.params).await {
            Ok(Answer::Whole(whole)) => {
                outgoing.json(MEDIA_TYPE, &whole).unwrap_or_else(|error| status::respond(&error))
            }
            Ok(Answer::Events(events)) => sse::events(&self.0.streamed, events),
            // What the proto answers a deletion with: a message without fields (`google.protobuf.Empty`), which is not the
            // same as no message. Clients parse it.
            Ok(Answer::Done) => ([(CONTENT_TYPE, MEDIA_TYPE)], "{}").into_response(),
            Err(error) => status::respond(&error),
        }
    }

    async fn read(&self, request: &mut Request) -> Result<(Asked<H>, Call), Refusal> {
        let path = request.uri().path().to_owned();
        let Some(route) = Route::find(&path)? else { return Err(Refusal::path()) };
        if !route.operation.allows(request.method()) {
            return Err(Refusal::method(METHOD_NOT_FOUND, route.operation.allowed()));
        }
        served_over_http(request)?;
        let params = service_params(request.headers());
        let handler = self.0.admit(&params).await?;
        let body_use = route.operation.body(request.method());
        if body_use == BodyUse::Required && ContentType::of(request.headers()) != ContentType::Json {
            return Err(content::not_json());
        }
        let body = match body_use {
            BodyUse::Ignored => {
                // Left unread it would end the connection, and take the next request on it along.
                if !request.body().is_end_stream() {
                    // Reading tells whoever waits for it to go on.
                    request.headers_mut().remove(EXPECT);
                    if !Box::pin(discard(request)).await {
                        return Err(content::unwanted());
                    }
                }
                None
            }
            BodyUse::Required | BodyUse::Optional => {
                Some(content::take_body(request, self.0.limits.max_body_bytes, &self.0.in_flight).await?)
            }
        };
        let (body, held) = body.unzip();
        let body = body.filter(|body| body_use == BodyUse::Required || !body.is_empty());
        if body.is_some() && ContentType::of(request.headers()) != ContentType::Json {
            return Err(content::not_json());
        }
        let text = body.as_deref().map(content::text).transpose()?;
        let query = request.uri().query().unwrap_or_default();
        let mut call = self.call(&route, request.method(), query, text)?;
        if body_use == BodyUse::Ignored {
            // A tenant may be named by the path, or, where there is no body, by the query (§11.5).
            call.name_tenant(Query::read(query)?.text("tenant")?)?;
        }
        call.name_tenant(route.tenant)?;
        let (handler, _held) = self.0.holding(handler, held);
        Ok((Asked { handler, params, _held }, call))
    }

    /// What is asked for. `body` is there where the operation has one.
    fn call(
        &self,
        route: &Route,
        method: &Method,
        query: &str,
        body: Option<&str>,
    ) -> Result<Call, A2AError> {
        let (limits, tenant) = (&self.0.limits, None);
        let id = || route.task_id.clone().unwrap_or_default();
        let json = || body.unwrap_or("null");
        let query = || Query::read(query);
        Ok(match route.operation {
            Operation::SendMessage => {
                Call::SendMessage(json::read::<json::SendMessage>(json(), limits)?.into())
            }
            Operation::StreamMessage => {
                Call::SendStreamingMessage(json::read::<json::SendMessage>(json(), limits)?.into())
            }
            Operation::GetTask => {
                let history_length = query()?.number("historyLength")?;
                Call::GetTask(GetTaskRequest { id: id(), history_length, tenant })
            }
            Operation::ListTasks => Call::ListTasks(query()?.list_tasks()?.into()),
            Operation::CancelTask => Call::CancelTask(match body {
                Some(body) => json::read_for::<json::CancelTask>(body, &id(), limits)?,
                None => CancelTaskRequest { id: id(), metadata: None, tenant },
            }),
            Operation::SubscribeToTask => Call::SubscribeToTask(SubscribeToTaskRequest { id: id(), tenant }),
            Operation::PushConfigs if method == Method::POST => {
                Call::CreatePushConfig(json::read_for::<json::PushConfig>(json(), &id(), limits)?.into())
            }
            Operation::PushConfigs => {
                let (page_size, page_token) = query()?.page_of_configs()?;
                let task_id = id();
                Call::ListPushConfigs(ListTaskPushNotificationConfigsRequest {
                    task_id,
                    page_size,
                    page_token,
                    tenant,
                })
            }
            Operation::PushConfig => {
                let config = route.config_id.clone().unwrap_or_default();
                let name = GetTaskPushNotificationConfigRequest { task_id: id(), id: config, tenant };
                if method == Method::DELETE {
                    Call::DeletePushConfig(name)
                } else {
                    Call::GetPushConfig(name)
                }
            }
            Operation::ExtendedCard => Call::GetExtendedCard(GetExtendedAgentCardRequest { tenant }),
        })
    }
}
