//! Webhooks that fail: tried again, within reason.

use std::time::{Duration, Instant};

use a2a::TaskState;
use a2a_server::RequestHandler;
use http::StatusCode;

use super::receiver::{Answers, Receiver};
use super::{config, given_up_after, send, webhook, world_of};
use crate::world::{World, eventually, follow_up, on_every_bus, params, visible};

async fn is_released(world: &World, id: &str) {
    eventually("the release of the task", || async { world.load(id).await.head.claim.is_none() }).await;
}

on_every_bus! {
    #[tokio::test]
    async fn a_failure_is_tried_again_and_nothing_overtakes_it(bus) {
        let world = world_of(1, bus, config()).await;
        for status in [
            StatusCode::INTERNAL_SERVER_ERROR,
            StatusCode::NOT_FOUND,
            StatusCode::TOO_MANY_REQUESTS,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::TEMPORARY_REDIRECT,
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
    async fn a_webhook_that_goes_on_failing_is_given_up_and_the_task_is_released(bus) {
        let world = world_of(1, bus, config().webhooks(given_up_after(3))).await;
        let receiver = Receiver::new(Answers::With(StatusCode::BAD_GATEWAY, Vec::new())).await;
        let task = send(&world.nodes[0], "ask", webhook(&receiver.url())).await;
        is_released(&world, &task.id).await;
        assert_eq!(receiver.requests(), 3);
        // The next turn tries again, from where it stopped.
        receiver.answer(Answers::Well);
        world.on(0).send_message(&params(), follow_up(&task, "more")).await.unwrap();
        receiver.sees(TaskState::Completed).await;
        receiver.sees(TaskState::InputRequired).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_call_that_takes_too_long_counts_as_failed(bus) {
        let policy = given_up_after(2).timeout(Duration::from_millis(500));
        let world = world_of(1, bus, config().webhooks(policy)).await;
        let receiver = Receiver::new(Answers::Never).await;
        let task = send(&world.nodes[0], "echo x", webhook(&receiver.url())).await;
        is_released(&world, &task.id).await;
        assert_eq!(receiver.requests(), 2);
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_webhook_may_ask_for_time(bus) {
        let world = world_of(1, bus, config()).await;
        let busy = Answers::With(StatusCode::TOO_MANY_REQUESTS, vec![("retry-after", "1".into())]);
        let receiver = Receiver::new(busy).await;
        let began = Instant::now();
        send(&world.nodes[0], "echo x", webhook(&receiver.url())).await;
        eventually("the first call", || async { receiver.requests() == 1 }).await;
        receiver.answer(Answers::Well);
        receiver.sees(TaskState::Completed).await;
        assert!(began.elapsed() >= Duration::from_secs(1));
        world.shutdown().await;
    }

    #[tokio::test]
    async fn no_more_calls_are_made_at_once_than_the_configuration_allows(bus) {
        let world = world_of(1, bus, config().webhooks(given_up_after(1000).concurrency(2))).await;
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
