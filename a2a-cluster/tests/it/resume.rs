//! Resuming a stream after a disconnect, from the cursor in its last event.

use a2a::{StreamResponse, error_code};
use a2a_cluster::resume;
use a2a_server::{RequestHandler, ServiceParams};
use a2a_store_memory::{MemoryStore, MemoryStoreConfig};
use futures::StreamExt;
use serde_json::Value;

use crate::world::{self, Events, Node, World, drain, on_every_bus, params, request, subscribe};

fn declared(cursor: Option<&str>) -> ServiceParams {
    let mut params = params();
    params.insert("a2a-extensions".into(), vec![format!("urn:other, {}", resume::URI)]);
    if let Some(cursor) = cursor {
        params.insert("a2a-resume-cursor".into(), vec![cursor.to_owned()]);
    }
    params
}

async fn resume(node: &Node, id: &str, cursor: &str) -> Result<Events, a2a::A2AError> {
    node.handler.subscribe_to_task(&declared(Some(cursor)), subscribe(id)).await
}

fn mark(event: &StreamResponse) -> &Value {
    let metadata = match event {
        StreamResponse::Task(task) => &task.metadata,
        StreamResponse::Message(message) => &message.metadata,
        StreamResponse::StatusUpdate(update) => &update.metadata,
        StreamResponse::ArtifactUpdate(update) => &update.metadata,
    };
    &metadata.as_ref().expect("an event carries metadata")[resume::URI]
}

fn cursor(event: &StreamResponse) -> String {
    mark(event)["cursor"].as_str().expect("an event carries a cursor").to_owned()
}

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_stream_resumes_with_exactly_what_was_missed(bus) {
        let world = World::new(3, bus).await;
        let whole = world.on(0).send_streaming_message(&declared(None), request("stream 40 4")).await.unwrap();
        let whole = tokio::spawn(drain(whole));
        let task = loop {
            let listed = world.on(0).list_tasks(&params(), world::list()).await.unwrap();
            match listed.tasks.into_iter().next() {
                Some(task) => break task,
                None => tokio::task::yield_now().await,
            }
        };
        let mut seen = Vec::new();
        let mut events = world.on(1).subscribe_to_task(&declared(None), subscribe(&task.id)).await.unwrap();
        'read: loop {
            for _ in 0..7 {
                let Some(event) = events.next().await else { break 'read };
                seen.push(event.unwrap());
            }
            drop(events);
            let node = &world.nodes[seen.len() % 3];
            let Ok(again) = resume(node, &task.id, &cursor(seen.last().unwrap())).await else { break };
            events = again;
        }
        let whole = whole.await.unwrap();
        assert_eq!(whole.len(), 43);
        let after_snapshot = &seen[1..];
        assert_eq!(after_snapshot, &whole[whole.len() - after_snapshot.len()..]);
        assert!(seen.iter().all(|event| mark(event).get("resumed").is_none()));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn every_cursor_of_a_task_that_ended_replays_the_rest_of_it(bus) {
        let world = World::new(2, bus).await;
        let streamed = world.on(0).send_streaming_message(&declared(None), request("burst 30")).await.unwrap();
        let events = drain(streamed).await;
        let Some(StreamResponse::Task(task)) = events.first() else { panic!("{events:?}") };
        for (n, event) in events.iter().enumerate() {
            match resume(&world.nodes[n % 2], &task.id, &cursor(event)).await {
                Ok(rest) => assert_eq!(drain(rest).await, events[n + 1..]),
                Err(error) => {
                    assert_eq!((n, error.code), (events.len() - 1, error_code::UNSUPPORTED_OPERATION));
                }
            }
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn events_carry_no_cursor_unless_the_client_asks(bus) {
        let world = World::new(1, bus).await;
        for event in drain(world.nodes[0].stream("stream 3 0").await).await {
            let text = serde_json::to_string(&event).unwrap();
            assert!(!text.contains(resume::URI), "{text}");
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_no_longer_kept_is_replaced_by_the_task_and_said_so(bus) {
        let forgetful = MemoryStoreConfig::default().log_commits(2);
        let world = World::keeping(1, bus, MemoryStore::with_config(forgetful)).await;
        let streamed = world.on(0).send_streaming_message(&declared(None), request("stream 20 1")).await.unwrap();
        let events = drain(streamed).await;
        let Some(StreamResponse::Task(task)) = events.first() else { panic!("{events:?}") };
        let again = drain(resume(&world.nodes[0], &task.id, &cursor(&events[1])).await.unwrap()).await;
        let [StreamResponse::Task(whole)] = &again[..] else { panic!("{again:?}") };
        assert_eq!(world::texts(whole).len(), 20);
        assert_eq!(mark(&again[0])["resumed"], false);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn foreign_cursors_are_invalid(bus) {
        let world = World::new(1, bus).await;
        let first =
            drain(world.on(0).send_streaming_message(&declared(None), request("echo a")).await.unwrap()).await;
        let other = world.nodes[0].send("ask").await;
        for cursor in ["", "nonsense", &cursor(&first[0])] {
            let Err(error) = resume(&world.nodes[0], &other.id, cursor).await else {
                panic!("{cursor} was taken")
            };
            assert_eq!(error.code, error_code::INVALID_PARAMS);
        }
        world.shutdown().await;
    }
}
