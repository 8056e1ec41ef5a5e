//! The public agent card (§8).

use std::sync::Arc;

use a2a::error_code::METHOD_NOT_FOUND;
use a2a_server::AgentCardProducer;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::discard::refuse;
use super::refusal::Refusal;
use super::status;

/// For how long a client may keep a card without asking again, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// Answers with the card. It is anybody's, from any page: so no origin is told apart, and none may send credentials along.
pub(super) async fn answer<P: AgentCardProducer>(producer: Arc<P>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let refusal = status::refused(&Refusal::method(METHOD_NOT_FOUND, "GET, HEAD"));
        return Box::pin(refuse(request, refusal)).await;
    }
    let card = match serde_json::to_vec(&producer.card()) {
        Ok(card) => Bytes::from(card),
        Err(error) => {
            tracing::error!(%error, "the agent card cannot be written");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let Ok(tag) = HeaderValue::try_from(tag(&card)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let is_known = knows(request.headers(), &tag);
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(card) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(ETAG, tag);
    headers.insert(CACHE_CONTROL, MAX_AGE);
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Names the content of a card: another content has another name (RFC 9110, section 8.8.3).
fn tag(card: &[u8]) -> String {
    let digest = Sha256::digest(card);
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// Tells whether the client has this card already (RFC 9110, section 13.1.2).
fn knows(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let named =
        headers.get_all(IF_NONE_MATCH).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let plain = |name: &[u8]| name.trim_ascii().strip_prefix(b"W/").unwrap_or(name.trim_ascii()).to_vec();
    named.map(plain).any(|name| name == b"*" || name == tag.as_bytes())
}
