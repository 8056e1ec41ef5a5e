use std::net::Ipv4Addr;

use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::*;

/// Serves metadata, until the test ends.
async fn metadata(routes: Router) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move { axum::serve(listener, routes).await.unwrap() });
    format!("http://{address}")
}

fn on(hostname: &str) -> Environment {
    Environment { hostname: Some(hostname.to_owned()), ..Environment::default() }
}

async fn name(environment: &Environment, is_ec2: bool) -> Option<String> {
    discover(environment, is_ec2).await.map(|found| found.label(8080, true))
}

#[tokio::test]
async fn a_task_of_ecs_is_named_by_cluster_and_id() {
    let task = Json(serde_json::json!({
        "Cluster": "blue", "TaskARN": "arn:aws:ecs:eu-west-1:123456789012:task/blue/1f", "Family": "node"
    }));
    let metadata = metadata(Router::new().route("/v4/x/task", get(|| async move { task }))).await;
    let environment = Environment { ecs_metadata: Some(format!("{metadata}/v4/x")), ..on("ip-10-0-0-1") };
    assert_eq!(name(&environment, false).await.as_deref(), Some("ecs/blue/1f"));
}

#[tokio::test]
async fn a_pod_is_named_by_the_downward_api_or_by_its_host_name() {
    let mut pod = Environment { in_kubernetes: true, ..on("node-7d9f-x2") };
    assert_eq!(name(&pod, true).await.as_deref(), Some("k8s/node-7d9f-x2"));
    (pod.pod, pod.namespace) = (Some("node-0".to_owned()), Some("agents".to_owned()));
    assert_eq!(name(&pod, true).await.as_deref(), Some("k8s/agents/node-0"));
}

#[tokio::test]
async fn a_machine_of_ec2_is_asked_with_a_token_and_only_there() {
    let token = put(|| async { "secret" });
    let id = get(|headers: HeaderMap| async move {
        match headers.get("x-aws-ec2-metadata-token").map(|token| token.as_bytes()) {
            Some(b"secret") => (StatusCode::OK, "i-0123"),
            _ => (StatusCode::UNAUTHORIZED, ""),
        }
    });
    let routes = Router::new().route("/latest/api/token", token).route("/latest/meta-data/instance-id", id);
    let mut machine = Environment { ec2_metadata: Some(metadata(routes).await), ..on("laptop") };
    assert_eq!(name(&machine, true).await.as_deref(), Some("ec2/i-0123:8080"));
    assert_eq!(name(&machine, false).await.as_deref(), Some("laptop:8080"));
    machine.ec2_metadata_off = true;
    assert_eq!(name(&machine, true).await.as_deref(), Some("laptop:8080"));
}

#[tokio::test]
async fn metadata_that_makes_no_sense_is_passed_over() {
    let page = metadata(Router::new().fallback(|| async { "<html>" })).await;
    let mut environment = on("laptop");
    (environment.ecs_metadata, environment.ec2_metadata) = (Some(page.clone()), Some(page));
    assert_eq!(name(&environment, true).await.as_deref(), Some("laptop:8080"));
    assert_eq!(name(&Environment::default(), false).await, None);
}

#[tokio::test(start_paused = true)]
async fn metadata_that_does_not_answer_delays_nothing_for_long() {
    let silent = metadata(Router::new().fallback(std::future::pending::<&str>)).await;
    let environment = Environment { ecs_metadata: Some(silent), ..on("laptop") };
    let begun = tokio::time::Instant::now();
    assert_eq!(name(&environment, false).await.as_deref(), Some("laptop:8080"));
    assert!(begun.elapsed() <= PATIENCE * 2, "{:?}", begun.elapsed());
}

#[test]
fn a_name_is_one_short_word_and_has_a_port_where_others_may_share_it() {
    let named = Whereabouts::chosen("blue one\n");
    assert_eq!(named.label(80, true), "blue-one-");
    assert_eq!(named.label(81, false), "blue-one-:81");
    assert_eq!(Whereabouts::new(&"x".repeat(500), false).to_string().len(), LONGEST);
}
