//! Filters and pages of `ListTasks` and `ListTaskPushNotificationConfigs`.

use a2a::error_code::INVALID_PARAMS;
use a2a_pb::proto::{ListTaskPushNotificationConfigsRequest, ListTasksRequest};
use prost_types::Timestamp;
use serde_json::{Value, json};
use tonic::Code;

use super::handler::Recorder;
use super::wire::{grpc, rest, router, rpc};

const INVALID: i64 = INVALID_PARAMS as i64;

#[tokio::test]
async fn a_page_size_outside_1_to_100_is_invalid_on_every_binding() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (size, code) in [(i32::MIN, INVALID), (-1, INVALID), (0, INVALID), (1, 0), (100, 0), (101, INVALID)] {
        let rpc = rpc(&router, "ListTasks", json!({ "pageSize": size })).await;
        assert_eq!(rpc.rpc_code(), code, "JSON-RPC, {size}");
        let rest = rest(&router, "GET", &format!("/tasks?pageSize={size}"), None).await;
        assert_eq!(rest.rest_code(), code, "REST, {size}");
        let request = ListTasksRequest { page_size: Some(size), ..ListTasksRequest::default() };
        let grpc = grpc(&handler, "ListTasks", &request).await;
        assert_eq!(grpc.a2a_code(), code, "gRPC, {size}");

        let seen = handler.take();
        assert_eq!(seen.len(), if code == 0 { 3 } else { 0 });
        assert!(seen.iter().all(|seen| seen.request["pageSize"] == size), "{seen:?}");
    }
}

#[tokio::test]
async fn a_page_size_is_judged_however_json_writes_it() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (params, code) in [
        (json!({ "pageSize": "0" }), INVALID),
        (json!({ "page_size": -1 }), INVALID),
        (json!({ "pageSize": "ten" }), INVALID),
        (json!({ "pageSize": 1.5 }), INVALID),
        (json!({ "pageSize": 5_000_000_000_i64 }), INVALID),
        (json!({ "pageSize": null }), 0),
        (json!({ "pageSize": "10" }), 0),
    ] {
        assert_eq!(rpc(&router, "ListTasks", params.clone()).await.rpc_code(), code, "{params}");
    }
    let escaped = r#"{"jsonrpc":"2.0","params":{"page\u0053ize":0},"method":"ListTasks","id":1}"#;
    assert_eq!(super::wire::rpc_text(&router, escaped).await.rpc_code(), INVALID);
    assert_eq!(handler.take().len(), 2);
}

#[tokio::test]
async fn a_negative_page_of_push_configs_is_invalid_and_zero_is_unset_on_every_binding() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (size, code) in [(-1, INVALID), (0, 0), (3, 0)] {
        let params = json!({ "taskId": "t1", "pageSize": size });
        assert_eq!(rpc(&router, "ListTaskPushNotificationConfigs", params).await.rpc_code(), code, "{size}");
        let path = format!("/tasks/t1/pushNotificationConfigs?pageSize={size}");
        assert_eq!(rest(&router, "GET", &path, None).await.rest_code(), code, "{size}");
        let request = ListTaskPushNotificationConfigsRequest {
            task_id: "t1".into(),
            page_size: size,
            ..Default::default()
        };
        let grpc = grpc(&handler, "ListTaskPushNotificationConfigs", &request).await;
        assert_eq!(grpc.a2a_code(), code, "{size}");
        let expected = if size == 0 { Value::Null } else { json!(size) };
        assert!(handler.take().iter().all(|seen| seen.request["pageSize"] == expected), "{size}");
    }
}

