//! `serve --otlp`: what a collector gets of requests.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{IntoFuture, ready};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::node::{self, Node, soon};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const UNSAMPLED: &str = "5bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A collector, and what it got.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<(HeaderMap, Bytes)>>>);

impl Collector {
    async fn listen(&self) -> (String, JoinSet<()>) {
        let got = Arc::clone(&self.0);
        let take = post(move |headers: HeaderMap, body: Bytes| {
            got.lock().unwrap().push((headers, body));
            ready(())
        });
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", socket.local_addr().unwrap());
        let mut serving = JoinSet::new();
        let served = axum::serve(socket, Router::new().route("/v1/traces", take)).into_future();
        serving.spawn(async move { served.await.unwrap() });
        (address, serving)
    }

    /// All spans: ExportTraceServiceRequest holds ResourceSpans, which hold ScopeSpans, which hold these.
    fn spans(&self) -> Vec<Span> {
        let got = self.0.lock().unwrap();
        let within = |parts: Vec<Vec<u8>>, field| -> Vec<Vec<u8>> {
            parts.iter().flat_map(|part| fields(part).remove(&field).unwrap_or_default()).collect()
        };
        let requests = got.iter().map(|(_, body)| body.to_vec()).collect();
        within(within(within(requests, 1), 2), 2).iter().map(|span| Span::read(span)).collect()
    }
}

/// The fields of a message of protocol buffers that have a length, by their numbers.
fn fields(mut message: &[u8]) -> BTreeMap<u64, Vec<Vec<u8>>> {
    fn varint(message: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = message[0];
            *message = &message[1..];
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }
    let mut found = BTreeMap::<_, Vec<_>>::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let length = match tag & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut message)).unwrap(),
            5 => 4,
            other => panic!("what is wire type {other}?"),
        };
        let (value, rest) = message.split_at(length);
        message = rest;
        if tag & 7 == 2 {
            found.entry(tag >> 3).or_default().push(value.to_vec());
        }
    }
    found
}

/// What is looked at of a span.
#[derive(Debug)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
    instance: Option<String>,
}

impl Span {
    fn read(span: &[u8]) -> Self {
        let own = fields(span);
        let first = |field| own.get(&field).and_then(|values| values.first().cloned()).unwrap_or_default();
        let hex = |field| first(field).iter().map(|byte| format!("{byte:02x}")).collect();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let instance = own.get(&9).and_then(|attributes| {
            attributes.iter().find_map(|attribute| {
                let pair = fields(attribute);
                (text(&pair[&1][0]) == "instance").then(|| text(&fields(&pair[&2][0])[&1][0]))
            })
        });
        Span { trace: hex(1), id: hex(2), parent: hex(4), name: text(&first(5)), instance }
    }
}

/// Starts a task on the first instance, follows it on the second to its end.
async fn through_both(node: &Node, trace: &str, flags: &str) {
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {
            "message": { "messageId": "m-1", "role": "ROLE_USER", "parts": [{ "text": "stream 30 20" }] },
            "configuration": { "returnImmediately": true },
        },
    });
    let http = reqwest::Client::new();
    let send = http.post(format!("{}/", node.instances[0].http)).header("A2A-Version", "1.0");
    let send = send.header("traceparent", format!("00-{trace}-{PARENT}-{flags}")).json(&call).send();
    let answer: Value = soon(async { send.await.unwrap().json().await.unwrap() }).await;
    let id = answer["result"]["task"]["id"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let follow = http.get(format!("{}/tasks/{id}:subscribe", node.instances[1].http));
    let follow = follow.header("A2A-Version", "1.0").send();
    let events = soon(async { follow.await.unwrap().text().await.unwrap() }).await;
    assert!(events.contains("TASK_STATE_COMPLETED"), "{events}");
}

