//! Stands between a program and the endpoint as one of the declared roles: what that may not do is denied, as IAM denies it.
//! No emulator does.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use a2a_testworld::client::http;
use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use integration_tests::endpoint::{Account, Service};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::files::{each, terraform, text};
use super::pattern::fits;

/// Some actions on some resources, and, of a table, on these partitions only.
#[derive(Debug)]
struct Statement {
    actions: BTreeSet<String>,
    /// Tables, indexes of tables, or queues, where it is about those.
    resources: Vec<String>,
    partitions: Option<BTreeSet<String>>,
}

/// What one request asks for.
#[derive(Debug, PartialEq)]
struct Wanted {
    action: String,
    /// The table, the index or the queue; `None` for topics, and where there is none.
    resource: Option<String>,
    partitions: Vec<String>,
}

/// An account, called as one role.
pub(crate) struct Role {
    pub(crate) account: Account,
    denied: Arc<Mutex<Vec<String>>>,
    _serving: [AbortOnDropHandle<()>; 2],
}

#[derive(Clone)]
struct Proxy {
    statements: Arc<Vec<Statement>>,
    denied: Arc<Mutex<Vec<String>>>,
    upstreams: [String; 2],
    client: reqwest::Client,
}

impl Role {
    /// Takes a role that Terraform declares for a cluster with this table.
    pub(crate) async fn of(name: &str, table: &str, account: &Account) -> Self {
        let statements = Arc::new(declared(name, table));
        let url = |service| account.sdk_config(service).endpoint_url().unwrap().to_owned();
        let [dynamodb, sns, sqs] = [Service::DynamoDb, Service::Sns, Service::Sqs].map(url);
        let denied = Arc::default();
        let proxy = |upstreams| Proxy {
            statements: Arc::clone(&statements),
            denied: Arc::clone(&denied),
            upstreams,
            client: http(),
        };
        let (tables, one) = proxy([dynamodb.clone(), dynamodb]).serve().await;
        let (messages, other) = proxy([sns, sqs]).serve().await;
        let account = account.clone().through(&tables, &messages);
        Role { account, denied, _serving: [one, other] }
    }

    /// What was denied so far.
    pub(crate) fn denied(&self) -> Vec<String> {
        self.denied.lock().unwrap().clone()
    }
}

/// The statements of a role, with the names of the table and of its cluster's queues put in.
fn declared(role: &str, table: &str) -> Vec<Statement> {
    let module = terraform("deploy/terraform");
    let queues = text(&module["locals"]["queues"]).rsplit_once(':').unwrap().1;
    let queues = queues.replace("${local.topic}", &table.replace("-tasks", "-events"));
    let policy = &module["data"]["aws_iam_policy_document"][role];
    let texts = |value: &Value| each(value).into_iter().map(|one| text(one).to_owned()).collect::<Vec<_>>();
    let statements = each(&policy["statement"]).into_iter().map(|statement| {
        let keys = each(&statement["condition"]);
        let keys = keys.into_iter().find(|condition| condition["variable"] == "dynamodb:LeadingKeys");
        let resources = texts(&statement["resources"]).into_iter();
        Statement {
            actions: texts(&statement["actions"]).into_iter().collect(),
            resources: resources
                .map(|name| name.replace("${aws_dynamodb_table.tasks.arn}", table))
                .map(|name| name.replace("${local.queues}", &queues))
                .collect(),
            partitions: keys.map(|condition| texts(&condition["values"]).into_iter().collect()),
        }
    });
    let statements: Vec<_> = statements.collect();
    assert!(!statements.is_empty(), "no role {role}");
    statements
}

