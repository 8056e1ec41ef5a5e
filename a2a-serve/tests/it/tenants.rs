//! Whose tasks a request is about.

use std::collections::BTreeSet;
use std::time::Duration;

use a2a::error_code::{INVALID_PARAMS, TASK_NOT_FOUND};
use a2a::{A2AError, ListTaskPushNotificationConfigsRequest};
use a2a_cluster::Config;
use a2a_pb::proto::GetTaskRequest;
use a2a_testworld::client::{card_at, connect, of_tenant};
use a2a_testworld::world::{cancel, get, list, request, subscribe};
use a2a_testworld::{Binding, Client};
use futures::StreamExt;
use serde_json::{Value, json};

use super::handler::Recorder;
use super::server::start;
use super::wire::{grpc, http, message, rest, router, rpc};

#[tokio::test]
async fn every_rest_path_may_begin_with_a_tenant() {
    let handler = Recorder::new();
    let router = router(&handler);
    let config = || Some(json!({ "url": "https://example.com" }));
    let send = || Some(json!({ "message": message() }));
    for (method, path, body, called) in [
        ("POST", "/message:send", send(), "send_message"),
        ("POST", "/message:stream", send(), "send_streaming_message"),
        ("GET", "/tasks/t1?historyLength=2", None, "get_task"),
        ("GET", "/tasks?pageSize=5", None, "list_tasks"),
        ("POST", "/tasks/t1:cancel", None, "cancel_task"),
        ("GET", "/tasks/t1:subscribe", None, "subscribe_to_task"),
        ("POST", "/tasks/t1:subscribe", None, "subscribe_to_task"),
        ("POST", "/tasks/t1/pushNotificationConfigs", config(), "create_push_config"),
        ("GET", "/tasks/t1/pushNotificationConfigs", None, "list_push_configs"),
        ("GET", "/tasks/t1/pushNotificationConfigs/p1", None, "get_push_config"),
        ("DELETE", "/tasks/t1/pushNotificationConfigs/p1", None, "delete_push_config"),
        ("GET", "/extendedAgentCard", None, "get_extended_agent_card"),
    ] {
        for (prefix, tenant) in
            [("", Value::Null), ("/acme", json!("acme")), ("/caf%C3%A9%20%2F", json!("café /"))]
        {
            let answer = rest(&router, method, &format!("{prefix}{path}"), body.clone()).await;
            assert_eq!(answer.status, 200, "{method} {prefix}{path}: {answer:?}");
            let seen = handler.take();
            assert_eq!(seen.len(), 1);
            assert_eq!(seen[0].method, called, "{method} {prefix}{path}");
            assert_eq!(
                seen[0].request.get("tenant").unwrap_or(&Value::Null),
                &tenant,
                "{method} {prefix}{path}"
            );
            if called == "get_task" {
                assert_eq!(
                    (&seen[0].request["id"], &seen[0].request["historyLength"]),
                    (&json!("t1"), &json!(2))
                );
            }
        }
    }
}

#[tokio::test]
async fn a_rest_request_without_a_body_may_name_its_tenant_in_the_query() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (uri, tenant) in [
        ("/tasks?tenant=acme", json!("acme")),
        ("/tasks/t1?tenant=a%26b+c", json!("a&b c")),
        ("/acme/tasks?tenant=acme", json!("acme")),
        ("/tasks?tenant=", Value::Null),
    ] {
        assert_eq!(rest(&router, "GET", uri, None).await.status, 200, "{uri}");
        assert_eq!(handler.take()[0].request.get("tenant").unwrap_or(&Value::Null), &tenant, "{uri}");
    }
}

