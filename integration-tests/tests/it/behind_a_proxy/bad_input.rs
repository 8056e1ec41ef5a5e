//! Requests that can be read and make no sense: the same error on every instance, in the form of its binding.

use a2a::error_code::{
    CONTENT_TYPE_NOT_SUPPORTED, INVALID_PARAMS, TASK_NOT_CANCELABLE, TASK_NOT_FOUND, UNSUPPORTED_OPERATION,
};
use a2a::{Task, TaskState};
use a2a_cluster::Limits;
use a2a_pb::proto;
use a2a_testworld::Binding;
use integration_tests::raw::{Draft, Failure, Operation, Raw};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::Code;

use super::stage::{Place, Stage, on_every_binding};

/// What each binding must answer for an A2A error (specification, sections 5.4, 9.5, 10.6 and 11.6).
pub(crate) fn expected(binding: Binding, code: i32) -> (i32, Option<u16>, Option<Code>) {
    let (http, grpc) = match code {
        TASK_NOT_FOUND => (404, Code::NotFound),
        TASK_NOT_CANCELABLE | UNSUPPORTED_OPERATION | a2a::error_code::VERSION_NOT_SUPPORTED => {
            (400, Code::FailedPrecondition)
        }
        _ => (400, Code::InvalidArgument),
    };
    match binding {
        Binding::JsonRpc => (code, Some(200), None),
        Binding::Rest => (code, Some(http), None),
        Binding::Grpc => (code, None, Some(grpc)),
    }
}

pub(crate) fn told(failure: &Failure) -> (i32, Option<u16>, Option<Code>) {
    (failure.code, failure.http.map(|status| status.as_u16()), failure.grpc)
}

/// Asks all instances, which must answer alike.
async fn refused(stage: &Stage, raw: &Raw, draft: Draft, what: &str, code: i32) {
    let mut answers = Vec::new();
    for _ in 0..stage.fleet.load_balancer().requests().len() {
        let failure = raw.send(draft.clone()).await.failure();
        assert_eq!(told(&failure), expected(raw.binding(), code), "{what}: {failure:?}");
        answers.push(failure);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{what}: {answers:?}");
}

fn message(parts: Value) -> Value {
    json!({ "messageId": "m", "role": "ROLE_USER", "parts": parts })
}

fn to(task: &str, context: &str) -> Value {
    let mut message = message(json!([{ "text": "done" }]));
    message["taskId"] = task.into();
    message["contextId"] = context.into();
    message
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |value, _| json!([value]))
}

