//! A whole server under a path of somebody else's.

use a2a_serve::Server;
use a2a_testkit::{ScriptedAgent, card};
use axum::Router;
use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;

use super::wire::{http, message, rest};

#[tokio::test]
async fn a_server_is_found_under_a_prefix_with_and_without_a_slash() {
    let (cluster, router) = Server::new(ScriptedAgent::default(), card("nested")).router().await.unwrap();
    // What axum nests as a router it does not find by the prefix with a slash behind it.
    for (outer, prefix, roots) in [
        (Router::new().nest_service("/prefix", router.clone()), "/prefix", &["", "/"][..]),
        (Router::new().nest_service("/a/{b}", router.clone()), "/a/b", &["", "/"]),
        (Router::new().nest("/prefix", router.clone()), "/prefix", &[""]),
    ] {
        for path in roots {
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ListTasks" }).to_string();
            let request = Request::post(format!("{prefix}{path}")).header("a2a-version", "1.0");
            let answer = http(&outer, request.body(Body::from(body)).unwrap()).await;
            assert_eq!((answer.status, answer.rpc_code()), (StatusCode::OK, 0), "{prefix}{path}");
        }
        for path in ["/tasks", "/healthz", "/readyz", "/.well-known/agent-card.json", "/some-tenant/tasks"] {
            let answer = http(&outer, get(&format!("{prefix}{path}"))).await;
            assert_eq!(answer.status, StatusCode::OK, "{prefix}{path}: {}", answer.text);
        }
        let sent = json!({ "message": message() });
        let answer = rest(&outer, "POST", &format!("{prefix}/message:send"), Some(sent)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    cluster.shutdown(std::time::Duration::ZERO).await;
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("a2a-version", "1.0").body(Body::empty()).unwrap()
}
