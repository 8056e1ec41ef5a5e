//! Webhooks never lead into the server's own network, unless that is allowed.

use a2a::{TaskPushNotificationConfig, TaskState, error_code};
use a2a_core::{ConfigRevision, PushConfigs, PushSubscription, SystemEnv};
use a2a_server::RequestHandler;

use super::receiver::{Answers, Receiver};
use super::{config, request_with, webhook};
use crate::world::{World, eventually, expect_task, follow_up, key, on_every_bus, params};

on_every_bus! {
    #[tokio::test]
    async fn a_local_address_is_refused_when_a_config_is_created(bus) {
        let world = World::with(1, bus, config()).await;
        let receiver = Receiver::new(Answers::Well).await;
        let task = world.nodes[0].start("hang").await;
        for url in [receiver.url(), receiver.url().replace("127.0.0.1", "localhost")] {
            let config = TaskPushNotificationConfig { task_id: task.id.clone(), ..webhook(&url) };
            let refused = world.on(0).create_push_config(&params(), config).await.unwrap_err();
            assert_eq!(refused.code, error_code::INVALID_PARAMS);
            assert!(!refused.message.contains(&url));
            let request = request_with("echo x", webhook(&url), false);
            let refused = world.on(0).send_message(&params(), request).await.unwrap_err();
            assert_eq!(refused.code, error_code::INVALID_PARAMS);
        }
        assert_eq!(receiver.requests(), 0);
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_local_address_that_was_kept_is_not_called(bus) {
        let world = World::with(1, bus, config()).await;
        let receiver = Receiver::new(Answers::Well).await;
        let task = world.nodes[0].send("ask").await;
        let stored = world.load(&task.id).await;
        for (id, url) in [("a", receiver.url()), ("b", receiver.url().replace("127.0.0.1", "localhost"))] {
            let config =
                TaskPushNotificationConfig { id: Some(id.into()), task_id: task.id.clone(), ..webhook(&url) };
            let subscription = PushSubscription::new(config, ConfigRevision::generate(&SystemEnv), stored.version);
            world.store.save_config(&key(&task.id), &subscription).await.unwrap();
        }
        let done = expect_task(world.on(0).send_message(&params(), follow_up(&task, "more")).await.unwrap());
        assert_eq!(done.status.state, TaskState::Completed);
        eventually("the release", || async { world.load(&task.id).await.head.claim.is_none() }).await;
        assert_eq!(receiver.requests(), 0);
        world.shutdown().await;
    }
}
