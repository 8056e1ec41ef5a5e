//! One router for both HTTP bindings and the agent card, all under one base URL.

use std::convert::Infallible;
use std::sync::Arc;

use a2a::error_code::METHOD_NOT_FOUND;
use a2a_server::agent_card::agent_card_router;
use a2a_server::{AgentCardProducer, RequestHandler, WELL_KNOWN_AGENT_CARD_PATH};
use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use futures::FutureExt;
use tower::{Service, service_fn};

use super::call::HttpCalls;
use super::discard::discard;
use super::jsonrpc::JsonRpc;
use super::limits::Limits;
use super::problem;
use super::refusal::Refusal;
use super::rest::Rest;

/// Builds the router that serves `handler` over JSON-RPC (`POST /`) and REST, and `card` at
/// `/.well-known/agent-card.json`.
///
/// Everything hangs on the router's fallback, so routes of one's own (`/healthz`) can be added, and take precedence; a
/// fallback of one's own would replace it. It may be nested under a path prefix, too.
///
/// ```
/// use std::sync::Arc;
/// use a2a::AgentCard;
/// use a2a_cluster::bindings::{Limits, http_router};
/// use a2a_server::{RequestHandler, StaticAgentCard};
///
/// fn router<H: RequestHandler>(handler: Arc<H>, card: AgentCard) -> axum::Router {
///     http_router(handler, Arc::new(StaticAgentCard::new(card)), &Limits::default())
///         .route("/healthz", axum::routing::get(|| async { "ok" }))
/// }
/// ```
pub fn http_router<H, P>(handler: Arc<H>, card: Arc<P>, limits: &Limits) -> Router
where
    H: RequestHandler,
    P: AgentCardProducer,
{
    let calls = Arc::new(HttpCalls::new(handler));
    let jsonrpc = Arc::new(JsonRpc::new(Arc::clone(&calls), *limits));
    let rest = Arc::new(Rest::new(calls, *limits));
    let card = agent_card_router(card);
    let answer = move |request: Request| match request.uri().path() {
        "/" => Arc::clone(&jsonrpc).answer(request).map(Ok).left_future(),
        WELL_KNOWN_AGENT_CARD_PATH => answer_card(card.clone(), request).left_future().right_future(),
        _ => Arc::clone(&rest).answer(request).map(Ok).right_future().right_future(),
    };
    // As a service, and not as a handler, which a router without state would box anew for each request.
    Router::new().fallback_service(service_fn(answer))
}

async fn answer_card(mut card: Router, mut request: Request) -> Result<Response, Infallible> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        Box::pin(discard(&mut request)).await;
        return Ok(problem::refused(&Refusal::method(METHOD_NOT_FOUND, "GET, HEAD")));
    }
    card.call(request).await
}
