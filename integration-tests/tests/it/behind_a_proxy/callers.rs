//! Callers: what is not the caller's looks as if it were not there, in every operation.

use a2a::Task;
use a2a::error_code::{INVALID_REQUEST, TASK_NOT_FOUND};
use a2a_testworld::principal::{PRINCIPAL, PrincipalHeader};
use integration_tests::raw::{Operation, Raw};
use serde_json::{Value, json};
use tonic::Code;

use super::bad_input::{expected, told};
use super::stage::{Place, Stage, on_every_binding};

/// As long as the ids that the server makes, and never one of them.
const ABSENT: &str = "00000000-0000-7000-8000-000000000000";

/// A caller: who, and in which tenant.
struct Caller {
    raw: Raw,
    tenant: &'static str,
}

impl Caller {
    fn new(stage: &Stage, place: Place, principal: &str, tenant: &'static str) -> Self {
        Self { raw: Raw::new(&stage.fleet, place.binding).with(PRINCIPAL, Some(principal)), tenant }
    }

    async fn ask(&self, operation: Operation, mut params: Value) -> integration_tests::raw::Answer {
        params["tenant"] = self.tenant.into();
        self.raw.ask(operation, &params).await
    }

    async fn send(&self, message: Value, at_once: bool) -> Task {
        let params = json!({ "message": message, "configuration": { "returnImmediately": at_once } });
        let sent = self.ask(Operation::SendMessage, params).await.result().unwrap();
        serde_json::from_value(sent["task"].clone()).unwrap()
    }

    async fn total(&self) -> u64 {
        let page = self.ask(Operation::ListTasks, json!({})).await.result().unwrap();
        // Protobuf does not send a zero.
        page["totalSize"].as_u64().unwrap_or_default()
    }
}

async fn stage(place: Place) -> Stage {
    place.stage_of(|plan| plan.callers(PrincipalHeader)).await
}

fn message(id: &str, text: &str) -> Value {
    json!({ "messageId": id, "role": "ROLE_USER", "parts": [{ "text": text }] })
}

/// A task in each of the states that requests could tell apart: parked, running, ended.
async fn tasks_of(owner: &Caller) -> [Task; 3] {
    let tasks = [
        owner.send(message("p", "say a; ask"), false).await,
        owner.send(message("r", "work; latch never; done"), true).await,
        owner.send(message("e", "say a; done"), false).await,
    ];
    for task in &tasks {
        let config = json!({ "taskId": task.id, "id": "hook", "url": "http://127.0.0.1:9/" });
        owner.ask(Operation::CreateTaskPushNotificationConfig, config).await.result().unwrap();
    }
    tasks
}

/// Every operation that names a task, in every way that could lead to different answers.
fn about(id: &str, context: &str) -> Vec<(Operation, Value)> {
    let follow_up = |context: &str| {
        let mut message = message("f", "done");
        message["taskId"] = id.into();
        message["contextId"] = context.into();
        json!({ "message": message })
    };
    let hook = || json!({ "taskId": id, "id": "hook" });
    vec![
        (Operation::SendMessage, follow_up("")),
        (Operation::SendMessage, follow_up(context)),
        (Operation::SendMessage, follow_up("another")),
        (Operation::SendStreamingMessage, follow_up(context)),
        (Operation::GetTask, json!({ "id": id })),
        (Operation::GetTask, json!({ "id": id, "historyLength": 0 })),
        (Operation::CancelTask, json!({ "id": id })),
        (Operation::SubscribeToTask, json!({ "id": id })),
        (
            Operation::CreateTaskPushNotificationConfig,
            json!({ "taskId": id, "id": "hook", "url": "http://127.0.0.1:9/other" }),
        ),
        (Operation::GetTaskPushNotificationConfig, hook()),
        (Operation::GetTaskPushNotificationConfig, json!({ "taskId": id, "id": "none" })),
        (Operation::ListTaskPushNotificationConfigs, json!({ "taskId": id })),
        (Operation::DeleteTaskPushNotificationConfig, hook()),
    ]
}

