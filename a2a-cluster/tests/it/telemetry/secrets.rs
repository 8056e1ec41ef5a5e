//! Nothing that a message, an artifact, a caller or a webhook says is logged, at any level.

use std::sync::Arc;
use std::time::Duration;

use a2a::{A2AError, Message, Part, Role, StreamResponse};
use a2a_serve::bindings::{RequestLimits, http_router};
use a2a_server::{AgentExecutor, ExecutorContext, StaticAgentCard};
use a2a_testkit::agent::STRAY;
use a2a_testkit::{Delay, Forecast, ScriptedAgent};
use a2a_testworld::principal::{PRINCIPAL, PrincipalHeader};
use axum::Router;
use axum::body::Body;
use futures::stream::{BoxStream, StreamExt};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::faulty::Faulty;
use super::logs::Logs;
use crate::world::{Bus, card, eventually, local_webhooks, on_every_bus, quick};

/// Stands in everything that is planted, and nowhere else.
const MARK: &str = "PLANTED";
const CHUNKS: &str = "work; talk 15 10; done";

/// The scripted agent, which plants something in every place that an event has.
#[derive(Debug)]
struct Indiscreet(ScriptedAgent);

impl AgentExecutor for Indiscreet {
    fn execute(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        self.0.execute(ctx).map(|said| said.map(planted)).boxed()
    }

    fn cancel(&self, ctx: ExecutorContext) -> BoxStream<'static, Result<StreamResponse, A2AError>> {
        self.0.cancel(ctx).map(|said| said.map(planted)).boxed()
    }
}

fn planted(mut event: StreamResponse) -> StreamResponse {
    let metadata = || Some([(format!("{MARK}-name"), json!(format!("{MARK}-value")))].into());
    match &mut event {
        StreamResponse::StatusUpdate(update) => {
            let mut message = Message::new(Role::Agent, vec![Part::text(format!("{MARK}-status"))]);
            message.metadata = metadata();
            update.status.message = Some(message);
            update.metadata = metadata();
            if update.task_id == STRAY {
                update.task_id = format!("{MARK}-task");
            }
        }
        StreamResponse::ArtifactUpdate(update) => {
            update.artifact.artifact_id = format!("{MARK}-id");
            update.artifact.name = Some(format!("{MARK}-name"));
            update.artifact.parts = vec![
                Part::text(format!("{MARK}-chunk")),
                Part::data(json!({ "data": format!("{MARK}-data") })),
            ];
            update.artifact.metadata = metadata();
            update.metadata = metadata();
        }
        StreamResponse::Task(_) | StreamResponse::Message(_) => {}
    }
    event
}

/// The HTTP routes of one instance.
struct Http(Router);

impl Http {
    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let answer = self.0.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = tokio::time::timeout(Duration::from_secs(20), answer.into_body().collect()).await;
        (status, String::from_utf8_lossy(&body.unwrap().unwrap().to_bytes()).into_owned())
    }

    async fn call(&self, method: &str, path: &str, body: impl Into<Body>) -> (StatusCode, String) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("a2a-version", "1.0")
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {MARK}-authorization"))
            .header("cookie", format!("{MARK}-cookie"))
            .header("traceparent", format!("{MARK}-traceparent"))
            .header(PRINCIPAL, format!("{MARK}-principal"));
        self.send(request.body(body.into()).unwrap()).await
    }

    async fn say(&self, text: &str, task: Option<&Value>) -> Value {
        let (_, body) = self.call("POST", "/message:send", message(text, task).to_string()).await;
        serde_json::from_str(&body).unwrap_or_default()
    }
}

fn message(text: &str, task: Option<&Value>) -> Value {
    let mut message = json!({
        "messageId": uuid::Uuid::now_v7().to_string(),
        "role": "ROLE_USER",
        "parts": [
            { "text": format!("{text} {MARK}-message") },
            { "url": format!("https://example.com/{MARK}-file") },
            { "data": { "inner": format!("{MARK}-data") } },
        ],
        "metadata": { format!("{MARK}-key"): format!("{MARK}-value") },
    });
    if let Some(id) = task {
        message["taskId"] = id.clone();
    }
    json!({ "message": message, "metadata": { "request": format!("{MARK}-metadata") } })
}

fn webhook() -> Value {
    json!({
        "url": format!("http://user:{MARK}-password@127.0.0.1:9/{MARK}-path?{MARK}-query"),
        "token": format!("{MARK}-token"),
        "authentication": { "scheme": "Bearer", "credentials": format!("{MARK}-credentials") },
    })
}

async fn everyday_life(here: &Http, there: &Http) {
    let mut first = message(CHUNKS, None);
    first["configuration"] = json!({ "returnImmediately": true, "taskPushNotificationConfig": webhook() });
    let (status, task) = here.call("POST", "/message:send", first.to_string()).await;
    assert_eq!(status, StatusCode::OK, "{task}");
    let id = serde_json::from_str::<Value>(&task).unwrap()["task"]["id"].as_str().unwrap().to_owned();
    let (_, config) =
        there.call("POST", &format!("/tasks/{id}/pushNotificationConfigs"), webhook().to_string()).await;
    assert!(config.contains(MARK), "{config}");
    there.call("GET", &format!("/tasks/{id}/pushNotificationConfigs"), "").await;
    let (_, events) = there.call("POST", &format!("/tasks/{id}:subscribe"), "").await;
    assert!(events.contains("TASK_STATE_COMPLETED") && events.contains(MARK), "{events}");
    here.call("GET", &format!("/tasks/{id}"), "").await;
    there.call("GET", &format!("/tasks?pageToken={MARK}-page"), "").await;
    there.call("GET", "/tasks?includeArtifacts=true", "").await;

    let parked = here.say("work; ask", None).await;
    let parked = &parked["task"]["id"];
    assert!(parked.is_string());
    assert_eq!(there.say(CHUNKS, Some(parked)).await["task"]["status"]["state"], "TASK_STATE_COMPLETED");
    let mut hanging = message("hang", None);
    hanging["configuration"] = json!({ "returnImmediately": true });
    let (_, hanging) = here.call("POST", "/message:send", hanging.to_string()).await;
    let id = serde_json::from_str::<Value>(&hanging).unwrap()["task"]["id"].as_str().unwrap().to_owned();
    let body = json!({ "metadata": { "why": format!("{MARK}-why") } }).to_string();
    let (_, canceled) = there.call("POST", &format!("/tasks/{id}:cancel"), body).await;
    assert!(canceled.contains("TASK_STATE_CANCELED"), "{canceled}");
    for command in ["work; panic", "work; error", "error", "work; stray"] {
        here.say(command, None).await;
    }
}