impl Statement {
    fn allows(&self, wanted: &Wanted) -> bool {
        let is_here = |resource: &str| self.resources.iter().any(|pattern| fits(pattern, resource));
        self.actions.contains(&wanted.action)
            && wanted.resource.as_deref().is_none_or(is_here)
            && self.partitions.as_ref().is_none_or(|allowed| {
                let may = |partition: &String| allowed.iter().any(|pattern| fits(pattern, partition));
                wanted.partitions.iter().all(may)
            })
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
    let wanted = wanted(&head.headers, &body);
    for one in &wanted {
        if !proxy.statements.iter().any(|statement| statement.allows(one)) {
            proxy.denied.lock().unwrap().push(format!("{one:?}"));
            return denial(&one.action);
        }
    }
    let [sns, sqs] = &proxy.upstreams;
    let is_sns = wanted.iter().any(|one| one.action.starts_with("sns:"));
    let upstream = if is_sns { sns } else { sqs };
    let url = format!("{}{}", upstream.trim_end_matches('/'), head.uri);
    let sent = proxy.client.request(head.method, url).headers(head.headers).body(body).send().await;
    let answer = sent.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    (status, headers, answer.bytes().await.unwrap()).into_response()
}

/// What a request asks for: of a transaction, what each of its parts does.
fn wanted(headers: &HeaderMap, body: &Bytes) -> Vec<Wanted> {
    let Some(target) = headers.get("x-amz-target") else {
        let form = String::from_utf8_lossy(body);
        let action = form.split('&').find_map(|pair| pair.strip_prefix("Action=")).unwrap_or_default();
        return vec![of_messages("sns", action, None)];
    };
    let (service, operation) = target.to_str().unwrap().split_once('.').unwrap();
    let body: Value = serde_json::from_slice(body).unwrap();
    if !service.starts_with("DynamoDB") {
        let queue = body["QueueName"].as_str().or_else(|| body["QueueUrl"].as_str()?.rsplit('/').next());
        return vec![of_messages("sqs", operation, queue)];
    }
    if operation == "TransactWriteItems" {
        let parts = body["TransactItems"].as_array().unwrap().iter();
        let parts = parts.flat_map(|part| part.as_object().unwrap());
        let name = |kind: &str| {
            if kind == "ConditionCheck" { "ConditionCheckItem".into() } else { format!("{kind}Item") }
        };
        return parts
            .map(|(kind, request)| of_table(&name(kind), request, text(&request["TableName"])))
            .collect();
    }
    if operation == "BatchGetItem" {
        let tables = body["RequestItems"].as_object().unwrap().iter();
        return tables.map(|(table, request)| of_table(operation, request, table)).collect();
    }
    vec![of_table(operation, &body, text(&body["TableName"]))]
}

/// Whoever may send one message may send a batch.
fn of_messages(service: &str, operation: &str, queue: Option<&str>) -> Wanted {
    let action = format!("{service}:{}", operation.trim_end_matches("Batch"));
    Wanted { action, resource: queue.map(str::to_owned), partitions: Vec::new() }
}

fn of_table(operation: &str, request: &Value, table: &str) -> Wanted {
    let index = request["IndexName"].as_str().map(|index| format!("/index/{index}")).unwrap_or_default();
    let mut partitions = Vec::new();
    let keys = request["Keys"].as_array().into_iter().flatten().chain([&request["Key"], &request["Item"]]);
    partitions.extend(keys.filter_map(|key| key["pk"]["S"].as_str()));
    let condition = request["KeyConditionExpression"].as_str().unwrap_or_default();
    if condition.starts_with("pk = :pk") {
        partitions.extend(request["ExpressionAttributeValues"][":pk"]["S"].as_str());
    }
    Wanted {
        action: format!("dynamodb:{operation}"),
        resource: Some(format!("{table}{index}")),
        partitions: partitions.into_iter().map(str::to_owned).collect(),
    }
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

#[test]
fn a_role_may_do_what_it_declares_on_its_tables_and_queues_and_no_more() {
    let janitor = declared("janitor", "a2a-tasks");
    let may = |action: &str, resource: &str, partition: &str| {
        let partitions = vec![partition.to_owned()];
        let wanted = Wanted { action: action.into(), resource: Some(resource.into()), partitions };
        janitor.iter().any(|statement| statement.allows(&wanted))
    };
    assert!(may("dynamodb:Query", "a2a-tasks", "I"));
    assert!(may("dynamodb:DeleteItem", "a2a-tasks-restored-1", "I"));
    assert!(!may("dynamodb:DeleteItem", "a2a-tasks-restored-1", "T##t"), "nothing of tasks");
    assert!(!may("dynamodb:Query", "another-tasks", "I"), "nothing elsewhere");
    assert!(may("dynamodb:Query", "a2a-tasks-restored-1/index/by-executor", ""));
    assert!(!may("dynamodb:Query", "a2a-tasks/index/by-caller", ""));
    let queue = |cluster: &str| format!("{cluster}-events-01999999-0000-7000-8000-000000000001");
    assert!(may("sqs:DeleteQueue", &queue("a2a"), ""));
    for other in ["a2a-events", "a2a-events-prod", "a2a-prod"] {
        assert!(!may("sqs:DeleteQueue", &queue(other), ""), "a queue of the cluster {other}");
    }
}
