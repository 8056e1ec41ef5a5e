//! What every answer has, whatever the binding: the extensions in use, and a count of the errors.

use std::sync::Arc;

use a2a::{AgentCard, AgentExtension};
use a2a_serve::bindings::{RequestLimits, router};
use a2a_server::StaticAgentCard;
use axum::Router;
use axum::body::Body;
use http::Request;
use metrics_exporter_prometheus::PrometheusBuilder;

use super::handler::{Recorder, card};
use super::wire::{Answer, http};

fn with_extensions() -> AgentCard {
    let mut card = card();
    let extension =
        |uri: &str| AgentExtension { uri: uri.to_owned(), description: None, required: None, params: None };
    card.capabilities.extensions = Some(vec![extension("urn:one"), extension("urn:two")]);
    card
}

fn whole(handler: &Arc<Recorder>) -> Router {
    router(Arc::clone(handler), Arc::new(StaticAgentCard::new(with_extensions())), &RequestLimits::default())
}

const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ListTasks"}"#;

/// The same question on each binding.
async fn ask(router: &Router, extensions: &str) -> [Answer; 3] {
    let with = |request: http::request::Builder, body: Body| {
        let request = request.header("a2a-version", "1.0").header("a2a-extensions", extensions);
        http(router, request.body(body).unwrap())
    };
    let grpc = Request::post("/lf.a2a.v1.A2AService/ListTasks").header("content-type", "application/grpc");
    [
        with(Request::post("/"), Body::from(LIST)).await,
        with(Request::get("/tasks"), Body::empty()).await,
        with(grpc.header("te", "trailers"), Body::from(&[0_u8; 5][..])).await,
    ]
}

#[tokio::test]
async fn an_answer_names_the_extensions_that_are_in_use_and_an_error_none() {
    let handler = Recorder::new();
    let router = whole(&handler);
    for (asked, used) in
        [("urn:two, urn:three", "urn:two"), ("urn:three", ""), ("urn:two,urn:one", "urn:one, urn:two")]
    {
        for answer in ask(&router, asked).await {
            assert_eq!(answer.header("a2a-extensions"), used, "{asked}: {answer:?}");
        }
    }
    handler.fail_with(a2a::A2AError::internal("broken"));
    for answer in ask(&router, "urn:one").await {
        assert_eq!(answer.header("a2a-extensions"), "", "{answer:?}");
    }
}

#[tokio::test]
async fn errors_are_counted_by_binding_and_kind() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let shown = recorder.handle();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let handler = Recorder::new();
    let router = whole(&handler);
    ask(&router, "").await;
    // None yet, and what counts against availability is there already.
    let text = shown.render();
    let errors: Vec<_> = text.lines().filter(|line| line.starts_with("a2a_request_errors_total{")).collect();
    assert!(errors.len() == 3 * 5 && errors.iter().all(|line| line.ends_with(" 0")), "{errors:?}");
    let asked = |times: u8| {
        ["jsonrpc", "rest", "grpc"]
            .map(|binding| format!("a2a_requests_total{{binding=\"{binding}\"}} {times}"))
    };
    assert!(asked(1).iter().all(|line| shown.render().contains(line)), "{}", shown.render());
    handler.fail_with(a2a::A2AError::task_not_found("t1"));
    ask(&router, "").await;
    handler.fail_with(a2a_cluster::unauthenticated());
    ask(&router, "").await;
    let text = shown.render();
    assert!(asked(3).iter().all(|line| text.contains(line)), "{text}");
    for binding in ["jsonrpc", "rest", "grpc"] {
        for code in ["NOT_FOUND", "UNAUTHENTICATED"] {
            let line = format!("a2a_request_errors_total{{binding=\"{binding}\",code=\"{code}\"}} 1");
            assert!(text.contains(&line), "{line}: {text}");
        }
    }
}