type Row = (&'static str, Value, i32);

fn messages(ended: &Task, parked: &Task, running: &Task) -> Vec<Row> {
    let send = |message: Value| json!({ "message": message });
    let text = || message(json!([{ "text": "done" }]));
    let with = |field: &str, value: Value| {
        let mut message = text();
        message[field] = value;
        send(message)
    };
    let media = json!([{ "text": "done" }, { "raw": "AAAA", "mediaType": "image/png" }]);
    let deep_metadata = json!({ "message": text(), "metadata": { "a": nested(24) } });
    vec![
        ("an unknown task", send(to("nobody", "")), TASK_NOT_FOUND),
        ("a task that has ended", send(to(&ended.id, &ended.context_id)), UNSUPPORTED_OPERATION),
        ("a task that runs", send(to(&running.id, "")), UNSUPPORTED_OPERATION),
        (
            "a task that runs, and its context",
            send(to(&running.id, &running.context_id)),
            UNSUPPORTED_OPERATION,
        ),
        ("another context", send(to(&parked.id, "another")), INVALID_PARAMS),
        ("another context and a task that has ended", send(to(&ended.id, "another")), INVALID_PARAMS),
        ("no message", json!({}), INVALID_PARAMS),
        ("no parts", send(message(json!([]))), INVALID_PARAMS),
        ("no message id", with("messageId", "".into()), INVALID_PARAMS),
        ("an empty part", send(message(json!([{ "text": "done" }, {}]))), INVALID_PARAMS),
        ("a part with metadata only", send(message(json!([{ "metadata": { "a": 1 } }]))), INVALID_PARAMS),
        ("over our own depth", send(message(json!([{ "data": nested(25) }]))), INVALID_PARAMS),
        (
            "over the depth that can be read back",
            send(message(json!([{ "data": nested(31) }]))),
            INVALID_PARAMS,
        ),
        ("metadata too deep", deep_metadata, INVALID_PARAMS),
        ("message metadata too deep", with("metadata", json!({ "a": nested(30) })), INVALID_PARAMS),
        ("a message too large", send(message(json!([{ "text": "x".repeat(70_000) }]))), INVALID_PARAMS),
        ("too many parts", send(message(vec![json!({ "text": "x" }); 1001].into())), INVALID_PARAMS),
        ("an id too long", with("contextId", "c".repeat(257).into()), INVALID_PARAMS),
        ("a media type that the card does not take", send(message(media)), CONTENT_TYPE_NOT_SUPPORTED),
        (
            "a negative history length",
            json!({ "message": text(), "configuration": { "historyLength": -1 } }),
            INVALID_PARAMS,
        ),
        (
            "a push notification to nowhere",
            json!({
                "message": text(),
                "configuration": { "taskPushNotificationConfig": { "url": "nowhere" } },
            }),
            INVALID_PARAMS,
        ),
    ]
}

async fn stage_with_limits(place: Place) -> Stage {
    let limits = Limits::default().message_bytes(64 * 1024);
    place.stage_of(|plan| plan.config(|config| config.limits(limits))).await
}

on_every_binding! {
    async fn messages_that_make_no_sense_are_refused_and_leave_nothing(place) {
        let stage = stage_with_limits(place).await;
        let raw = Raw::new(&stage.fleet, place.binding);
        let ended = stage.send("done").await;
        let parked = stage.send("ask").await;
        let running = stage.begin("work; latch never; done").await;
        for (what, params, code) in messages(&ended, &parked, &running) {
            for operation in [Operation::SendMessage, Operation::SendStreamingMessage] {
                let draft = Draft::of(place.binding, operation, &params);
                refused(&stage, &raw, draft, what, code).await;
            }
        }
        let all = raw.ask(Operation::ListTasks, &json!({})).await.result().unwrap();
        assert_eq!(all["totalSize"], 3);
        assert_eq!(stage.get(&parked.id).await.unwrap(), parked);
        stage.leave().await;
    }

    async fn operations_on_tasks_that_are_not_there_or_over_are_refused(place) {
        let stage = place.stage().await;
        let raw = Raw::new(&stage.fleet, place.binding);
        let ended = stage.send("done").await.id;
        let config = |task: &str| json!({ "taskId": task, "url": "http://127.0.0.1:9/" });
        let named = |task: &str| json!({ "taskId": task, "id": "none" });
        let long = "t".repeat(257);
        for (operation, params, code) in [
            (Operation::GetTask, json!({ "id": "nobody" }), TASK_NOT_FOUND),
            (Operation::GetTask, json!({ "id": "no/bo dy?%" }), TASK_NOT_FOUND),
            (Operation::GetTask, json!({ "id": long }), INVALID_PARAMS),
            (Operation::GetTask, json!({ "id": ended, "historyLength": -1 }), INVALID_PARAMS),
            (Operation::GetTask, json!({ "id": ended, "tenant": long }), INVALID_PARAMS),
            (Operation::CancelTask, json!({ "id": "nobody" }), TASK_NOT_FOUND),
            (Operation::SubscribeToTask, json!({ "id": "nobody" }), TASK_NOT_FOUND),
            (Operation::CreateTaskPushNotificationConfig, config("nobody"), TASK_NOT_FOUND),
            (Operation::GetTaskPushNotificationConfig, named("nobody"), TASK_NOT_FOUND),
            (Operation::GetTaskPushNotificationConfig, named(&ended), TASK_NOT_FOUND),
            (Operation::ListTaskPushNotificationConfigs, json!({ "taskId": "nobody" }), TASK_NOT_FOUND),
            (Operation::DeleteTaskPushNotificationConfig, named("nobody"), TASK_NOT_FOUND),
            (Operation::GetExtendedAgentCard, json!({}), UNSUPPORTED_OPERATION),
        ] {
            let draft = Draft::of(place.binding, operation, &params);
            refused(&stage, &raw, draft, &format!("{operation:?} {params}"), code).await;
        }
        for (text, state) in
            [("done", TaskState::Completed), ("fail", TaskState::Failed), ("reject", TaskState::Rejected)]
        {
            let ended = stage.send(text).await;
            assert_eq!(ended.status.state, state);
            for (operation, code) in [
                (Operation::CancelTask, TASK_NOT_CANCELABLE),
                (Operation::SubscribeToTask, UNSUPPORTED_OPERATION),
            ] {
                let draft = Draft::of(place.binding, operation, &json!({ "id": ended.id }));
                refused(&stage, &raw, draft, &format!("{operation:?} after {text}"), code).await;
            }
            // The SDK's client reads the same.
            assert_eq!(stage.cancel(&ended.id).await.unwrap_err().code, TASK_NOT_CANCELABLE, "{text}");
            assert_eq!(stage.subscribe_error(&ended.id).await.code, UNSUPPORTED_OPERATION, "{text}");
        }
        stage.leave().await;
    }

    async fn lists_that_cannot_be_are_refused(place) {
        let stage = place.stage().await;
        let raw = Raw::new(&stage.fleet, place.binding);
        let parked = stage.send("ask").await.id;
        for params in [
            json!({ "pageSize": 0 }),
            json!({ "pageSize": -1 }),
            json!({ "pageSize": 101 }),
            json!({ "historyLength": -1 }),
            json!({ "pageToken": "made up" }),
            json!({ "pageToken": "made-up" }),
            json!({ "pageToken": "AAAA" }),
            json!({ "contextId": "c".repeat(257) }),
        ] {
            let draft = Draft::of(place.binding, Operation::ListTasks, &params);
            refused(&stage, &raw, draft, &params.to_string(), INVALID_PARAMS).await;
        }
        for params in [
            json!({ "taskId": parked, "pageSize": -1 }),
            json!({ "taskId": parked, "pageSize": 101 }),
            json!({ "taskId": parked, "pageToken": "!" }),
        ] {
            let draft = Draft::of(place.binding, Operation::ListTaskPushNotificationConfigs, &params);
            refused(&stage, &raw, draft, &params.to_string(), INVALID_PARAMS).await;
        }
        stage.leave().await;
    }

    async fn values_outside_of_an_enum_are_refused(place) {
        let stage = place.stage().await;
        let raw = Raw::new(&stage.fleet, place.binding);
        let drafts = match place.binding {
            Binding::Grpc => {
                let list = proto::ListTasksRequest { status: 99, ..Default::default() };
                let part = proto::Part {
                    content: Some(proto::part::Content::Text("done".into())),
                    ..Default::default()
                };
                let message =
                    proto::Message { message_id: "m".into(), role: 99, parts: vec![part], ..Default::default() };
                let send = proto::SendMessageRequest { message: Some(message), ..Default::default() };
                [
                    Draft::grpc(Operation::ListTasks, &list.encode_to_vec()),
                    Draft::grpc(Operation::SendMessage, &send.encode_to_vec()),
                ]
            }
            binding => {
                let mut robot = message(json!([{ "text": "done" }]));
                robot["role"] = "ROLE_ROBOT".into();
                [
                    Draft::of(binding, Operation::ListTasks, &json!({ "status": "TASK_STATE_BORED" })),
                    Draft::of(binding, Operation::SendMessage, &json!({ "message": robot })),
                ]
            }
        };
        for draft in drafts {
            let what = format!("{:?}", draft.operation);
            refused(&stage, &raw, draft, &what, INVALID_PARAMS).await;
        }
        stage.leave().await;
    }
}
