//! The floor: a plain endpoint of the same HTTP library, with no protocol behind it.
//!
//! It reads the request as JSON and writes lines of about the length that the protocol's have. It keeps nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_testkit::ScriptedAgent;
use a2a_testkit::agent::Said;
use axum::Router;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::Value;
use tokio::sync::broadcast;
use tokio_util::task::TaskTracker;

use super::played;

/// More than a fan-out says in all.
const CAPACITY: usize = 4096;

struct Floor {
    agent: ScriptedAgent,
    /// What those hear who subscribed; `None` is the end.
    shared: broadcast::Sender<Option<Arc<str>>>,
    tracker: TaskTracker,
}

pub(super) fn router(agent: ScriptedAgent) -> Router {
    let floor = Floor { agent, shared: broadcast::Sender::new(CAPACITY), tracker: TaskTracker::new() };
    Router::new().route("/", post(answer)).with_state(Arc::new(floor))
}

async fn answer(State(floor): State<Arc<Floor>>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = request.pointer("/params/message/parts/0/text").and_then(Value::as_str).unwrap_or_default();
    let at_once = request.pointer("/params/configuration/returnImmediately").is_some();
    match request.get("method").and_then(Value::as_str).unwrap_or_default() {
        "SendStreamingMessage" => sse(played(&floor.agent, text).map(|said| line(&said).into()).boxed()),
        "SubscribeToTask" => {
            let heard = stream::unfold(floor.shared.subscribe(), async |mut receiver| {
                let line = receiver.recv().await.ok()??;
                Some((line, receiver))
            });
            sse(stream::iter([Arc::from(line(&Said::State(TaskState::Working)))]).chain(heard).boxed())
        }
        _ if at_once => {
            let mut said = played(&floor.agent, text).boxed();
            let shared = floor.shared.clone();
            floor.tracker.spawn(async move {
                while let Some(said) = said.next().await {
                    let _ = shared.send(Some(line(&said).into()));
                }
                let _ = shared.send(None);
            });
            answered(r#"{"task":{"id":"the-task"}}"#)
        }
        _ => {
            let said: Vec<String> = played(&floor.agent, text).map(|said| line(&said)).collect().await;
            answered(&format!(r#"{{"task":[{}]}}"#, said.join(",")))
        }
    }
}

fn answered(result: &str) -> Response {
    let head = [("content-type", "application/json")];
    (head, format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#)).into_response()
}

fn sse(lines: BoxStream<'static, Arc<str>>) -> Response {
    let mut id = 0u64;
    let events = lines.map(move |line| {
        id += 1;
        Ok::<_, Infallible>(Event::default().id(id.to_string()).data(line))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}

fn line(said: &Said) -> String {
    let ids = r#""taskId":"0198c0de-0000-7000-8000-000000000000","contextId":"0198c0de-0000-7000-8000-000000000001""#;
    match said {
        Said::State(TaskState::Completed) => status(ids, "COMPLETED"),
        Said::Chunk { part, first, .. } => format!(
            r#"{{"jsonrpc":"2.0","id":1,"result":{{"artifactUpdate":{{{ids},"artifact":{{"artifactId":"out","parts":[{{"text":"{}"}}]}},"append":{}}}}}}}"#,
            part.as_text().unwrap_or_default(),
            !first
        ),
        _ => status(ids, "WORKING"),
    }
}

fn status(ids: &str, state: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"statusUpdate":{{{ids},"status":{{"state":"TASK_STATE_{state}"}}}}}}}}"#
    )
}
