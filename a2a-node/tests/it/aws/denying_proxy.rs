//! Stands between the binary and the endpoint and denies actions, as IAM does to a role that lacks them: no emulator
//! does.

use a2a_testaws::{Account, Service};
use a2a_testworld::client::http;
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// A proxy before DynamoDB, and one before SNS and SQS.
pub(crate) struct DenyingProxy {
    /// The account, called through the proxies.
    pub account: Account,
    _serving: [AbortOnDropHandle<()>; 2],
}

#[derive(Clone)]
struct Proxy {
    denied: &'static str,
    upstreams: [String; 2],
    client: reqwest::Client,
}

impl DenyingProxy {
    /// Denies one action, such as `dynamodb:PutItem`, of this account.
    pub(crate) async fn denying(denied: &'static str, account: &Account) -> Self {
        let url = |service| account.sdk_config(service).endpoint_url().unwrap().to_owned();
        let [dynamodb, sns, sqs] = [Service::DynamoDb, Service::Sns, Service::Sqs].map(url);
        let client = http();
        let proxy = |upstreams| Proxy { denied, upstreams, client: client.clone() };
        let (tables, one) = proxy([dynamodb.clone(), dynamodb]).serve().await;
        let (messages, other) = proxy([sns, sqs]).serve().await;
        Self { account: account.clone().through(&tables, &messages), _serving: [one, other] }
    }
}

impl Proxy {
    async fn serve(self) -> (String, AbortOnDropHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().fallback(forward).with_state(self);
        let serving = TaskTracker::new().spawn(async { axum::serve(listener, routes).await.unwrap() });
        (url, AbortOnDropHandle::new(serving))
    }
}

async fn forward(State(proxy): State<Proxy>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let action = action(&head.headers, &body);
    if action == proxy.denied {
        return denial(&action);
    }
    let [sns, sqs] = &proxy.upstreams;
    let upstream = if action.starts_with("sns:") { sns } else { sqs };
    let url = format!("{}{}", upstream.trim_end_matches('/'), head.uri);
    let answer =
        proxy.client.request(head.method, url).headers(head.headers).body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap()).into_response()
}

/// The action as policies name it: whoever may send one message may send a batch.
fn action(headers: &HeaderMap, body: &Bytes) -> String {
    if let Some(target) = headers.get("x-amz-target") {
        let (service, operation) = target.to_str().unwrap().split_once('.').unwrap();
        let service = if service.starts_with("DynamoDB") { "dynamodb" } else { "sqs" };
        return format!("{service}:{}", operation.trim_end_matches("Batch"));
    }
    let form = String::from_utf8_lossy(body);
    let action = form.split('&').find_map(|pair| pair.strip_prefix("Action="));
    format!("sns:{}", action.unwrap_or_default().trim_end_matches("Batch"))
}

/// In the words of AWS, in the form of the service's protocol.
fn denial(action: &str) -> Response {
    let message =
        format!("User: arn:aws:iam::123456789012:user/somebody is not authorized to perform: {action}");
    if action.starts_with("sns:") {
        let xml = format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type>\
             <Code>AuthorizationError</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        return (StatusCode::FORBIDDEN, [("content-type", "text/xml")], xml).into_response();
    }
    let error = serde_json::json!({
        "__type": "com.amazon.coral.service#AccessDeniedException", "message": message,
    });
    let json = [("content-type", "application/x-amz-json-1.0")];
    (StatusCode::BAD_REQUEST, json, error.to_string()).into_response()
}
