//! Callers by the bearer token that they bring: a JWT that the issuer signed with one of its published keys.

use std::time::{Duration, Instant};

use a2a::A2AError;
use a2a_cluster::{Caller, CallerResolver, forbidden, unauthenticated, unauthenticated_by, unavailable};
use a2a_core::Principal;
use a2a_server::ServiceParams;
use async_trait::async_trait;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Map;
use tokio::sync::Mutex;

/// An issuer that is asked for its keys may take so long.
const PATIENCE: Duration = Duration::from_secs(5);
/// So often it is asked again at most: a key of which nobody has heard may be a new one, or made up.
const ASK_EVERY: Duration = Duration::from_secs(60);

/// Whoever may call the agent has this among the token's scopes.
const SCOPE: &str = "agent:call";

/// Of the algorithms that a token may name only these count, each with a key of its own kind.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::ES256, Algorithm::RS256, Algorithm::EdDSA];

/// What a token says that matters here.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    scope: String,
    /// Handed on to the agent.
    #[serde(default)]
    team: Option<String>,
}

/// Knows an issuer, and whom it vouches for.
#[derive(Debug)]
pub(crate) struct Bearer {
    http: reqwest::Client,
    keys_url: String,
    validation: Validation,
    keys: Mutex<Keys>,
}

#[derive(Debug)]
struct Keys {
    set: JwkSet,
    asked: Option<Instant>,
}

impl Bearer {
    /// Believes tokens of this issuer that are meant for this audience. Its keys are at `keys_url` (RFC 7517).
    pub(crate) fn new(issuer: &str, audience: &str, keys_url: impl Into<String>) -> reqwest::Result<Self> {
        let mut validation = Validation::default();
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        Ok(Bearer {
            http: reqwest::Client::builder().timeout(PATIENCE).build()?,
            keys_url: keys_url.into(),
            validation,
            keys: Mutex::new(Keys { set: JwkSet { keys: Vec::new() }, asked: None }),
        })
    }

    /// The key of this name. All who wait for the issuer wait for one answer.
    async fn key(&self, id: &str) -> Result<DecodingKey, A2AError> {
        let mut keys = self.keys.lock().await;
        let is_known = keys.set.find(id).is_some();
        if !is_known && keys.asked.is_none_or(|asked| asked.elapsed() > ASK_EVERY) {
            keys.set = self.ask().await.map_err(|_| unavailable(PATIENCE))?;
            keys.asked = Some(Instant::now());
        }
        let key = keys.set.find(id).ok_or_else(not_valid)?;
        DecodingKey::from_jwk(key).map_err(|_| not_valid())
    }

    async fn ask(&self) -> reqwest::Result<JwkSet> {
        self.http.get(&self.keys_url).send().await?.error_for_status()?.json().await
    }
}

#[async_trait]
impl CallerResolver for Bearer {
    async fn resolve(&self, params: &ServiceParams) -> Result<Caller, A2AError> {
        let token = token(params).ok_or_else(unauthenticated)?;
        let header = decode_header(token).map_err(|_| not_valid())?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(not_valid());
        }
        let key = self.key(&header.kid.ok_or_else(not_valid)?).await?;
        let validation = Validation { algorithms: vec![header.alg], ..self.validation.clone() };
        let claims = decode::<Claims>(token, &key, &validation).map_err(|_| not_valid())?.claims;
        if !claims.scope.split(' ').any(|scope| scope == SCOPE) {
            return Err(forbidden(format!("the scope {SCOPE}")));
        }
        let known = claims.team.map(|team| ("team".to_owned(), team.into()));
        Ok(Caller::named(Principal::new(claims.sub)).with_claims(Map::from_iter(known)))
    }
}

/// The token of the one `Authorization` header.
fn token(params: &ServiceParams) -> Option<&str> {
    let [line] = params.get("authorization")?.as_slice() else { return None };
    let (scheme, token) = line.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Why a token is not believed is not for whoever sent it to know.
fn not_valid() -> A2AError {
    unauthenticated_by("Bearer error=\"invalid_token\"")
}
