//! What arrives, in which order, with which headers.

use std::collections::BTreeSet;
use std::time::Duration;

use a2a::{StreamResponse, TaskState};
use a2a_cluster::{WebhookKeys, Webhooks};
use a2a_server::RequestHandler;
use futures::StreamExt;

use super::receiver::{Answers, Receiver};
use super::{config, create, is_released, request_with, send, start, webhook, world_of};
use crate::world::{drain, eventually, expect_task, follow_up, on_every_bus, params, texts, visible};

on_every_bus! {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn each_of_two_hundred_chunks_arrives_once_and_in_order(bus) {
        let world = world_of(1, bus, config()).await;
        for command in ["stream 200 0", "burst 200"] {
            let receiver = Receiver::new(Answers::Well).await;
            let task = send(&world.nodes[0], command, webhook(&receiver.url())).await;
            receiver.sees(TaskState::Completed).await;
            let events = receiver.events();
            assert!(matches!(events[0], StreamResponse::Task(_)));
            let chunks = receiver.chunks();
            assert_eq!(chunks, (0..200).map(|n| n.to_string()).collect::<Vec<_>>(), "{command}");
            assert_eq!(visible(&receiver.fold().unwrap()), visible(&task));
            is_released(&world, &task.id).await;
        }
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_call_carries_media_type_token_and_credentials(bus) {
        let world = world_of(1, bus, config()).await;
        let receiver = Receiver::new(Answers::Well).await;
        send(&world.nodes[0], "echo hello", webhook(&receiver.url())).await;
        receiver.sees(TaskState::Completed).await;
        for headers in receiver.headers() {
            assert_eq!(headers["content-type"], "application/a2a+json");
            assert_eq!(headers["authorization"], "Bearer some-credentials");
            assert_eq!(headers["x-a2a-notification-token"], "a-token");
            assert_eq!(headers["a2a-notification-token"], "a-token");
        }
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_call_has_an_id_of_its_own_and_a_signature_where_there_is_a_key(bus) {
        let key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        for keys in [vec![], vec![key]] {
            let policy = Webhooks::default().sign_with(WebhookKeys::parse(keys.clone()).unwrap());
            let world = world_of(1, bus, config().webhooks(policy)).await;
            let receiver = Receiver::new(Answers::Well).await;
            let task = send(&world.nodes[0], "say a; done", webhook(&receiver.url())).await;
            receiver.sees(TaskState::Completed).await;
            let headers = receiver.headers();
            let ids: BTreeSet<_> = headers.iter().map(|headers| headers["webhook-id"].clone()).collect();
            assert_eq!(ids.len(), headers.len());
            assert!(ids.iter().all(|id| id.to_str().unwrap().starts_with(&format!("{}/", task.id))));
            for headers in headers {
                headers["webhook-timestamp"].to_str().unwrap().parse::<i64>().unwrap();
                assert_eq!(headers.contains_key("webhook-signature"), !keys.is_empty());
            }
            world.shutdown().await;
        }
    }

    #[tokio::test]
    async fn a_webhook_that_never_answers_delays_neither_agent_nor_stream_nor_another_webhook(bus) {
        let world = world_of(1, bus, config()).await;
        let (silent, good) = (Receiver::new(Answers::Never).await, Receiver::new(Answers::Well).await);
        let request = request_with("stream 50 2", webhook(&silent.url()), false);
        let mut stream = world.on(0).send_streaming_message(&params(), request).await.unwrap();
        let Some(Ok(StreamResponse::Task(task))) = stream.next().await else { panic!("a task comes first") };
        create(&world.nodes[0], &task, webhook(&good.url())).await;
        // Far less than the patience for one call.
        tokio::time::timeout(Duration::from_secs(5), drain(stream)).await.unwrap();
        good.sees(TaskState::Completed).await;
        assert_eq!(silent.requests(), 1);
        assert!(world.load(&task.id).await.head.claim.is_some(), "something is pending");
        world.shutdown().await;
    }

    #[tokio::test]
    async fn the_next_turn_goes_on_where_the_last_one_stopped(bus) {
        let world = world_of(2, bus, config()).await;
        let receiver = Receiver::new(Answers::Well).await;
        let task = send(&world.nodes[0], "ask", webhook(&receiver.url())).await;
        receiver.sees(TaskState::InputRequired).await;
        is_released(&world, &task.id).await;
        // On another instance, with the config that the first turn brought.
        let done = expect_task(world.on(1).send_message(&params(), follow_up(&task, "more")).await.unwrap());
        receiver.sees(TaskState::Completed).await;
        assert_eq!(visible(&receiver.fold().unwrap()), visible(&done));
        assert_eq!(texts(&done), ["more"]);
        let tasks = receiver.events().iter().filter(|event| matches!(event, StreamResponse::Task(_))).count();
        assert_eq!(tasks, 1, "nothing is repeated");
        is_released(&world, &task.id).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_slow_webhook_reads_what_it_missed_from_the_store(bus) {
        let world = world_of(1, bus, config().ring_commits(2)).await;
        let receiver = Receiver::new(Answers::FirstWith(4, http::StatusCode::SERVICE_UNAVAILABLE)).await;
        let task = send(&world.nodes[0], "stream 60 0", webhook(&receiver.url())).await;
        receiver.sees(TaskState::Completed).await;
        assert_eq!(visible(&receiver.fold().unwrap()), visible(&task));
        is_released(&world, &task.id).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn an_agent_that_only_answers_leaves_nothing_to_deliver(bus) {
        let world = world_of(1, bus, config()).await;
        let receiver = Receiver::new(Answers::Well).await;
        let request = request_with("message hello", webhook(&receiver.url()), false);
        world.on(0).send_message(&params(), request).await.unwrap();
        eventually("the end of its dispatcher", || async { world.nodes[0].cluster.streaming() == 0 }).await;
        assert_eq!(receiver.requests(), 0);
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_parked_task_with_pending_deliveries_is_cancelled_by_its_agent(bus) {
        let world = world_of(2, bus, config()).await;
        let receiver = Receiver::new(Answers::Never).await;
        let task = start(&world.nodes[0], "ask", webhook(&receiver.url())).await;
        eventually("the turn's end", || async { world.nodes[0].cluster.running() == 0 }).await;
        let canceled = world.nodes[1].cancel(&task.id).await.unwrap();
        assert_eq!(canceled.status.state, TaskState::Canceled);
        assert_eq!(canceled.status.message, None, "a cancel over its head would say why");
        receiver.answer(Answers::Well);
        world.shutdown().await;
    }
}
