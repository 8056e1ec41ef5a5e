//! What an agent knows of its caller and of its turn, here, after a take-over, and when it is asked to cancel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use a2a::{A2AError, CancelTaskRequest, SendMessageRequest, Task, TaskState, error_code};
use a2a_cluster::{Caller, CallerResolver, Config, ExecutorLost, retry_after};
use a2a_core::Principal;
use a2a_server::{RequestHandler, ServiceParams};
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::world::{
    Bus, World, at_once, eventually, expect_task, follow_up, on_every_bus, params, quick, request, state,
    texts,
};

/// Believes what a header says, and knows that caller's team and plan.
#[derive(Debug)]
struct Known;

#[async_trait]
impl CallerResolver for Known {
    async fn resolve(&self, params: &ServiceParams) -> Result<Caller, A2AError> {
        let first = |name: &str| params.get(name).and_then(|values| values.first());
        let mut claims = Map::new();
        if let Some(team) = first("x-team") {
            claims.insert("team".to_owned(), json!(team));
        }
        let caller = first("x-user").map(Principal::new).map(Caller::named);
        Ok(caller.unwrap_or_default().with_claims(claims))
    }
}

/// A request's parameters: by `ann` of a team, with headers for the agent and others that are not.
fn by_ann(team: &str) -> ServiceParams {
    let mut params = params();
    let headers = [
        ("x-user", "ann"),
        ("x-team", team),
        ("X-Locale", "nb"),
        ("authorization", "Bearer s3cret"),
        ("cookie", "session=s3cret"),
        ("x-other", "nothing to the agent"),
    ];
    params.extend(headers.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])));
    params
}

fn config() -> Config {
    quick().agent_headers(vec!["x-locale".to_owned()]).executor_lost(ExecutorLost::Resume { max_attempts: 3 })
}

/// What the agent said that it knows, the last time that it did.
fn known(task: &Task) -> Value {
    let text =
        texts(task).into_iter().rev().find(|text| text.starts_with('{')).expect("it said what it knows");
    assert!(!text.contains("s3cret") && !text.contains("x-other"), "{text}");
    serde_json::from_str(text).unwrap()
}

fn locale(known: &Value) -> &Value {
    let params = known["params"].as_object().unwrap();
    params.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-locale")).map(|(_, value)| &value[0]).unwrap()
}

async fn send(world: &World, n: usize, params: &ServiceParams, request: SendMessageRequest) -> Task {
    expect_task(world.on(n).send_message(params, request).await.unwrap())
}