#[tokio::test]
async fn one_request_through_two_instances_makes_one_trace_at_the_collector() {
    let collector = Collector::default();
    let (address, _serving) = collector.listen().await;
    let mut command =
        node::command(&["serve", "--listen", "127.0.0.1:0", "--drain-delay", "0", "--instances", "2"]);
    command.env("A2A_OTLP", "1").env("OTEL_EXPORTER_OTLP_ENDPOINT", address);
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "x-planted-key=planted-secret");
    let node = Node::start(&mut command).await;
    through_both(&node, TRACE, "01").await;
    through_both(&node, UNSAMPLED, "00").await;
    let ids: BTreeSet<_> = node.instances.iter().map(|instance| instance.id.clone()).collect();
    // What is left is exported before it ends.
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(0));

    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.trace == TRACE), "{spans:?}");
    let names: BTreeSet<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["commit", "deliver", "request", "run", "send"]), "{spans:?}");
    let at: BTreeSet<_> = spans.iter().filter_map(|span| span.instance.clone()).collect();
    assert_eq!(at, ids);
    let known: BTreeSet<_> = spans.iter().map(|span| span.id.as_str()).chain([PARENT]).collect();
    let orphan = spans.iter().find(|span| !known.contains(span.parent.as_str()));
    assert!(orphan.is_none(), "{orphan:?} of {spans:?}");
    let delivered = spans.iter().find(|span| span.name == "deliver").unwrap();
    let sent = spans.iter().find(|span| span.id == delivered.parent).unwrap();
    assert!(sent.name == "send" && sent.instance != delivered.instance, "{sent:?} {delivered:?}");

    let got = collector.0.lock().unwrap();
    assert!(got.iter().all(|(headers, _)| headers["x-planted-key"] == "planted-secret"));
    assert!(got.iter().all(|(_, body)| !String::from_utf8_lossy(body).contains("planted")));
}

/// Two instances that export to wherever the environment says.
fn exporting() -> tokio::process::Command {
    let flags = ["--listen", "127.0.0.1:0", "--drain-delay", "0", "--instances", "2", "--otlp"];
    node::command(&[&["serve"], &flags[..]].concat())
}

#[tokio::test]
async fn a_collector_that_takes_nothing_holds_up_neither_requests_nor_the_end() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut command = exporting();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}", silent.local_addr().unwrap()));
    // An hour for each call, in milliseconds: whoever waited for one would be noticed on a busy machine, too.
    command.env("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000");
    let node = Node::start(&mut command).await;
    through_both(&node, TRACE, "01").await;
    let asked = std::time::Instant::now();
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(0));
    assert!(asked.elapsed().as_secs() < 60, "{:?}", asked.elapsed());
}

#[tokio::test]
async fn a_collector_that_refuses_is_told_once_and_not_what_lets_this_process_in() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", socket.local_addr().unwrap());
    let (asked, mut refused) = mpsc::unbounded_channel();
    let refuse = post(move || {
        asked.send(()).unwrap();
        ready(StatusCode::FORBIDDEN)
    });
    let mut serving = JoinSet::new();
    let served = axum::serve(socket, Router::new().route("/v1/traces", refuse)).into_future();
    serving.spawn(async move { served.await.unwrap() });
    let mut command = exporting();
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", address).env("OTEL_BSP_SCHEDULE_DELAY", "50");
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "x-planted-key=planted-secret");
    let mut node = Node::start(command.stderr(Stdio::piped())).await;
    let log = node.stderr();
    through_both(&node, TRACE, "01").await;
    for _ in 0..3 {
        soon(refused.recv()).await.unwrap();
    }
    node.terminate().await;
    assert_eq!(node.ended().await.code(), Some(0));
    let log = log.await;
    assert_eq!(log.matches("it answered 403").count(), 1, "{log}");
    assert!(!log.contains("planted"), "{log}");
}

#[tokio::test]
async fn an_address_that_is_none_is_told_before_anything_is_served() {
    let mut command = node::command(&["serve", "--listen", "127.0.0.1:0", "--otlp"]);
    let output = soon(command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "not an address").output()).await.unwrap();
    let said = node::text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("OTEL_EXPORTER_OTLP") && output.stdout.is_empty(), "{said}");
}
