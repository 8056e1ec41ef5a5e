//! Configs that are created and deleted while their task runs, on whichever instance.

use std::time::Duration;

use a2a::{
    GetTaskPushNotificationConfigRequest, ListTaskPushNotificationConfigsRequest, SendMessageRequest,
    TaskState,
};
use a2a_core::PushConfigs;
use a2a_server::RequestHandler;
use a2a_testkit::{Delay, Forecast};

use super::receiver::{Answers, Receiver};
use super::{config, create, delete, given_up_after, request_with, start, webhook, world_of};
use crate::world::{Bus, eventually, follow_up, key, on_every_bus, params, texts, visible};

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
        delete(&world.nodes[1], &task, &id).await;
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
    async fn a_config_made_on_a_task_that_is_over_or_parked_is_told_the_task(bus) {
        let world = world_of(2, bus, config()).await;
        for (script, state) in [("say a; say b; done", TaskState::Completed), ("say a; ask", TaskState::InputRequired)] {
            for on in [0, 1] {
                let receiver = Receiver::new(Answers::Well).await;
                let task = world.nodes[0].send(script).await;
                create(&world.nodes[on], &task, webhook(&receiver.url())).await;
                receiver.sees(state.clone()).await;
                let events = receiver.events();
                let [a2a::StreamResponse::Task(told)] = &events[..] else { panic!("{events:?}") };
                assert_eq!(visible(told), visible(&task));
                eventually("the release", || async { world.load(&task.id).await.head.claim.is_none() }).await;
            }
        }
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_config_made_while_its_task_ends_is_told_the_end(bus) {
        let world = world_of(2, bus, config()).await;
        for n in 0..30 {
            let receiver = Receiver::new(Answers::Well).await;
            let task = world.nodes[0].start("say a; sleep 20; done").await;
            tokio::time::sleep(Duration::from_millis(n * 2)).await;
            create(&world.nodes[n as usize % 2], &task, webhook(&receiver.url())).await;
            receiver.sees(TaskState::Completed).await;
        }
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_config_that_is_deleted_between_two_turns_is_told_nothing_of_the_next(bus) {
        // Nobody looks at the configs meanwhile.
        let world = world_of(2, bus, config().silence_max(Duration::from_secs(60))).await;
        // What is away keeps the task's deliveries where they are.
        let away = Receiver::new(Answers::With(http::StatusCode::BAD_GATEWAY, Vec::new())).await;
        let (deleted, kept) = (Receiver::new(Answers::Well).await, Receiver::new(Answers::Well).await);
        let task = start(&world.nodes[0], "say a; ask", webhook(&away.url())).await;
        create(&world.nodes[0], &task, webhook(&kept.url())).await;
        let id = create(&world.nodes[0], &task, webhook(&deleted.url())).await;
        deleted.sees(TaskState::InputRequired).await;
        kept.sees(TaskState::InputRequired).await;
        let before = deleted.requests();
        delete(&world.nodes[1], &task, &id).await;
        // While the configs are read, the turn has begun.
        let slow = Delay::between(Duration::from_millis(20), Duration::from_millis(20));
        world.weather.set(Forecast { store_delay: slow, ..Forecast::calm() });
        let request = follow_up(&task, "do work; say more; done");
        world.on(0).send_message(&params(), request).await.unwrap();
        kept.sees(TaskState::Completed).await;
        assert_eq!(deleted.requests(), before);
        drop(world);
    }

    #[tokio::test]
    async fn a_config_that_is_made_again_while_its_webhook_is_away_misses_nothing(bus) {
        let world = world_of(2, bus, config()).await;
        let receiver = Receiver::new(Answers::With(http::StatusCode::BAD_GATEWAY, Vec::new())).await;
        let same = a2a::TaskPushNotificationConfig { id: Some("c".into()), ..webhook(&receiver.url()) };
        let task = start(&world.nodes[0], "stream 40 10", same.clone()).await;
        eventually("some work", || async { world.load(&task.id).await.version.get() > 10 }).await;
        create(&world.nodes[1], &task, same.clone()).await;
        receiver.answer(Answers::Well);
        receiver.sees(TaskState::Completed).await;
        let expected: Vec<String> = (0..40).map(|n| n.to_string()).collect();
        assert_eq!(texts(&receiver.fold().unwrap()), expected.iter().map(String::as_str).collect::<Vec<_>>());
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_config_that_is_made_again_in_a_turn_is_told_the_task_in_place_of_what_it_has(bus) {
        let world = world_of(2, bus, config()).await;
        let receiver = Receiver::new(Answers::Well).await;
        let same = a2a::TaskPushNotificationConfig { id: Some("c".into()), ..webhook(&receiver.url()) };
        let task = start(&world.nodes[0], "stream 400 2", same.clone()).await;
        eventually("some calls", || async { receiver.requests() > 20 }).await;
        create(&world.nodes[1], &task, same.clone()).await;
        receiver.sees(TaskState::Completed).await;
        let events = receiver.events();
        let again = events.iter().rposition(|event| matches!(event, a2a::StreamResponse::Task(_))).unwrap();
        assert!(again > 20, "it was told the task at the beginning only");
        let expected: Vec<String> = (0..400).map(|n| n.to_string()).collect();
        assert_eq!(texts(&receiver.fold().unwrap()), expected.iter().map(String::as_str).collect::<Vec<_>>());
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_config_that_is_made_again_on_a_parked_task_is_told_the_task_again(bus) {
        let world = world_of(2, bus, config()).await;
        // What is away keeps the task's deliveries where they are.
        let away = Receiver::new(Answers::With(http::StatusCode::BAD_GATEWAY, Vec::new())).await;
        let receiver = Receiver::new(Answers::Well).await;
        let same = a2a::TaskPushNotificationConfig { id: Some("c".into()), ..webhook(&receiver.url()) };
        let task = start(&world.nodes[0], "say a; ask", webhook(&away.url())).await;
        eventually("the question", || async {
            world.load(&task.id).await.task.status.state == TaskState::InputRequired
        })
        .await;
        for times in 1..10 {
            create(&world.nodes[times % 2], &task, same.clone()).await;
            eventually("the task once more", || async { receiver.events().len() == times }).await;
        }
        drop(world);
    }

    #[tokio::test]
    async fn secrets_are_shown_to_nobody_unless_the_setting_says_so(bus) {
        for shows in [false, true] {
            let policy = given_up_after(Duration::from_secs(600)).show_secrets(shows);
            let world = world_of(1, bus, config().webhooks(policy)).await;
            let task = world.nodes[0].send("ask").await;
            let id = create(&world.nodes[0], &task, webhook("http://127.0.0.1:9/")).await;
            let get = GetTaskPushNotificationConfigRequest { id, task_id: task.id.clone(), tenant: None };
            let got = world.on(0).get_push_config(&params(), get).await.unwrap();
            let list = ListTaskPushNotificationConfigsRequest {
                task_id: task.id.clone(),
                page_size: None,
                page_token: None,
                tenant: None,
            };
            let listed = world.on(0).list_push_configs(&params(), list).await.unwrap().configs;
            assert_eq!(listed, std::slice::from_ref(&got));
            let shown = format!("{got:?}");
            assert_eq!(shown.contains("a-token") && shown.contains("some-credentials"), shows, "{shown}");
            assert!(got.token.is_some() && got.authentication.as_ref().unwrap().credentials.is_some());
            if !shows {
                // What stands for a secret is none.
                let refused = world.on(0).create_push_config(&params(), got).await.unwrap_err();
                assert_eq!(refused.code, a2a::error_code::INVALID_PARAMS);
            }
            drop(world);
        }
    }

    #[tokio::test]
    async fn a_task_without_configs_has_no_dispatcher(bus) {
        let world = world_of(1, bus, config()).await;
        world.nodes[0].start("hang").await;
        assert_eq!(world.nodes[0].cluster.streaming(), 0, "nobody holds its feed");
        tokio::time::timeout(Duration::from_secs(5), world.shutdown()).await.unwrap();
    }
}
