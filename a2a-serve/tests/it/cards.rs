//! The public card.

use axum::body::Body;
use http::Request;

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
