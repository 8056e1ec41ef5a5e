//! The example's resolver of callers, with an issuer whose keys change: it may take its time, and refuse.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use a2a_serve::Server;
use a2a_testkit::ScriptedAgent;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use axum::routing::get;
use axum::{Json, Router};
use bearer::Bearer;
use http::{Request, StatusCode};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::wire::{Answer, http};

#[path = "../../examples/jwt/bearer.rs"]
mod bearer;

const ISSUER: &str = "https://issuer.example.com";

/// Signs tokens, and says with which keys.
struct Issuer {
    key: EncodingKey,
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

fn new_key() -> EncodingKey {
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    EncodingKey::from_ec_der(pair.as_ref())
}

impl Issuer {
    async fn start() -> Self {
        let key = new_key();
        let mut shown = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        shown.common.key_id = Some("k1".to_owned());
        let set = JwkSet { keys: vec![shown] };
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let keys = Router::new().route(
            "/keys",
            get(move || async move {
                counted.fetch_add(1, Ordering::Relaxed);
                Json(set)
            }),
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, keys).await });
        Issuer { key, address, asked }
    }

    /// A token that says this instead of, or beside, what a good one says.
    fn token(&self, id: &str, change: Value) -> String {
        signed(&self.key, id, change)
    }
}

fn signed(key: &EncodingKey, id: &str, change: Value) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut claims =
        json!({ "iss": ISSUER, "aud": "agent", "sub": "ann", "scope": "a agent:call", "exp": now + 600 });
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(id.to_owned());
    encode(&header, &claims, key).unwrap()
}

async fn router(keys_url: String) -> Router {
    let callers = Bearer::new(ISSUER, "agent", keys_url).unwrap();
    let card = a2a_testkit::card("known callers");
    let server = Server::new(ScriptedAgent::default(), card).callers(Arc::new(callers));
    let (cluster, router) = server.router().await.unwrap();
    // It ends with the test's runtime.
    std::mem::forget(cluster);
    router
}

async fn ask(router: &Router, authorization: Option<&str>) -> Answer {
    let request = Request::get("/tasks").header("a2a-version", "1.0");
    let request = match authorization {
        Some(line) => request.header("authorization", line),
        None => request,
    };
    http(router, request.body(axum::body::Body::empty()).unwrap()).await
}

#[tokio::test]
async fn only_whoever_the_issuer_vouches_for_is_served() {
    let issuer = Issuer::start().await;
    let router = router(format!("http://{}/keys", issuer.address)).await;
    let bearer = |token: String| format!("Bearer {token}");
    let good = bearer(issuer.token("k1", json!({})));
    assert_eq!(ask(&router, Some(&good)).await.status, StatusCode::OK);

    let foreign = signed(&new_key(), "k1", json!({}));
    let (head, rest) = good.rsplit_once('.').unwrap();
    let other = if rest.starts_with('A') { 'B' } else { 'A' };
    let broken = format!("{head}.{other}{}", &rest[1..]);
    let refused = [
        None,
        Some("Bearer".to_owned()),
        Some("Bearer x".to_owned()),
        Some(good.replace("Bearer", "Basic")),
        Some(broken),
        Some(bearer(foreign)),
        Some(bearer(issuer.token("k2", json!({})))),
        Some(bearer(issuer.token("k1", json!({ "aud": "other" })))),
        Some(bearer(issuer.token("k1", json!({ "iss": "https://other.example.com" })))),
        Some(bearer(issuer.token("k1", json!({ "exp": 1 })))),
        Some(bearer(issuer.token("k1", json!({ "nbf": 1_u64 << 40 })))),
    ];
    for line in refused {
        let answer = ask(&router, line.as_deref()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{line:?}: {}", answer.text);
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{line:?}");
    }
    let narrow = ask(&router, Some(&bearer(issuer.token("k1", json!({ "scope": "agent:callx" }))))).await;
    assert_eq!(narrow.status, StatusCode::FORBIDDEN);
    assert!(narrow.text.contains("agent:call"), "{}", narrow.text);
    // A key of which nobody has heard makes the issuer be asked again once a minute at most.
    assert_eq!(issuer.asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_issuer_that_is_away_makes_callers_come_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let router = router(format!("http://{address}/keys")).await;
    let answer = ask(&router, Some(&format!("Bearer {}", signed(&new_key(), "k1", json!({}))))).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.text);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!(Duration::from_secs(wait) >= Duration::from_secs(1));
}