async fn hostile_callers(http: &Http) {
    let long = format!("{MARK}{}", "x".repeat(10_000));
    for (method, path, body) in [
        ("POST", "/message:send", format!("{{\"message\": {MARK}")),
        ("POST", "/message:send", json!({ "message": { "role": format!("{MARK}-role") } }).to_string()),
        ("POST", "/message:send", message(CHUNKS, Some(&json!(long))).to_string()),
        ("POST", "/message:send", message(CHUNKS, Some(&json!("unknown"))).to_string()),
        ("POST", "/", json!({ "jsonrpc": "2.0", "id": 1, "method": format!("{MARK}-method") }).to_string()),
        ("POST", "/", format!("[\"{MARK}\"]")),
        (
            "POST",
            "/",
            json!({ "jsonrpc": "2.0", "id": format!("{MARK}-id"), "method": "GetTask",
            "params": { "id": 7, "tenant": format!("{MARK}-tenant") } })
            .to_string(),
        ),
        ("GET", &format!("/{MARK}-path"), String::new()),
        ("GET", &format!("/tasks?status={MARK}-status&pageSize={MARK}"), String::new()),
        ("PUT", "/tasks", format!("{MARK}-body")),
    ] {
        let (status, _) = http.call(method, path, body).await;
        assert!(
            status.is_client_error() || status.is_server_error() || path == "/",
            "{method} {path}: {status}"
        );
    }
    let request = || Request::post("/message:send").header(PRINCIPAL, format!("{MARK}-principal"));
    for request in [
        request().header("a2a-version", format!("{MARK}-version")),
        request().header("content-type", format!("{MARK}/type")),
        request().header("a2a-extensions", format!("{MARK}-extension")).header("content-type", "text/plain"),
        Request::get("/tasks").header("authorization", format!("Bearer {MARK}-authorization")),
    ] {
        let (status, _) = http.send(request.body(Body::from(format!("{MARK}-body"))).unwrap()).await;
        assert!(!status.is_success(), "{status}");
    }
}

async fn broken_backends(faulty: &Faulty, here: &Http, there: &Http) {
    faulty.weather.set(Forecast {
        write_refused: 0.3,
        answer_lost: 0.2,
        read_failed: 0.3,
        send_failed: 0.5,
        loss: 0.3,
        bus_delay: Delay::between(Duration::ZERO, Duration::from_millis(30)),
        ..Forecast::calm()
    });
    for n in 0..6 {
        let (one, other) = if n % 2 == 0 { (here, there) } else { (there, here) };
        let parked = one.say("work; ask", None).await;
        other.say(CHUNKS, parked["task"]["id"].is_string().then_some(&parked["task"]["id"])).await;
    }
    faulty.deaf.set(true);
    faulty.weather.set(Forecast { read_failed: 1.0, write_refused: 1.0, ..Forecast::calm() });
    let refused = here.say(CHUNKS, None).await;
    assert!(refused["error"].is_object(), "{refused}");
    there.call("GET", "/tasks", "").await;
    faulty.weather.set(Forecast::calm());
    faulty.deaf.set(false);
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn no_log_line_says_what_messages_callers_or_webhooks_say(bus) {
        let logs = Logs::capture();
        let faulty = Faulty::start(2, bus, Arc::new(Indiscreet(ScriptedAgent::default())), |builder| {
            let config = quick().request_patience(Duration::from_millis(200));
            builder.config(config).callers(Arc::new(PrincipalHeader)).webhooks(local_webhooks())
        })
        .await;
        let http = |n: usize| {
            let handler = faulty.nodes[n].cluster.handler();
            Http(http_router(handler, Arc::new(StaticAgentCard::new(card())), &RequestLimits::default()))
        };
        let (here, there) = (http(0), http(1));
        everyday_life(&here, &there).await;
        hostile_callers(&here).await;
        broken_backends(&faulty, &here, &there).await;
        eventually("a task works again", || async {
            here.say(CHUNKS, None).await["task"]["status"]["state"] == "TASK_STATE_COMPLETED"
        })
        .await;
        faulty.shutdown().await;

        let text = logs.text();
        for name in ["request", "run", "commit", "send", "deliver"] {
            let seen = !logs.spans(name).is_empty();
            assert!(seen || (name, bus) == ("deliver", Bus::Unplugged), "no span {name} was seen");
        }
        for said in ["a backend is unavailable", "the bus cannot be read", "an agent broke the protocol"] {
            assert!(text.contains(said), "nobody said that {said}");
        }
        let told: Vec<&str> = text.lines().filter(|line| line.contains(MARK)).collect();
        assert!(told.is_empty(), "{told:#?}");
    }
}
