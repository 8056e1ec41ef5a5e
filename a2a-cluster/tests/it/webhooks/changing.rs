//! Configs that are created and deleted while their task runs, on whichever instance.

use std::time::Duration;

use a2a::{DeleteTaskPushNotificationConfigRequest, SendMessageRequest, TaskState};
use a2a_core::PushConfigs;
use a2a_server::RequestHandler;

use super::receiver::{Answers, Receiver};
use super::{config, create, request_with, start, webhook, world_of};
use crate::world::{Bus, eventually, follow_up, key, on_every_bus, params, texts};

on_every_bus! {
    #[tokio::test]
    async fn a_config_created_elsewhere_is_served_by_the_executor(bus) {
        let world = world_of(2, bus, config()).await;
        let receiver = Receiver::new(Answers::Well).await;
        let task = world.nodes[0].start("stream 3000 1").await;
        create(&world.nodes[1], &task, webhook(&receiver.url())).await;
        if bus == Bus::Unplugged {
            // Its executor does not hear of it before the task ends.
            eventually("some work", || async { world.load(&task.id).await.version.get() > 20 }).await;
        } else {
            eventually("news while the agent runs", || async { receiver.requests() > 2 }).await;
        }
        assert_eq!(world.nodes[0].cluster.running(), 1);
        let canceled = world.nodes[0].cancel(&task.id).await.unwrap();
        receiver.sees(TaskState::Canceled).await;
        // It wanted what came after it was created: the tail, without a hole.
        let seen: Vec<u64> = receiver.chunks().iter().map(|chunk| chunk.parse().unwrap()).collect();
        let first = *seen.first().unwrap();
        assert_eq!(seen, (first..texts(&canceled).len() as u64).collect::<Vec<_>>());
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_config_whose_hint_is_lost_is_served_once_the_task_ends(bus) {
        let world = world_of(2, bus, config()).await;
        let receiver = Receiver::new(Answers::Well).await;
        let task = world.nodes[0].start("stream 100 1").await;
        create(&world.nodes[1], &task, webhook(&receiver.url())).await;
        receiver.sees(TaskState::Completed).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_config_that_is_deleted_elsewhere_is_called_no_more(bus) {
        let world = world_of(2, bus, config()).await;
        let (deleted, kept) = (Receiver::new(Answers::Well).await, Receiver::new(Answers::Well).await);
        let task = start(&world.nodes[0], "stream 100000 1", webhook(&kept.url())).await;
        let id = create(&world.nodes[0], &task, webhook(&deleted.url())).await;
        eventually("the first calls", || async { deleted.requests() > 2 && kept.requests() > 2 }).await;
        let delete = DeleteTaskPushNotificationConfigRequest { id, task_id: task.id.clone(), tenant: None };
        world.on(1).delete_push_config(&params(), delete).await.unwrap();
        eventually("silence", || async {
            let (gone, before) = (deleted.requests(), kept.requests());
            eventually("other calls", || async { kept.requests() > before + 50 }).await;
            deleted.requests() == gone
        })
        .await;
        world.nodes[0].cancel(&task.id).await.unwrap();
        kept.sees(TaskState::Canceled).await;
        assert!(
            !deleted
                .events()
                .iter()
                .any(|event| { a2a_core::reduce::state_of(event) == Some(&TaskState::Canceled) })
        );
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_config_that_comes_with_a_follow_up_is_kept_once_and_sees_its_turn(bus) {
        let world = world_of(2, bus, config()).await;
        let receiver = Receiver::new(Answers::Well).await;
        let task = world.nodes[0].send("ask").await;
        let follow_up = SendMessageRequest {
            configuration: request_with("", webhook(&receiver.url()), false).configuration,
            ..follow_up(&task, "more")
        };
        world.on(1).send_message(&params(), follow_up).await.unwrap();
        receiver.sees(TaskState::Completed).await;
        let states: Vec<_> = receiver.events().iter().filter_map(a2a_core::reduce::state_of).cloned().collect();
        assert_eq!(states, [TaskState::Working, TaskState::Completed]);
        assert_eq!(world.store.list_configs(&key(&task.id)).await.unwrap().len(), 1);
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_task_without_configs_has_no_dispatcher(bus) {
        let world = world_of(1, bus, config()).await;
        world.nodes[0].start("hang").await;
        assert_eq!(world.nodes[0].cluster.streaming(), 0, "nobody holds its feed");
        tokio::time::timeout(Duration::from_secs(5), world.shutdown()).await.unwrap();
    }
}