#[tokio::test]
async fn a_status_that_is_no_state_is_invalid_and_an_absent_one_is_no_filter() {
    let handler = Recorder::new();
    let router = router(&handler);
    for (params, code) in [
        (json!({ "status": "TASK_STATE_UNSPECIFIED" }), 0),
        (json!({ "status": 0 }), 0),
        (json!({ "status": 99 }), INVALID),
        (json!({ "status": "working" }), INVALID),
        (json!({ "status": "" }), INVALID),
        (json!({ "status": "TASK_STATE_WORKING" }), 0),
        (json!({}), 0),
    ] {
        assert_eq!(rpc(&router, "ListTasks", params.clone()).await.rpc_code(), code, "JSON-RPC, {params}");
    }
    for (query, code) in [
        ("?status=TASK_STATE_UNSPECIFIED", 0),
        ("?status=working", INVALID),
        ("?status=", INVALID),
        ("?status=TASK_STATE_WORKING", 0),
        ("", 0),
    ] {
        assert_eq!(
            rest(&router, "GET", &format!("/tasks{query}"), None).await.rest_code(),
            code,
            "REST, {query}"
        );
    }
    for (status, code) in [(99, INVALID), (-1, INVALID), (2, 0), (0, 0)] {
        let request = ListTasksRequest { status, ..ListTasksRequest::default() };
        assert_eq!(grpc(&handler, "ListTasks", &request).await.a2a_code(), code, "gRPC, {status}");
    }
    let filters: Vec<Value> = handler.take().into_iter().map(|seen| seen.request["status"].clone()).collect();
    let (working, none) = (json!("TASK_STATE_WORKING"), Value::Null);
    let expected = [&none, &none, &working, &none, &none, &working, &none, &working, &none];
    assert_eq!(filters, expected.map(Clone::clone));
}

#[tokio::test]
async fn a_timestamp_that_is_none_is_invalid_on_every_binding() {
    let handler = Recorder::new();
    let router = router(&handler);
    for text in ["yesterday", "2026-13-01T00:00:00Z", "", "+10000-01-01T00:00:00Z", "0000-12-31T23:59:59Z"] {
        let rpc = rpc(&router, "ListTasks", json!({ "statusTimestampAfter": text })).await;
        assert_eq!(rpc.rpc_code(), INVALID, "JSON-RPC, {text:?}");
        let rest =
            rest(&router, "GET", &format!("/tasks?statusTimestampAfter={}", text.replace('+', "%2B")), None)
                .await;
        assert_eq!((rest.status.as_u16(), rest.rest_code()), (400, INVALID), "REST, {text:?}");
    }
    for (seconds, nanos) in [(i64::MAX, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000)] {
        let after = Timestamp { seconds, nanos };
        let request = ListTasksRequest { status_timestamp_after: Some(after), ..ListTasksRequest::default() };
        let grpc = grpc(&handler, "ListTasks", &request).await;
        assert_eq!(
            (grpc.code(), grpc.a2a_code()),
            (Code::InvalidArgument, INVALID),
            "gRPC, {seconds} {nanos}"
        );
    }
    assert!(handler.take().is_empty());
}

#[tokio::test]
async fn every_violation_is_named() {
    let router = router(&Recorder::new());
    let answer =
        rpc(&router, "ListTasks", json!({ "pageSize": 0, "statusTimestampAfter": "0000-12-31T00:00:00Z" }))
            .await;
    let data = answer.json()["error"]["data"].clone();
    let fields: Vec<&str> =
        data[0]["fieldViolations"].as_array().unwrap().iter().map(|v| v["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["pageSize", "statusTimestampAfter"]);
}

#[tokio::test]
async fn a_query_says_the_same_in_every_spelling() {
    let handler = Recorder::new();
    let router = router(&handler);
    let spellings = [
        "pageSize=10&status=TASK_STATE_WORKING",
        "page_size=10&status=2",
        "pageSize=1e1&status=2",
        "pageSize=10.0&status=2",
    ];
    for query in spellings {
        assert_eq!(rest(&router, "GET", &format!("/tasks?{query}"), None).await.rest_code(), 0, "{query}");
    }
    for seen in handler.take() {
        assert_eq!(
            (&seen.request["pageSize"], &seen.request["status"]),
            (&json!(10), &json!("TASK_STATE_WORKING"))
        );
    }
    let twice = rest(&router, "GET", "/tasks?pageSize=10&page_size=10", None).await;
    assert_eq!(twice.rest_code(), INVALID);
}