on_every_binding! {
    async fn what_belongs_to_another_looks_absent_in_every_operation(place) {
        let stage = stage(place).await;
        let owner = Caller::new(&stage, place, "alice", "one");
        let tasks = tasks_of(&owner).await;
        for (stranger, who) in [
            (Caller::new(&stage, place, "bob", "one"), "another principal"),
            (Caller::new(&stage, place, "alice", "two"), "another tenant"),
            (Caller::new(&stage, place, "alice", ""), "no tenant"),
            (Caller::new(&stage, place, "Alice", "one"), "a principal in other letters"),
        ] {
            for task in &tasks {
                let real = about(&task.id, &task.context_id);
                for ((operation, real), (_, absent)) in real.into_iter().zip(about(ABSENT, ABSENT)) {
                    let what = format!("{who} {operation:?} {:?}", task.status.state);
                    let seen = stranger.ask(operation, real).await;
                    let absent = stranger.ask(operation, absent).await;
                    assert_eq!(told(&seen.failure()), expected(place.binding, TASK_NOT_FOUND), "{what}");
                    assert_eq!(seen.visible(&task.id), absent.visible(ABSENT), "{what}");
                }
                let real = stranger.ask(Operation::ListTasks, json!({ "contextId": task.context_id })).await;
                let absent = stranger.ask(Operation::ListTasks, json!({ "contextId": ABSENT })).await;
                assert_eq!(real.visible(&task.context_id), absent.visible(ABSENT), "{who}");
            }
            assert_eq!(stranger.total().await, 0, "{who}");
        }
        for task in &tasks {
            let got = owner.ask(Operation::GetTask, json!({ "id": task.id })).await.result().unwrap();
            let hook = json!({ "taskId": task.id, "id": "hook" });
            let hook = owner.ask(Operation::GetTaskPushNotificationConfig, hook).await.result().unwrap();
            assert_eq!(got["status"]["timestamp"], json!(task.status)["timestamp"], "it was touched");
            assert_eq!(hook["url"], "http://127.0.0.1:9/");
        }
        stage.leave().await;
    }

    async fn ones_own_tasks_are_there_in_every_operation(place) {
        let stage = stage(place).await;
        for (principal, tenant) in [("alice", "one"), ("alice", "two"), ("bob", "one"), ("bob", "")] {
            let owner = Caller::new(&stage, place, principal, tenant);
            let [parked, running, ended] = tasks_of(&owner).await;
            assert_eq!(owner.total().await, 3);
            for task in [&parked, &running, &ended] {
                for operation in [Operation::GetTask, Operation::ListTaskPushNotificationConfigs] {
                    let params = match operation {
                        Operation::GetTask => json!({ "id": task.id }),
                        _ => json!({ "taskId": task.id }),
                    };
                    owner.ask(operation, params).await.result().unwrap();
                }
                let hook = json!({ "taskId": task.id, "id": "hook" });
                owner.ask(Operation::DeleteTaskPushNotificationConfig, hook).await.result().unwrap();
            }
            let canceled = owner.ask(Operation::CancelTask, json!({ "id": running.id })).await.result().unwrap();
            assert_eq!(canceled["status"]["state"], "TASK_STATE_CANCELED");
            let subscription = owner.ask(Operation::SubscribeToTask, json!({ "id": parked.id }));
            let answer = async {
                let mut follow_up = message("f", "done");
                follow_up["taskId"] = parked.id.clone().into();
                owner.send(follow_up, false).await
            };
            // Whether the subscription comes first or not, it is not told that there is no such task.
            let (events, done) = tokio::join!(subscription, answer);
            assert_eq!(done.status.state, a2a::TaskState::Completed);
            if let Err(failure) = events.events() {
                assert_eq!(failure.code, a2a::error_code::UNSUPPORTED_OPERATION);
            }
        }
        stage.leave().await;
    }

    async fn one_message_of_two_callers_makes_two_tasks(place) {
        let stage = stage(place).await;
        let mut told = Vec::new();
        for (principal, tenant) in [("alice", "one"), ("alice", "two"), ("bob", "one")] {
            let caller = Caller::new(&stage, place, principal, tenant);
            // An id by which a message is known again.
            let mut message = message("0199a2b4-5a3e-7c11-9a40-6b2f0c1d2e3f", "say a; done");
            message["contextId"] = "shared".into();
            let task = caller.send(message.clone(), false).await;
            assert_eq!(caller.send(message, false).await.id, task.id);
            assert_eq!(caller.total().await, 1);
            told.push(task.id);
        }
        told.dedup();
        assert_eq!(told.len(), 3);
        stage.leave().await;
    }

    async fn whoever_is_nobody_is_told_so_in_every_operation(place) {
        let stage = stage(place).await;
        let nobody = Raw::new(&stage.fleet, place.binding);
        let mut requests = about(ABSENT, ABSENT);
        requests.push((Operation::ListTasks, json!({})));
        requests.push((Operation::GetExtendedAgentCard, json!({})));
        for (operation, params) in requests {
            let failure = nobody.ask(operation, &params).await.failure();
            let wanted = match place.binding {
                Binding::Grpc => (INVALID_REQUEST, None, Some(Code::Unauthenticated)),
                _ => (INVALID_REQUEST, Some(401), None),
            };
            assert_eq!(told(&failure), wanted, "{operation:?} {params}");
        }
        stage.leave().await;
    }
}