#[tokio::test]
async fn a_request_cannot_name_two_tenants() {
    let handler = Recorder::new();
    let router = router(&handler);
    let send = |tenant: &str| Some(json!({ "tenant": tenant, "message": message() }));
    for (method, path, body, valid) in [
        ("GET", "/acme/tasks?tenant=other", None, false),
        ("GET", "/tasks?tenant=acme&tenant=other", None, false),
        ("POST", "/acme/message:send", send("other"), false),
        ("POST", "/acme/message:stream", send("other"), false),
        ("POST", "/acme/tasks/t1:cancel", Some(json!({ "tenant": "other" })), false),
        ("POST", "/acme/message:send", send("acme"), true),
        ("POST", "/acme/message:send", send(""), true),
        ("POST", "/message:send", send("acme"), true),
        ("POST", "/tasks/t1:cancel", Some(json!({ "tenant": "acme" })), true),
    ] {
        let answer = rest(&router, method, path, body.clone()).await;
        let code = if valid { 0 } else { i64::from(INVALID_PARAMS) };
        assert_eq!(answer.rest_code(), code, "{method} {path} {body:?}");
        for seen in handler.take() {
            assert_eq!((valid, &seen.request["tenant"]), (true, &json!("acme")), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn no_header_is_a_tenant_and_none_is_left_over_for_the_next_request() {
    let handler = Recorder::new();
    let router = router(&handler);
    assert_eq!(rest(&router, "GET", "/acme/tasks", None).await.status, 200);
    let request = http::Request::get("/tasks").header("a2a-version", "1.0").header("tenant", "acme");
    assert_eq!(http(&router, request.body(axum::body::Body::empty()).unwrap()).await.status, 200);
    let tenants: Vec<Value> =
        handler.take().iter().map(|seen| seen.request.get("tenant").cloned().unwrap_or_default()).collect();
    assert_eq!(tenants, [json!("acme"), Value::Null]);
}

#[tokio::test]
async fn the_other_bindings_carry_the_tenant_in_the_request() {
    let handler = Recorder::new();
    let router = router(&handler);
    assert_eq!(rpc(&router, "GetTask", json!({ "id": "t1", "tenant": "acme" })).await.rpc_code(), 0);
    let request = GetTaskRequest { id: "t1".into(), tenant: "acme".into(), history_length: None };
    assert_eq!(grpc(&handler, "GetTask", &request).await.a2a_code(), 0);
    assert!(handler.take().iter().all(|seen| seen.request["tenant"] == "acme"));
}

/// What the operations of a client end with: those that need no task, and those that ask for one which is not there.
async fn ended(client: &Client) -> [(&'static str, Option<i32>); 7] {
    let configs = ListTaskPushNotificationConfigsRequest {
        task_id: "t1".into(),
        page_size: None,
        page_token: None,
        tenant: None,
    };
    let code = |error: A2AError| error.code;
    let streamed =
        async { client.send_streaming_message(&request("say hello; done")).await?.next().await.unwrap() };
    let subscribed = async { client.subscribe_to_task(&subscribe("t1")).await?.next().await.unwrap() };
    [
        ("send", client.send_message(&request("say hello; done")).await.err().map(code)),
        ("stream", streamed.await.err().map(code)),
        ("list", client.list_tasks(&list()).await.err().map(code)),
        ("get", client.get_task(&get("t1")).await.err().map(code)),
        ("cancel", client.cancel_task(&cancel("t1")).await.err().map(code)),
        ("subscribe", subscribed.await.err().map(code)),
        ("configs", client.list_push_configs(&configs).await.err().map(code)),
    ]
}

#[tokio::test]
async fn where_the_tenants_are_known_any_other_is_refused_on_every_binding() {
    for (known, tenants) in [
        (&["acme"][..], [(Some("acme"), true), (Some("other"), false), (None, false)]),
        (&["acme", ""], [(Some("acme"), true), (Some("other"), false), (None, true)]),
    ] {
        let known = known.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        let config = Config::default().tenants(Some(known.clone()));
        let serving = start(|server| server.config(config)).await;
        let card = card_at(&format!("http://{}", serving.address())).await;
        for binding in Binding::ALL {
            for (tenant, is_known) in tenants {
                let client = connect(&of_tenant(card.clone(), binding, tenant), binding, None).await.unwrap();
                for (operation, code) in ended(&client).await {
                    let needs_a_task = !["send", "stream", "list"].contains(&operation);
                    let served = needs_a_task.then_some(TASK_NOT_FOUND);
                    let expected = if is_known { served } else { Some(INVALID_PARAMS) };
                    assert_eq!(code, expected, "{known:?} {binding:?} {tenant:?} {operation}");
                }
            }
        }
        serving.shutdown(Duration::ZERO, Duration::ZERO).await;
    }
}
