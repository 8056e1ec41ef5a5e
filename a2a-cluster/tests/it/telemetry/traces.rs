//! One trace across instances.

use a2a_server::{RequestHandler, ServiceParams};

use super::logs::Logs;
use crate::world::{World, about, cancel, drain, eventually, list, on_every_bus, params, request};

const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn traced() -> ServiceParams {
    let mut params = params();
    params.insert("traceparent".to_owned(), vec![format!("00-{TRACE_ID}-{PARENT}-01")]);
    params
}

/// The value of a span's field.
fn field<'a>(span: &'a str, name: &str) -> Option<&'a str> {
    let fields = span.split_once('{')?.1.trim_end_matches('}');
    fields.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
}

#[tokio::test(start_paused = true)]
async fn one_trace_shows_the_commit_on_one_instance_and_the_delivery_on_another() {
    let logs = Logs::capture();
    let world = World::new(2, about::TRACED_TO_THE_RECIPIENT).await;
    let (a, b) = (world.nodes[0].cluster.id().to_string(), world.nodes[1].cluster.id().to_string());
    let events =
        world.nodes[0].handler.send_streaming_message(&traced(), request("stream 20 5")).await.unwrap();
    let here = tokio::spawn(drain(events));
    let task = loop {
        let page = world.nodes[1].handler.list_tasks(&params(), list()).await;
        match page.unwrap().tasks.pop() {
            Some(task) => break task,
            None => tokio::task::yield_now().await,
        }
    };
    drain(world.nodes[1].subscribe(&task.id).await.unwrap()).await;
    here.await.unwrap();
    eventually("the last span has ended", || async { !logs.spans("run").is_empty() }).await;
    world.shutdown().await;

    let on = |name: &str, instance: &str| -> Vec<String> {
        let spans = logs.spans(name).into_iter().filter(|span| field(span, "instance") == Some(instance));
        spans.filter(|span| field(span, "trace_id") == Some(TRACE_ID)).collect()
    };
    let requests = on("request", &a);
    assert_eq!(requests.len(), 1, "{}", logs.text());
    assert_eq!(field(&requests[0], "parent_span_id"), Some(PARENT));
    assert_eq!(field(&requests[0], "task"), Some(&*task.id));
    let runs = on("run", &a);
    assert_eq!(runs.len(), 1);
    assert_eq!(field(&runs[0], "parent_span_id"), field(&requests[0], "span_id"));
    let commits = on("commit", &a);
    assert!(!commits.is_empty());
    let sends = on("send", &a);
    for span in commits.iter().chain(&sends) {
        assert_eq!(field(span, "parent_span_id"), field(&runs[0], "span_id"), "{span}");
        assert_eq!(field(span, "task"), Some(&*task.id));
    }
    let deliveries = on("deliver", &b);
    assert!(!deliveries.is_empty(), "{}", logs.text());
    let sent: Vec<_> = sends.iter().filter_map(|span| field(span, "span_id")).collect();
    for span in &deliveries {
        assert!(sent.contains(&field(span, "parent_span_id").unwrap()), "{span}");
        assert_eq!(field(span, "from"), Some(&*a));
    }
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_request_without_a_valid_traceparent_starts_no_trace(bus) {
        let logs = Logs::capture();
        let world = World::new(1, bus).await;
        let mut forged = params();
        forged.insert("traceparent".to_owned(), vec!["00-forged".to_owned()]);
        for params in [params(), forged] {
            world.nodes[0].handler.send_message(&params, request("echo hi")).await.unwrap();
        }
        world.shutdown().await;
        assert!(!logs.spans("commit").is_empty(), "{}", logs.text());
        assert!(!logs.text().contains("trace_id") && !logs.text().contains("forged"), "{}", logs.text());
    }
}

#[tokio::test(start_paused = true)]
async fn the_trace_of_a_cancel_reaches_the_executor() {
    let logs = Logs::capture();
    let world = World::new(2, about::TRACED_TO_THE_RECIPIENT).await;
    let (a, b) = (world.nodes[0].cluster.id().to_string(), world.nodes[1].cluster.id().to_string());
    let task = world.nodes[0].start("hang").await;
    world.nodes[1].handler.cancel_task(&traced(), cancel(&task.id)).await.unwrap();
    world.shutdown().await;
    let heard = logs.spans("deliver").into_iter().find(|span| {
        field(span, "messaging.operation.name") == Some("\"cancel\"") && field(span, "instance") == Some(&*a)
    });
    let heard = heard.unwrap_or_else(|| panic!("{}", logs.text()));
    assert_eq!((field(&heard, "trace_id"), field(&heard, "from")), (Some(TRACE_ID), Some(&*b)));
}