async fn world(bus: Bus) -> World {
    World::build(2, bus, |builder| builder.config(config()).callers(Arc::new(Known))).await
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn an_agent_knows_the_caller_of_its_turn_and_the_headers_that_it_may_see(bus) {
        let world = world(bus).await;
        let task = send(&world, 0, &by_ann("blue"), request("do who; ask")).await;
        let first = known(&task);
        assert_eq!((&first["name"], &first["claims"]), (&json!("ann"), &json!({ "team": "blue" })));
        assert_eq!(locale(&first), "nb");
        let task = send(&world, 1, &by_ann("red"), follow_up(&task, "do who; ask")).await;
        assert_eq!(known(&task)["claims"], json!({ "team": "red" }));
        let mut plain = params();
        plain.insert("x-user".into(), vec!["ann".into()]);
        let task = send(&world, 0, &plain, follow_up(&task, "do who; ask")).await;
        let last = known(&task);
        assert_eq!((&last["name"], &last["claims"]), (&json!("ann"), &json!({})));
        assert_eq!(last["params"].as_object().unwrap().keys().collect::<Vec<_>>(), ["a2a-version"]);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_is_resumed_knows_caller_kind_and_attempt(bus) {
        let lost = Config::default()
            .executor_lost(ExecutorLost::Resume { max_attempts: 3 })
            .agent_headers(vec!["X-LOCALE".to_owned()]);
        for follows_up in [false, true] {
            let storm = World::calling(3, bus, lost.clone(), Arc::new(Known)).await;
            let (first, node) = if follows_up { ("do ask", 1) } else { ("do who; sleep 60000; done", 0) };
            let mut request = request(first);
            request.configuration = at_once();
            let mut task = expect_task(storm.nodes[0].handler.send_message(&by_ann("blue"), request).await.unwrap());
            if follows_up {
                let mut next = follow_up(&task, "do who; sleep 60000; done");
                next.configuration = at_once();
                eventually("it asked", async || state(&storm.load(&task.id).await.task) == TaskState::InputRequired).await;
                task = expect_task(storm.nodes[node].handler.send_message(&by_ann("red"), next).await.unwrap());
            }
            sleep(Duration::from_secs(1)).await;
            assert_eq!(known(&storm.load(&task.id).await.task)["metadata"], json!({}), "a message began it");
            let executor = storm.head(&task.id).await.claim.unwrap().instance;
            if follows_up {
                storm.nodes[node].cluster.shutdown(Duration::ZERO).await;
            } else {
                storm.crash(executor);
            }
            sleep(Duration::from_secs(50)).await;
            let seen = known(&storm.load(&task.id).await.task);
            let turn = if follows_up {
                json!({ "kind": "handedOver", "attempt": 1 })
            } else {
                json!({ "kind": "resumed", "attempt": 2 })
            };
            assert_eq!(seen["metadata"], json!({ "urn:a2a-cluster:turn:v1": turn }));
            let team = if follows_up { "red" } else { "blue" };
            assert_eq!((&seen["name"], &seen["claims"]), (&json!("ann"), &json!({ "team": team })));
            assert_eq!(locale(&seen), "nb");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_knows_who_cancels_and_with_what_words(bus) {
        for script in ["do work; hang / who; canceled", "do ask / who; canceled", "do ask; hang / who; canceled"] {
            for n in 0..2 {
                let world = world(bus).await;
                let mut request = request(script);
                request.configuration = at_once();
                let task = send(&world, 0, &by_ann("blue"), request).await;
                sleep(Duration::from_millis(100)).await;
                // Only the server says why an agent was started.
                let forged = ("urn:a2a-cluster:turn:v1".to_owned(), json!({ "kind": "resumed", "attempt": 9 }));
                let metadata = HashMap::from([("reason".to_owned(), json!("too slow")), forged]);
                let cancel = CancelTaskRequest { id: task.id.clone(), metadata: Some(metadata), tenant: None };
                // An executor that cannot be asked is passed over, and its agent with it.
                let is_asked = n == 0 || bus != Bus::Unplugged || !script.contains("work");
                world.on(n).cancel_task(&by_ann("red"), cancel).await.unwrap();
                if is_asked {
                    let seen = known(&world.load(&task.id).await.task);
                    assert_eq!(seen["metadata"], json!({ "reason": "too slow" }), "{script} from {n}");
                    assert_eq!((&seen["name"], &seen["claims"]), (&json!("ann"), &json!({ "team": "red" })));
                    assert_eq!(locale(&seen), "nb");
                }
                world.shutdown().await;
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn metadata_of_a_cancel_reaches_the_agent_here_whatever_its_size(bus) {
        let world = world(bus).await;
        let task = send(&world, 0, &by_ann("blue"), {
            let mut request = request("do work; hang / who; canceled");
            request.configuration = at_once();
            request
        })
        .await;
        let metadata = HashMap::from([("reason".to_owned(), json!("x".repeat(10_000)))]);
        let cancel = CancelTaskRequest { id: task.id.clone(), metadata: Some(metadata), tenant: None };
        world.on(0).cancel_task(&by_ann("blue"), cancel).await.unwrap();
        assert_eq!(known(&world.load(&task.id).await.task)["metadata"]["reason"].as_str().unwrap().len(), 10_000);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_of_whom_too_much_is_known_is_refused(bus) {
        let world = world(bus).await;
        let mut large = by_ann(&"x".repeat(5_000));
        let refused = world.on(0).send_message(&large, request("echo hi")).await.unwrap_err();
        assert_eq!(refused.code, error_code::INVALID_PARAMS);
        assert!(refused.message.contains("4096 bytes"), "{refused:?}");
        large.insert("x-team".into(), vec!["blue".into()]);
        large.insert("X-Locale".into(), vec!["x".repeat(5_000)]);
        let refused = world.on(0).send_streaming_message(&large, request("echo hi")).await.err().unwrap();
        assert!(refused.message.contains("4096 bytes"), "{refused:?}");
        world.shutdown().await;
    }
}

/// Never finds out.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl CallerResolver for Silent {
    async fn resolve(&self, _: &ServiceParams) -> Result<Caller, A2AError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_told_in_time_is_told_to_come_again() {
    let world = World::build(1, Bus::Plugged, |builder| builder.callers(Arc::new(Silent))).await;
    let refused = world.on(0).send_message(&params(), request("done")).await.unwrap_err();
    assert!(retry_after(&refused).is_some(), "{refused:?}");
    let handler = Arc::new(world.on(0).clone());
    assert!(retry_after(&handler.for_caller(&params()).await.unwrap_err()).is_some());
    world.shutdown().await;
}
