//! One router for both HTTP bindings and the agent card, all under one base URL.

use std::sync::Arc;

use a2a_server::agent_card::agent_card_router;
use a2a_server::{AgentCardProducer, RequestHandler, WELL_KNOWN_AGENT_CARD_PATH};
use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use tower::{Service, service_fn};

use super::call::HttpCalls;
use super::jsonrpc::JsonRpc;
use super::limits::Limits;
use super::problem;
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
    let bindings = Arc::new(HttpBindings {
        jsonrpc: JsonRpc::new(Arc::clone(&calls), *limits),
        rest: Rest::new(calls, *limits),
        card: agent_card_router(card),
    });
    // As a service, and not as a handler, which a router without state would box anew for each request.
    Router::new().fallback_service(service_fn(move |request: Request| {
        let bindings = Arc::clone(&bindings);
        async move { Ok(bindings.answer(request).await) }
    }))
}

struct HttpBindings {
    jsonrpc: JsonRpc,
    rest: Rest,
    card: Router,
}

impl HttpBindings {
    async fn answer(&self, request: Request) -> Response {
        match request.uri().path() {
            "/" => self.jsonrpc.answer(request).await,
            WELL_KNOWN_AGENT_CARD_PATH => self.card(request).await,
            _ => self.rest.answer(request).await,
        }
    }

    async fn card(&self, request: Request) -> Response {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return problem::method_not_allowed("GET, HEAD");
        }
        let Ok(response) = self.card.clone().call(request).await;
        response
    }
}
