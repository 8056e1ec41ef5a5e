//! The REST binding (§11): the SDK's router, with everything it does not read read before it.

use std::sync::Arc;

use a2a::error_code::METHOD_NOT_FOUND;
use a2a::{A2AError, CancelTaskRequest};
use a2a_pb::protojson_conv::{self, ProtoJsonPayloadError};
use a2a_server::RequestHandler;
use a2a_server::rest::rest_router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};

use super::call::{Answer, Call, Content, HttpCalls};
use super::content::{self, ContentType};
use super::discard::discard;
use super::limits::Limits;
use super::params::{self, Params};
use super::refusal::Refusal;
use super::route::{BodyUse, Operation, Route};
use super::shape::Shape;
use super::version::{query_parameter, served_over_http};
use super::{problem, sse};

/// Of answers that are no errors (§11.1).
const MEDIA_TYPE: &str = "application/a2a+json";

/// Answers requests to every path but those of JSON-RPC and the agent card.
#[derive(Debug)]
pub(super) struct Rest {
    sdk: Router,
    limits: Limits,
}

impl Rest {
    pub(super) fn new<H: RequestHandler>(calls: Arc<HttpCalls<H>>, limits: Limits) -> Self {
        Self { sdk: rest_router(calls), limits }
    }

    /// Cancel safe as far as the handler is: dropping it drops the handler's future.
    pub(super) async fn answer(self: Arc<Self>, mut request: Request) -> Response {
        let Admitted { operation, body_use, mut call } = match admit(&mut request) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                // Rare, and large: it need not be part of the future of every request.
                Box::pin(discard(&mut request)).await;
                return problem::refused(&refusal);
            }
        };
        if body_use != BodyUse::Ignored {
            let body = match content::take_body(&mut request, self.limits.body_bytes()).await {
                Ok(body) => body,
                Err(refusal) => {
                    Box::pin(discard(&mut request)).await;
                    return problem::refused(&refusal);
                }
            };
            if let Err(refusal) = self.look(&request, &body, operation, &mut call) {
                return problem::refused(&refusal);
            }
            *request.body_mut() = Body::from(body);
        }

        let deletes = request.method() == Method::DELETE;
        let response = match call.answered_by(&self.sdk, request).await {
            Answer::Written(response) => response,
            Answer::Fault(_, error) => return problem::respond(&error),
            Answer::Unwritten(Content::Whole(whole)) => {
                return ([(CONTENT_TYPE, MEDIA_TYPE)], Json(whole)).into_response();
            }
            Answer::Unwritten(Content::Events(events)) => return sse::events(events),
        };
        if deletes && response.status() == StatusCode::OK {
            return nothing();
        }
        if problem::is_plain_text(&response) {
            // Rare, too.
            let had_body = body_use != BodyUse::Ignored;
            return Box::pin(problem::instead_of_plain_text(response, had_body)).await;
        }
        response
    }

    /// Looks at the body of an operation that has one.
    fn look(
        &self,
        request: &Request,
        body: &[u8],
        operation: Operation,
        call: &mut Call,
    ) -> Result<(), Refusal> {
        let optional = operation == Operation::CancelTask;
        if optional && body.is_empty() {
            return Ok(());
        }
        if ContentType::of(request.headers()) != ContentType::Json {
            return Err(content::not_json());
        }
        // What is not JSON gets its error from the parser behind.
        if let Ok(Shape::Object(params)) = serde_json::from_slice::<Shape<Params>>(body) {
            let request = match operation {
                Operation::Send => params::Request::Send,
                _ => params::Request::Other,
            };
            params.check(request, &self.limits)?;
        }
        if operation == Operation::CancelTask {
            cancel_body(body, call)?;
        }
        Ok(())
    }
}

/// What the proto answers a deletion with: a message without fields (`google.protobuf.Empty`), which is not the same
/// as no message. Clients parse it.
fn nothing() -> Response {
    ([(CONTENT_TYPE, MEDIA_TYPE)], "{}").into_response()
}

/// A request whose head is good.
struct Admitted {
    operation: Operation,
    body_use: BodyUse,
    call: Call,
}

/// Looks at everything but the body, and takes the tenant out of the path.
fn admit(request: &mut Request) -> Result<Admitted, Refusal> {
    let Some(route) = Route::find(request.uri().path())? else { return Err(Refusal::path()) };
    let operation = route.operation;
    if !operation.allows(request.method()) {
        return Err(Refusal::method(METHOD_NOT_FOUND, operation.allowed()));
    }
    let body_use = operation.body(request.method());
    let call = Call::for_tenant(tenant(&route, body_use, request.uri())?);
    let rewritten = match route.tenant {
        Some(_) => Some(without_tenant(route.path, request.uri().query())?),
        None => None,
    };
    served_over_http(request)?;
    if body_use == BodyUse::Required && ContentType::of(request.headers()) != ContentType::Json {
        return Err(content::not_json());
    }
    if let Some(uri) = rewritten {
        *request.uri_mut() = uri;
    }
    Ok(Admitted { operation, body_use, call })
}

/// The SDK cancels without looking at the body, which may carry metadata and a tenant.
fn cancel_body(body: &[u8], call: &mut Call) -> Result<(), A2AError> {
    let value = serde_json::from_slice(body).map_err(|error| A2AError::parse_error(error.to_string()))?;
    let request =
        protojson_conv::from_value::<CancelTaskRequest>(value).map_err(|error: ProtoJsonPayloadError| {
            A2AError::invalid_params(format!("invalid params: {error}"))
        })?;
    merge_tenant(&mut call.tenant, request.tenant.clone())?;
    *call.cancel.get_mut() = Some(Box::new(request));
    Ok(())
}

/// The tenant that the URL names, in its path or, where there is no body, in its query (§11.5).
fn tenant(route: &Route<'_>, body_use: BodyUse, uri: &Uri) -> Result<Option<String>, A2AError> {
    let mut tenant = route.tenant.clone();
    if body_use == BodyUse::Ignored {
        merge_tenant(&mut tenant, query_parameter(uri, "tenant"))?;
    }
    Ok(tenant)
}

fn merge_tenant(named: &mut Option<String>, again: Option<String>) -> Result<(), A2AError> {
    let again = again.filter(|tenant| !tenant.is_empty());
    match (&*named, again) {
        (Some(named), Some(again)) if *named != again => {
            Err(A2AError::invalid_params("the request names two different tenants"))
        }
        (None, again) => {
            *named = again;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn without_tenant(path: &str, query: Option<&str>) -> Result<Uri, A2AError> {
    let path_and_query = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    PathAndQuery::try_from(path_and_query)
        .map(Uri::from)
        .map_err(|error| A2AError::invalid_request(error.to_string()))
}
