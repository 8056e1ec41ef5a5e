//! What a page's script may do: nothing by default but reading the card; then what the setting says.

use a2a_serve::{Cors, Server};
use a2a_testkit::{ScriptedAgent, card};
use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Request};

use super::wire::{Answer, http};

const PAGE: &str = "https://app.example.com";
const OTHER: &str = "https://evil.example.com";

async fn router(cors: Option<Cors>) -> Router {
    let server = Server::new(ScriptedAgent::default(), card("for browsers"));
    let server = match cors {
        Some(cors) => server.cors(cors),
        None => server,
    };
    let (cluster, router) = server.router().await.unwrap();
    // It ends with the test's runtime.
    std::mem::forget(cluster);
    router
}

fn named() -> a2a_serve::CorsOrigins {
    Cors::origins([HeaderValue::from_static(PAGE)])
}

async fn preflight(router: &Router, origin: &str, path: &str) -> Answer {
    let request = Request::options(path).header("origin", origin);
    let request = request.header("access-control-request-method", "POST");
    let request = request.header("access-control-request-headers", "a2a-version, content-type");
    http(router, request.body(Body::empty()).unwrap()).await
}

async fn read(router: &Router, origin: &str, path: &str) -> Answer {
    let request = Request::get(path).header("origin", origin).header("a2a-version", "1.0");
    http(router, request.body(Body::empty()).unwrap()).await
}

const ALLOWED: &str = "access-control-allow-origin";
const CREDENTIALS: &str = "access-control-allow-credentials";
const CARD: &str = "/.well-known/agent-card.json";

#[tokio::test]
async fn no_page_may_call_unless_it_is_set() {
    let router = router(None).await;
    for path in ["/", "/message:send", "/tasks"] {
        assert_eq!(preflight(&router, PAGE, path).await.header(ALLOWED), "", "{path}");
    }
    assert_eq!(read(&router, PAGE, "/tasks").await.header(ALLOWED), "");
    let card = read(&router, PAGE, CARD).await;
    assert_eq!((card.header(ALLOWED), card.header(CREDENTIALS)), ("*", ""));
}

#[tokio::test]
async fn any_page_may_call_without_credentials() {
    let router = router(Some(Cors::any_origin())).await;
    for path in ["/", "/message:send"] {
        let answer = preflight(&router, OTHER, path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header(ALLOWED), answer.header(CREDENTIALS)),
            (200, "*", "")
        );
        let headers = answer.header("access-control-allow-headers");
        for wanted in ["a2a-version", "content-type", "authorization", "idempotency-key"] {
            assert!(headers.contains(wanted), "{headers}");
        }
    }
    for path in ["/tasks", "/tasks/nobody", CARD] {
        let answer = read(&router, OTHER, path).await;
        let all: Vec<_> = answer.headers.get_all(ALLOWED).iter().collect();
        assert_eq!(all, ["*"], "{path}");
    }
}

#[tokio::test]
async fn only_named_pages_may_call_and_only_they_with_credentials() {
    for (cors, credentials) in [(named().into(), ""), (named().with_credentials(), "true")] {
        let router = router(Some(cors)).await;
        let answer = preflight(&router, PAGE, "/").await;
        assert_eq!((answer.header(ALLOWED), answer.header(CREDENTIALS)), (PAGE, credentials));
        assert_eq!(preflight(&router, OTHER, "/").await.header(ALLOWED), "");
        assert_eq!(read(&router, PAGE, "/tasks").await.header(ALLOWED), PAGE);
        let other = read(&router, OTHER, "/tasks").await;
        assert_eq!(other.header(ALLOWED), "");
        assert!(other.header("vary").contains("origin"), "{:?}", other.headers);
    }
}

#[tokio::test]
async fn what_a_page_sends_without_asking_changes_nothing() {
    let send = r#"{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":
        {"messageId":"m","role":"ROLE_USER","parts":[{"text":"echo hi"}]}}}"#;
    let ask = async |router: &Router, path: &str, kind: Option<&str>, origin: &str, body: &'static str| {
        let request = Request::post(format!("{path}?A2A-Version=1.0")).header("host", "agent.example.com");
        let request = request.header("origin", origin);
        let request = match kind {
            Some(kind) => request.header("content-type", kind),
            None => request,
        };
        http(router, request.body(Body::from(body)).unwrap()).await
    };
    let router_of = async |cors| router(cors).await;
    let closed = router_of(None).await;
    // What has no type, a browser sends without a preflight.
    assert_eq!(ask(&closed, "/", None, "https://agent.example.com", send).await.status, 415);
    for (path, body) in [("/", send), ("/tasks/t:cancel", "")] {
        for origin in [OTHER, "null"] {
            let refused = ask(&closed, path, Some("application/json"), origin, body).await;
            assert_eq!(refused.status, 403, "{path} {origin}");
        }
        let own = ask(&closed, path, Some("application/json"), "https://agent.example.com", body).await;
        assert_ne!(own.status, 403, "{path}");
        let named = router_of(Some(named().into())).await;
        assert_ne!(ask(&named, path, Some("application/json"), PAGE, body).await.status, 403, "{path}");
        assert_eq!(ask(&named, path, Some("application/json"), OTHER, body).await.status, 403, "{path}");
        let any = router_of(Some(Cors::any_origin())).await;
        assert_ne!(ask(&any, path, Some("application/json"), OTHER, body).await.status, 403, "{path}");
    }
    // Each binding says so in its own form.
    let refused = ask(&closed, "/", Some("application/json"), OTHER, send).await;
    assert_eq!(refused.json()["jsonrpc"], "2.0");
    let refused = ask(&closed, "/tasks/t:cancel", None, OTHER, "").await;
    assert_eq!(refused.json()["error"]["code"], 403);
    let refused = ask(&closed, "/lf.a2a.v1.A2AService/CancelTask", Some("application/grpc"), OTHER, "").await;
    assert_eq!((refused.status.as_u16(), refused.header("grpc-status")), (200, "3"));
}

#[tokio::test]
async fn a_page_whose_name_leads_here_is_not_answered() {
    let server = Server::new(ScriptedAgent::default(), card("local")).listen("127.0.0.1:0");
    let serving = server.serve().await.unwrap();
    let url = format!("http://{}", serving.address());
    let ask = |path: &str, host: &str| {
        let request = reqwest::Client::new().get(format!("{url}{path}")).header("a2a-version", "1.0");
        let request = request.header("host", host.to_owned());
        async move { request.send().await.unwrap().status().as_u16() }
    };
    for path in ["/tasks", CARD] {
        assert_eq!(ask(path, "evil.example.com").await, 421, "{path}");
        assert_eq!(ask(path, "localhost").await, 200, "{path}");
    }
    // It is told why, though it sends more than anybody wants.
    let much = reqwest::Client::new().post(format!("{url}/message:send")).header("host", "evil.example.com");
    let refused = much.body(vec![b'x'; 24 * 1024 * 1024]).send().await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["cache-control"]),
        (421, &"no-store".parse().unwrap())
    );
    // Whoever looks after the process may call it as they like.
    assert_eq!(ask("/healthz", "10.0.0.7:8080").await, 200);
    serving.shutdown(std::time::Duration::ZERO, std::time::Duration::ZERO).await;
}
