//! The REST binding (§11): the SDK's router, with everything it does not read read before it.

use std::sync::Arc;

use a2a::{A2AError, CancelTaskRequest};
use a2a_pb::protojson_conv::{self, ProtoJsonPayloadError};
use a2a_server::RequestHandler;
use a2a_server::rest::rest_router;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::uri::{PathAndQuery, Uri};
use axum::response::Response;
use bytes::Bytes;
use tower::Service;

use super::call::{Call, HttpCalls};
use super::content::{self, ContentType, Refusal};
use super::limits::Limits;
use super::params::{self, Params};
use super::route::{BodyUse, Operation, Route};
use super::shape::Shape;
use super::version::{query_parameter, served_over_http};
use super::{problem, sse};

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
    pub(super) async fn answer(&self, request: Request) -> Response {
        self.try_answer(request)
            .await
            .unwrap_or_else(|refusal| problem::respond_as(refusal.status, &refusal.error))
    }

    async fn try_answer(&self, request: Request) -> Result<Response, Refusal> {
        let (mut parts, body) = request.into_parts();
        let Some(route) = Route::find(parts.uri.path())? else { return Ok(problem::no_such_path()) };
        let operation = route.operation;
        if !operation.allows(&parts.method) {
            return Ok(problem::method_not_allowed(operation.allowed()));
        }
        served_over_http(&mut parts.headers, &parts.uri)?;

        let body_use = operation.body(&parts.method);
        let mut call = Call::for_tenant(tenant(&route, body_use, &parts.uri)?);
        if route.tenant.is_some() {
            parts.uri = without_tenant(route.path, parts.uri.query())?;
        }
        let body = self.read(&parts, body, operation, body_use, &mut call).await?;

        let had_body = body_use != BodyUse::Ignored;
        let mut sdk = self.sdk.clone();
        let response = async move {
            let Ok(response) = sdk.call(Request::from_parts(parts, Body::from(body))).await;
            response
        };
        let (mut response, fault) = call.around(response).await;
        if let Some(error) = fault {
            return Ok(problem::respond(&error));
        }
        if sse::is_stream(&response) {
            sse::unbuffered(&mut response);
            return Ok(sse::errors_as_problems(response));
        }
        Ok(problem::instead_of_plain_text(response, had_body).await)
    }

    /// Reads and looks at the body of an operation that has one.
    async fn read(
        &self,
        parts: &Parts,
        body: Body,
        operation: Operation,
        body_use: BodyUse,
        call: &mut Call,
    ) -> Result<Bytes, Refusal> {
        if body_use == BodyUse::Ignored {
            return Ok(Bytes::new());
        }
        let content_type = ContentType::of(&parts.headers);
        if body_use == BodyUse::Required && content_type != ContentType::Json {
            return Err(content::not_json());
        }
        let body = content::read(&parts.headers, body, self.limits.body_bytes()).await?;
        if body_use == BodyUse::Optional {
            if body.is_empty() {
                return Ok(body);
            }
            if content_type != ContentType::Json {
                return Err(content::not_json());
            }
        }
        // What is not JSON gets its error from the parser behind.
        if let Ok(Shape::Object(params)) = serde_json::from_slice::<Shape<Params>>(&body) {
            let request = match operation {
                Operation::Send => params::Request::Send,
                _ => params::Request::Other,
            };
            params.check(request, &self.limits)?;
        }
        if operation == Operation::CancelTask {
            cancel_body(&body, call)?;
        }
        Ok(body)
    }
}

impl From<A2AError> for Refusal {
    fn from(error: A2AError) -> Self {
        Self { status: problem::status_of(&error), error }
    }
}

/// The SDK cancels without looking at the body, which may carry metadata and a tenant.
fn cancel_body(body: &[u8], call: &mut Call) -> Result<(), A2AError> {
    let value = serde_json::from_slice(body).map_err(|error| A2AError::parse_error(error.to_string()))?;
    let request =
        protojson_conv::from_value::<CancelTaskRequest>(value).map_err(|error: ProtoJsonPayloadError| {
            A2AError::invalid_params(format!("invalid params: {error}"))
        })?;
    *call.metadata.get_mut() = request.metadata;
    merge_tenant(&mut call.tenant, request.tenant)
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
