//! The public card, and the one for callers who are known.

use std::sync::Arc;

use a2a::AgentCard;
use a2a_cluster::Config;
use a2a_serve::{GatewayHeader, Server, ServerError};
use a2a_server::ServiceParams;
use a2a_testkit::{ScriptedAgent, card};
use axum::Router;
use axum::body::Body;
use http::{HeaderName, Request};

use super::handler::Recorder;
use super::wire::{Answer, http, router};

async fn ask(method: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri("/.well-known/agent-card.json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    http(&router(&Recorder::new()), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn whoever_has_the_card_is_told_so() {
    let first = ask("GET", &[]).await;
    let tag = first.header("etag").to_owned();
    assert!(tag.len() > 8 && first.json()["name"].is_string(), "{first:?}");
    let weak = format!("W/{tag}");
    let among = format!("\"x\", {tag}");
    for (known, status) in
        [(&tag, 304), (&weak, 304), (&among, 304), (&"*".to_owned(), 304), (&"\"x\"".to_owned(), 200)]
    {
        let again = ask("GET", &[("if-none-match", known)]).await;
        assert_eq!((again.status.as_u16(), again.header("etag")), (status, tag.as_str()), "{known}");
        assert_eq!(again.text.is_empty(), status == 304, "{known}");
        assert!(again.header("cache-control").contains("max-age"), "{known}");
    }
}

#[tokio::test]
async fn any_page_may_read_the_card_and_none_with_credentials() {
    for origin in [&[][..], &[("origin", "https://example.com")]] {
        let answer = ask("GET", origin).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
}

fn with_extended() -> Server {
    let mut public = card("public");
    public.capabilities.extended_agent_card = Some(true);
    let extended = AgentCard { name: "extended".into(), ..public.clone() };
    Server::new(ScriptedAgent::default(), public)
        .extended_card(Arc::new(move |_: &ServiceParams| Ok(extended.clone())))
}

async fn extended(router: &Router, user: Option<&str>) -> Answer {
    let request = Request::get("/extendedAgentCard").header("a2a-version", "1.0");
    let request = match user {
        Some(user) => request.header("x-user", user),
        None => request,
    };
    http(router, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_extended_card_is_for_those_who_are_known() {
    let refused = with_extended().router().await.err().unwrap();
    assert!(matches!(refused, ServerError::Start(_)), "{refused:?}");
    assert!(refused.to_string().contains("extended_card_for_anybody"), "{refused}");

    let header = GatewayHeader::new(HeaderName::from_static("x-user"));
    let (_cluster, router) = with_extended().callers(Arc::new(header)).router().await.unwrap();
    let answer = extended(&router, Some("ann")).await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
    assert_eq!(answer.json()["name"], "extended");
    assert_eq!(extended(&router, None).await.status, 401);

    let config = Config::default().extended_card_for_anybody(true);
    let (_cluster, router) = with_extended().config(config).router().await.unwrap();
    assert_eq!(extended(&router, None).await.json()["name"], "extended");
}
