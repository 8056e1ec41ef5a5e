//! One router for all bindings and the agent card, under one base URL.

use std::sync::Arc;

use a2a_server::{AgentCardProducer, RequestHandler, WELL_KNOWN_AGENT_CARD_PATH};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures::FutureExt;
use tower::{Service, service_fn};

use super::card;
use super::discard::refuse;
use super::edge::Edge;
use super::grpc::{GrpcService, is_grpc};
use super::grpc_service;
use super::hosts::Hosts;
use super::jsonrpc::{self, JsonRpc};
use super::limits::RequestLimits;
use super::outermost::Outermost;
use super::pages::Pages;
use super::refusal::Refusal;
use super::rest::Rest;
use super::status;

/// Builds the router that serves `handler` over JSON-RPC (`POST /`), REST and gRPC (told apart by its content type), and
/// `card` at `/.well-known/agent-card.json`: one address is the whole agent.
///
/// Everything hangs on the router's fallback, so routes of one's own (`/healthz`) can be added, and take precedence; a
/// fallback of one's own would replace it. It may be nested under a path prefix, too, best by axum's `nest_service`, which
/// finds the prefix with and without a slash behind it; gRPC clients do not find it there.
///
/// It answers whatever host is asked, and pages of any origin: [`Server`](crate::Server) tells them apart.
///
/// ```
/// use std::sync::Arc;
/// use a2a::AgentCard;
/// use a2a_serve::bindings::{RequestLimits, router};
/// use a2a_server::{RequestHandler, StaticAgentCard};
///
/// fn all<H: RequestHandler>(handler: Arc<H>, card: AgentCard) -> axum::Router {
///     router(handler, Arc::new(StaticAgentCard::new(card)), &RequestLimits::default())
///         .route("/healthz", axum::routing::get(|| async { "ok" }))
/// }
/// ```
pub fn router<H, P>(handler: Arc<H>, card: Arc<P>, limits: &RequestLimits) -> Router
where
    H: RequestHandler,
    P: AgentCardProducer,
{
    whole(&Edge::new(handler, *limits, None), card, Hosts::default(), Pages::Any)
}

/// See [`router`]; who may ask is settled before a body is read, and only requests for these hosts are answered.
pub(crate) fn whole<H, P>(edge: &Edge<H>, card: Arc<P>, hosts: Hosts, pages: Pages) -> Router
where
    H: RequestHandler,
    P: AgentCardProducer,
{
    let grpc = GrpcService::new(edge.clone());
    let http = Http::new(edge, Arc::clone(&card));
    let outermost = Outermost::new(card, edge.going_out.clone());
    let answer = move |request: Request| {
        let (finish, is_grpc) = (outermost.of(&request), is_grpc(request.headers()));
        let binding = if is_grpc { "grpc" } else { binding_of(&request) };
        let refusal = if !hosts.serve(&request) {
            Some(Refusal::host())
        } else if !pages.may_send(&request) {
            Some(Refusal::page())
        } else {
            None
        };
        let answer = if let Some(refusal) = refusal {
            let refused = match binding {
                "grpc" => grpc_service::status(&refusal.error).into_http(),
                "jsonrpc" => jsonrpc::refused(&refusal),
                _ => status::refused(&refusal),
            };
            refuse(request, refused).boxed().left_future()
        } else if is_grpc {
            over_grpc(grpc.clone(), request).boxed().left_future()
        } else {
            http.answer(request).right_future()
        };
        answer.map(move |answer| finish.end(binding, answer))
    };
    // As a service, and not as a handler, which a router without state would box anew for each request.
    Router::new().fallback_service(service_fn(answer))
}

/// Builds the router that serves `handler` over JSON-RPC and REST only; see [`router`].
pub fn http_router<H, P>(handler: Arc<H>, card: Arc<P>, limits: &RequestLimits) -> Router
where
    H: RequestHandler,
    P: AgentCardProducer,
{
    let edge = Edge::new(handler, *limits, None);
    let http = Http::new(&edge, Arc::clone(&card));
    let outermost = Outermost::new(card, edge.going_out);
    Router::new().fallback_service(service_fn(move |request: Request| {
        let (finish, binding) = (outermost.of(&request), binding_of(&request));
        http.answer(request).map(move |answer| finish.end(binding, answer))
    }))
}

/// Both HTTP bindings, and the card.
struct Http<H, P> {
    jsonrpc: Arc<JsonRpc<H>>,
    rest: Arc<Rest<H>>,
    card: Arc<P>,
}

impl<H, P> Clone for Http<H, P> {
    fn clone(&self) -> Self {
        Http {
            jsonrpc: Arc::clone(&self.jsonrpc),
            rest: Arc::clone(&self.rest),
            card: Arc::clone(&self.card),
        }
    }
}

impl<H: RequestHandler, P: AgentCardProducer> Http<H, P> {
    fn new(edge: &Edge<H>, card: Arc<P>) -> Self {
        let jsonrpc = Arc::new(JsonRpc::new(edge.clone()));
        Http { jsonrpc, rest: Arc::new(Rest::new(edge.clone())), card }
    }

    fn answer(&self, request: Request) -> impl Future<Output = Response> + Send + use<H, P> {
        match request.uri().path() {
            "/" => Arc::clone(&self.jsonrpc).answer(request).left_future(),
            WELL_KNOWN_AGENT_CARD_PATH => {
                card::answer(Arc::clone(&self.card), request).left_future().right_future()
            }
            _ => Arc::clone(&self.rest).answer(request).right_future().right_future(),
        }
    }
}

/// The binding that a request is for, for people: as a metric and a log name it.
fn binding_of(request: &Request) -> &'static str {
    if request.uri().path() == "/" { "jsonrpc" } else { "rest" }
}

async fn over_grpc<H: RequestHandler>(mut service: GrpcService<H>, request: Request) -> Response {
    let Ok(response) = service.call(request).await;
    response.map(Body::new)
}
