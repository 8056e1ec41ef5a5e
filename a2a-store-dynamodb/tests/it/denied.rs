//! Instances over a table to which they lose their permissions under load, and get them back.

use std::sync::Arc;
use std::time::Duration;

use a2a::TaskState;
use a2a_bus_memory::MemoryBus;
use a2a_cluster::{Cluster, Config, StartError, Unready, retry_after};
use a2a_store_dynamodb::DynamoDbStore;
use a2a_testkit::ScriptedAgent;
use a2a_testworld::world::{
    Node, card, drain, eventually, expect_task, fold, last_state, node, quick, request, state, texts,
    webhooks,
};

use crate::place::Place;
use crate::place::permissions::Permissions;

/// What is denied, as one of the codes that DynamoDB has for it, and to which operations.
const CASES: [(&str, &[&str]); 8] = [
    ("AccessDeniedException", &[]),
    ("ExpiredTokenException", &[]),
    ("ResourceNotFoundException", &[]),
    ("AccessDeniedException", &["PutItem"]),
    ("AccessDeniedException", &["UpdateItem"]),
    ("AccessDeniedException", &["TransactWriteItems"]),
    ("AccessDeniedException", &["GetItem", "BatchGetItem"]),
    ("AccessDeniedException", &["Query"]),
];

/// Pauses that a test can wait for.
fn config() -> Config {
    quick()
        .retry_max(Duration::from_millis(100))
        .request_patience(Duration::from_secs(2))
        .beat_interval(Duration::from_millis(500))
        .lease(Duration::from_secs(30))
}

async fn store(place: &Place, permissions: &Permissions) -> DynamoDbStore {
    let client = place.client_with(|builder| builder.http_client(permissions.clone())).await;
    DynamoDbStore::with_client(client, &place.table)
}

async fn instances(place: &Place, permissions: &Permissions) -> Vec<Node> {
    let bus = Arc::new(MemoryBus::new());
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let store = Arc::new(store(place, permissions).await);
        nodes.push(node(store, bus.clone(), |builder| builder.config(config())).await);
    }
    nodes
}

/// A message that begins a task by a transaction.
fn too_large_for_a_head() -> String {
    let words: String = std::iter::repeat_with(fastrand::alphanumeric).take(3_000).collect();
    format!("say {words}; talk 2 100; done")
}

#[test]
fn what_is_denied_for_a_while_fails_no_task_and_ends_no_stream() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        let permissions = Permissions::new();
        let nodes = instances(place, &permissions).await;
        for (code, operations) in CASES {
            let mut streams = Vec::new();
            for node in &nodes {
                let task = node.start("do work; talk 60 20; done").await;
                for reader in &nodes {
                    streams.push(reader.subscribe(&task.id).await.unwrap());
                }
            }
            permissions.deny(code, operations);
            // Each of them tries again and again meanwhile.
            eventually("calls are denied", async || {
                let _ = nodes[0].get("any").await;
                for script in ["do work; done", &too_large_for_a_head()] {
                    let asked = nodes[1].ask(request(script));
                    let _ = tokio::time::timeout(Duration::from_millis(200), asked).await;
                }
                permissions.denials() >= 3
            })
            .await;
            let reasons = nodes.iter().flat_map(|node| node.cluster.readiness().reasons().to_vec());
            assert!(reasons.into_iter().any(|why| why == Unready::StoreDenies), "{code} of {operations:?}");
            match nodes[0].ask(request("do work; done")).await {
                Ok(answer) => assert_eq!(state(&expect_task(answer)), TaskState::Completed),
                Err(refused) => {
                    assert!(retry_after(&refused).is_some(), "{code} of {operations:?}: {refused:?}")
                }
            }
            assert!(permissions.allow() > 0);
            for events in streams {
                let events = drain(events).await;
                assert_eq!(last_state(&events), Some(TaskState::Completed), "{code} of {operations:?}");
                assert_eq!(texts(&fold(&events)).len(), 60, "{code} of {operations:?}");
            }
            eventually("all are ready again", async || {
                for node in &nodes {
                    let _ = node.ask(request("do work; done")).await;
                }
                nodes.iter().all(|node| node.cluster.is_ready())
            })
            .await;
        }
        for node in &nodes {
            assert_eq!(node.cluster.id(), node.first_id, "nobody was taken for dead");
            node.cluster.shutdown(Duration::from_secs(1)).await;
        }
    });
}

#[test]
fn a_start_without_permission_fails_in_clear_words() {
    a2a_testkit::run::<Place>(async |place: &Place| {
        // The first call of all is refused at once; of later ones nobody knows whether they are refused for now only.
        for operations in [&[][..], &["GetItem"], &["UpdateItem", "PutItem"]] {
            let permissions = Permissions::new();
            permissions.deny("AccessDeniedException", operations);
            let builder = Cluster::builder(Arc::new(ScriptedAgent::default()), card()).config(config());
            let builder = builder.store(Arc::new(store(place, &permissions).await)).webhooks(webhooks());
            let failed: StartError = builder.start().await.map(drop).unwrap_err();
            let told = format!("{failed:?}");
            assert!(told.contains("is not authorized to perform: dynamodb:"), "{told}");
            let is_told_at_once = operations.is_empty() || operations.contains(&"GetItem");
            assert!(!is_told_at_once || permissions.denials() == 1, "{} calls", permissions.denials());
        }
    });
}
