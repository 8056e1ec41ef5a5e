//! Webhooks that fail: tried again, within reason.

use std::time::{Duration, Instant};

use a2a::TaskState;
use a2a_cluster::{Redelivery, redeliver};
use a2a_core::PushConfigs;
use a2a_server::RequestHandler;
use http::StatusCode;

use super::receiver::{Answers, Receiver};
use super::{config, given_up_after, is_released, send, webhook, world_of};
use crate::world::{eventually, expect_task, follow_up, local_webhooks, on_every_bus, params, visible};

on_every_bus! {
    #[tokio::test]
    async fn a_failure_is_tried_again_and_nothing_overtakes_it(bus) {
        let world = world_of(1, bus, config()).await;
        for status in [
            StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::CONFLICT,
        ] {
            let receiver = Receiver::new(Answers::FirstWith(3, status)).await;
            let task = send(&world.nodes[0], "stream 20 0", webhook(&receiver.url())).await;
            receiver.sees(TaskState::Completed).await;
            assert_eq!(visible(&receiver.fold().unwrap()), visible(&task), "{status}");
            assert_eq!(receiver.requests(), receiver.events().len() + 3, "{status}");
        }
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_webhook_that_goes_on_failing_is_on_record_until_a_later_turn_reaches_it(bus) {
        let world = world_of(1, bus, config().webhooks(given_up_after(Duration::from_millis(200)))).await;
        let receiver = Receiver::new(Answers::With(StatusCode::BAD_GATEWAY, Vec::new())).await;
        let task = send(&world.nodes[0], "ask", webhook(&receiver.url())).await;
        is_released(&world, &task.id).await;
        assert!(receiver.requests() > 1);
        let given_up = world.store.given_up(None, 9).await.unwrap();
        assert_eq!(given_up.len(), 1);
        assert_eq!((&*given_up[0].host, &*given_up[0].reason), ("127.0.0.1", "it answered 502"));
        assert_eq!(given_up[0].task.task_id, task.id);
        // The next turn tries again, and tells the task in place of what was tried in vain.
        receiver.answer(Answers::Well);
        let task = world.on(0).send_message(&params(), follow_up(&task, "more")).await.unwrap();
        receiver.sees(TaskState::Completed).await;
        assert_eq!(visible(&receiver.fold().unwrap()), visible(&expect_task(task)));
        eventually("the record goes", || async { world.store.given_up(None, 9).await.unwrap().is_empty() }).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn an_operator_may_have_tried_again_what_was_given_up(bus) {
        let policy = given_up_after(Duration::from_millis(50));
        let world = world_of(1, bus, config().webhooks(policy.clone())).await;
        let receiver = Receiver::new(Answers::With(StatusCode::GONE, Vec::new())).await;
        let task = send(&world.nodes[0], "say a; say b; done", webhook(&receiver.url())).await;
        is_released(&world, &task.id).await;
        let given_up = world.store.given_up(None, 9).await.unwrap().remove(0);
        let transport = local_webhooks();
        let again = async || redeliver(&*world.store, &*transport, &policy, &given_up).await.unwrap();
        assert_eq!(again().await, Redelivery::Refused("it answered 410".to_owned()));
        assert_eq!(world.store.given_up(None, 9).await.unwrap().len(), 1);
        receiver.answer(Answers::Well);
        assert_eq!(again().await, Redelivery::Delivered);
        assert_eq!(visible(&receiver.fold().unwrap()), visible(&task));
        assert!(world.store.given_up(None, 9).await.unwrap().is_empty());
        world.store.remove_config(&given_up.task, &given_up.config_id).await.unwrap();
        assert_eq!(again().await, Redelivery::Gone);
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_call_that_takes_too_long_counts_as_failed(bus) {
        let policy = given_up_after(Duration::from_millis(1)).timeout(Duration::from_millis(300));
        let world = world_of(1, bus, config().webhooks(policy)).await;
        let receiver = Receiver::new(Answers::Never).await;
        let task = send(&world.nodes[0], "echo x", webhook(&receiver.url())).await;
        is_released(&world, &task.id).await;
        let given_up = world.store.given_up(None, 9).await.unwrap();
        assert_eq!(given_up[0].reason, "it did not answer in time");
        assert!(receiver.requests() >= 2, "once more after it was known that the turn is over");
        world.shutdown().await;
    }

    #[tokio::test]
    async fn one_event_that_is_refused_keeps_nothing_else_from_arriving(bus) {
        for status in [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY] {
            let world = world_of(1, bus, config()).await;
            let receiver = Receiver::new(Answers::LargeWith(2_000, status)).await;
            let large = "x".repeat(4_000);
            send(&world.nodes[0], &format!("say small; say {large}; say tiny; done"), webhook(&receiver.url())).await;
            receiver.sees(TaskState::Completed).await;
            assert_eq!(receiver.chunks(), ["small", "tiny"], "{status}");
            assert!(world.store.given_up(None, 9).await.unwrap().is_empty());
            world.shutdown().await;
        }
    }

    #[tokio::test]
    async fn a_webhook_that_refuses_the_task_is_told_all_of_it_in_parts(bus) {
        let world = world_of(1, bus, config()).await;
        for status in [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE] {
            let receiver = Receiver::new(Answers::With(StatusCode::BAD_GATEWAY, Vec::new())).await;
            let task = send(&world.nodes[0], "stream 400 0", webhook(&receiver.url())).await;
            // By now the task takes the place of its events.
            eventually("many failures", || async { receiver.requests() > 20 }).await;
            receiver.answer(Answers::LargeWith(5_000, status));
            receiver.sees(TaskState::Completed).await;
            assert_eq!(visible(&receiver.fold().unwrap()), visible(&task), "{status}");
            is_released(&world, &task.id).await;
        }
        world.shutdown().await;
    }

    #[tokio::test]
    async fn the_end_that_comes_too_late_is_told_in_few_words_before_a_webhook_is_given_up(bus) {
        // It takes small bodies alone, and seems to be away for all others.
        let world = world_of(1, bus, config().webhooks(given_up_after(Duration::from_millis(300)))).await;
        let receiver = Receiver::new(Answers::LargeWith(1_000, StatusCode::SERVICE_UNAVAILABLE)).await;
        let large = "x".repeat(4_000);
        let task = send(&world.nodes[0], &format!("say {large}; done"), webhook(&receiver.url())).await;
        receiver.sees(TaskState::Completed).await;
        is_released(&world, &task.id).await;
        assert!(world.store.given_up(None, 9).await.unwrap().is_empty());
        world.shutdown().await;
    }

    #[tokio::test]
    async fn the_last_state_is_told_in_fewer_words_where_it_is_refused(bus) {
        let world = world_of(1, bus, config()).await;
        let refuses = Answers::HoldingWith(r#""message":"#, StatusCode::PAYLOAD_TOO_LARGE);
        let receiver = Receiver::new(refuses).await;
        // The status says what went wrong.
        let task = send(&world.nodes[0], "do work; error broken", webhook(&receiver.url())).await;
        assert!(task.status.message.is_some());
        receiver.sees(TaskState::Failed).await;
        is_released(&world, &task.id).await;
        assert!(world.store.given_up(None, 9).await.unwrap().is_empty());
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_webhook_that_refuses_its_caller_is_told_the_end_once_and_is_on_record_if_it_refuses_that(bus) {
        for status in [
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::NOT_FOUND,
            StatusCode::GONE,
            StatusCode::PERMANENT_REDIRECT,
        ] {
            let world = world_of(1, bus, config()).await;
            let receiver = Receiver::new(Answers::With(status, Vec::new())).await;
            let task = send(&world.nodes[0], "stream 50 1", webhook(&receiver.url())).await;
            is_released(&world, &task.id).await;
            assert_eq!(receiver.requests(), 2, "{status}");
            let given_up = world.store.given_up(None, 9).await.unwrap();
            assert_eq!(given_up[0].reason, format!("it answered {}", status.as_u16()));

            let receiver = Receiver::new(Answers::FirstWith(1, status)).await;
            let task = send(&world.nodes[0], "stream 50 1", webhook(&receiver.url())).await;
            is_released(&world, &task.id).await;
            receiver.sees(TaskState::Completed).await;
            assert_eq!(receiver.requests(), 2, "{status}");
            world.shutdown().await;
        }
    }

    #[tokio::test]
    async fn whatever_a_webhook_answers_for_how_long_the_end_arrives_once_it_answers_well(bus) {
        let world = world_of(1, bus, config()).await;
        let receiver = Receiver::new(Answers::With(StatusCode::INTERNAL_SERVER_ERROR, Vec::new())).await;
        let task = send(&world.nodes[0], "stream 600 0", webhook(&receiver.url())).await;
        eventually("many failures", || async { receiver.requests() > 40 }).await;
        receiver.answer(Answers::Well);
        receiver.sees(TaskState::Completed).await;
        is_released(&world, &task.id).await;
        // Not event by event any more.
        assert!(receiver.events().len() < 10, "{}", receiver.events().len());
        assert_eq!(visible(&receiver.fold().unwrap()), visible(&task));
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_webhook_may_ask_for_time(bus) {
        let world = world_of(1, bus, config()).await;
        let busy = Answers::With(StatusCode::TOO_MANY_REQUESTS, vec![("retry-after", "1".into())]);
        let receiver = Receiver::new(busy).await;
        let began = Instant::now();
        send(&world.nodes[0], "echo x", webhook(&receiver.url())).await;
        eventually("the first call", || async { receiver.requests() >= 1 }).await;
        receiver.answer(Answers::Well);
        receiver.sees(TaskState::Completed).await;
        assert!(began.elapsed() >= Duration::from_secs(1));
        world.shutdown().await;
    }

    #[tokio::test]
    async fn no_more_calls_are_made_at_once_than_the_configuration_allows(bus) {
        let policy = given_up_after(Duration::from_secs(600)).concurrency(2).concurrency_per_host(9);
        let world = world_of(1, bus, config().webhooks(policy)).await;
        let receiver = Receiver::new(Answers::Never).await;
        let other = Receiver::new(Answers::Well).await;
        for _ in 0..2 {
            send(&world.nodes[0], "echo x", webhook(&receiver.url())).await;
        }
        eventually("two calls", || async { receiver.requests() == 2 }).await;
        let task = send(&world.nodes[0], "echo x", webhook(&other.url())).await;
        assert_eq!(task.status.state, TaskState::Completed, "only deliveries wait");
        assert_eq!(other.requests(), 0);
        world.shutdown().await;
    }
}
