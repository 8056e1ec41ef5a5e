//! Deliveries that outlive their instance.

use std::time::Duration;

use a2a::TaskState;
use a2a_core::{Membership, PushConfigs};
use a2a_server::RequestHandler;
use http::StatusCode;

use super::receiver::{Answers, Receiver};
use super::{config, create, is_released, mortal, send, start, webhook, world_of};
use crate::world::{
    Bus, World, eventually, expect_task, follow_up, local_webhooks, on_every_bus, params, visible,
};

/// The first instance vanishes, without a word.
fn kill_first(world: &mut World) {
    drop(world.nodes.remove(0));
}

on_every_bus! {
    #[tokio::test]
    async fn what_a_dead_executor_left_undelivered_is_delivered_by_a_survivor(bus) {
        let mut world = world_of(3, bus, mortal()).await;
        let receiver = Receiver::new(Answers::Never).await;
        let task = send(&world.nodes[0], "stream 30 0", webhook(&receiver.url())).await;
        eventually("the first call", || async { receiver.requests() == 1 }).await;
        kill_first(&mut world);
        receiver.answer(Answers::Well);
        receiver.sees(TaskState::Completed).await;
        assert_eq!(visible(&receiver.fold().unwrap()), visible(&task));
        assert_eq!(world.load(&task.id).await.task, task, "the task itself does not change");
        is_released(&world, &task.id).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_survivor_goes_on_from_what_was_acknowledged(bus) {
        let mut world = world_of(2, bus, mortal()).await;
        let receiver = Receiver::new(Answers::Well).await;
        let task = start(&world.nodes[0], "stream 100000 2", webhook(&receiver.url())).await;
        eventually("many calls", || async { receiver.requests() > 100 }).await;
        kill_first(&mut world);
        receiver.sees(TaskState::Failed).await;
        is_released(&world, &task.id).await;
        let chunks: Vec<u64> = receiver.chunks().iter().map(|chunk| chunk.parse().unwrap()).collect();
        let repeated = chunks.windows(2).filter(|pair| pair[1] <= pair[0]).count();
        assert!(repeated <= 1, "it goes back at most once: {chunks:?}");
        let mut all = chunks.clone();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, (0..all.len() as u64).collect::<Vec<_>>(), "nothing is missing");
        assert!(chunks.len() - all.len() <= 20, "little is repeated: {}", chunks.len() - all.len());
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_config_made_when_its_task_is_over_outlives_its_instance(bus) {
        let mut world = world_of(2, bus, mortal()).await;
        let receiver = Receiver::new(Answers::With(StatusCode::BAD_GATEWAY, Vec::new())).await;
        let task = world.nodes[0].send("say a; done").await;
        is_released(&world, &task.id).await;
        create(&world.nodes[0], &task, webhook(&receiver.url())).await;
        // Whoever comes after it finds it by its claim.
        eventually("a claim", || async { world.load(&task.id).await.head.claim.is_some() }).await;
        kill_first(&mut world);
        receiver.answer(Answers::Well);
        receiver.sees(TaskState::Completed).await;
        assert_eq!(visible(&receiver.fold().unwrap()), visible(&task));
        is_released(&world, &task.id).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn an_end_that_is_refused_after_its_sender_died_is_on_record(bus) {
        let mut world = world_of(2, bus, mortal()).await;
        let receiver = Receiver::new(Answers::Never).await;
        let task = send(&world.nodes[0], "say a; done", webhook(&receiver.url())).await;
        eventually("the first call", || async { receiver.requests() == 1 }).await;
        kill_first(&mut world);
        receiver.answer(Answers::With(StatusCode::BAD_REQUEST, Vec::new()));
        is_released(&world, &task.id).await;
        let given_up = world.store.given_up(None, 9).await.unwrap();
        assert_eq!(given_up.len(), 1, "{given_up:?}");
        assert_eq!((&*given_up[0].task.task_id, &*given_up[0].reason), (&*task.id, "it refuses the last state"));
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_question_whose_asker_died_still_arrives(bus) {
        let mut world = world_of(2, bus, mortal()).await;
        let receiver = Receiver::new(Answers::Never).await;
        let task = start(&world.nodes[0], "ask", webhook(&receiver.url())).await;
        eventually("the first call", || async { receiver.requests() == 1 }).await;
        eventually("the turn's end", || async { world.nodes[0].cluster.running() == 0 }).await;
        kill_first(&mut world);
        receiver.answer(Answers::Well);
        receiver.sees(TaskState::InputRequired).await;
        is_released(&world, &task.id).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_follow_up_while_deliveries_are_pending_loses_and_overtakes_nothing(bus) {
        for who in 0..2 {
            let world = world_of(2, bus, config()).await;
            let receiver = Receiver::new(Answers::With(StatusCode::BAD_GATEWAY, Vec::new())).await;
            let task = send(&world.nodes[0], "ask", webhook(&receiver.url())).await;
            eventually("the first call", || async { receiver.requests() > 0 }).await;
            let request = follow_up(&task, "more");
            let done = expect_task(world.on(who).send_message(&params(), request).await.unwrap());
            assert_eq!(done.status.state, TaskState::Completed);
            receiver.answer(Answers::Well);
            receiver.sees(TaskState::Completed).await;
            assert_eq!(visible(&receiver.fold().unwrap()), visible(&done));
            let mut states: Vec<_> =
                receiver.events().iter().filter_map(a2a_core::reduce::state_of).cloned().collect();
            if who != 0 || bus != Bus::Plugged {
                // What was on its way while the task changed hands may come again: until word of the claim has come, both call.
                let mut before = Vec::new();
                states.retain(|state| {
                    let is_new = !before.contains(state);
                    before.push(state.clone());
                    is_new
                });
            }
            let expected =
                [TaskState::Submitted, TaskState::InputRequired, TaskState::Working, TaskState::Completed];
            assert_eq!(states, expected, "on instance {who}");
            is_released(&world, &task.id).await;
            world.shutdown().await;
        }
    }

    #[tokio::test]
    async fn a_shutdown_waits_for_webhooks_that_answer_and_for_none_that_is_away(bus) {
        let mut world = world_of(2, bus, mortal()).await;
        let good = Receiver::new(Answers::Well).await;
        let task = send(&world.nodes[0], "stream 30 0", webhook(&good.url())).await;
        let first = world.nodes.remove(0);
        first.cluster.shutdown(Duration::from_secs(60)).await;
        assert_eq!(visible(&good.fold().unwrap()), visible(&task));
        assert_eq!(world.load(&task.id).await.head.claim, None);

        let away = Receiver::new(Answers::With(StatusCode::BAD_GATEWAY, Vec::new())).await;
        let second = world.nodes.remove(0);
        let task = send(&second, "stream 30 0", webhook(&away.url())).await;
        eventually("the first call", || async { away.requests() > 0 }).await;
        let shutdown = second.cluster.shutdown(Duration::from_secs(60));
        tokio::time::timeout(Duration::from_secs(20), shutdown).await.unwrap();
        // Whoever comes next goes on.
        away.answer(Answers::Well);
        world.add(|builder| builder.config(mortal()).webhooks(local_webhooks())).await;
        away.sees(TaskState::Completed).await;
        is_released(&world, &task.id).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn what_a_shutdown_has_no_time_for_is_delivered_by_others(bus) {
        let mut world = world_of(2, bus, mortal()).await;
        let receiver = Receiver::new(Answers::Never).await;
        let task = send(&world.nodes[0], "stream 30 0", webhook(&receiver.url())).await;
        eventually("the first call", || async { receiver.requests() == 1 }).await;
        let first = world.nodes.remove(0);
        let shutdown = first.cluster.shutdown(Duration::from_millis(50));
        tokio::time::timeout(Duration::from_secs(10), shutdown).await.unwrap();
        receiver.answer(Answers::Well);
        receiver.sees(TaskState::Completed).await;
        assert_eq!(visible(&receiver.fold().unwrap()), visible(&task));
        is_released(&world, &task.id).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn what_an_instance_leaves_that_nobody_knows_any_more_is_delivered_by_others(bus) {
        let mut world = world_of(2, bus, mortal()).await;
        let receiver = Receiver::new(Answers::Never).await;
        let task = start(&world.nodes[0], "hang", webhook(&receiver.url())).await;
        eventually("the first call", || async { receiver.requests() == 1 }).await;
        let first = world.nodes.remove(0);
        // Evicted, its tasks looked after, its record removed; all while it did not move.
        let id = first.cluster.id();
        world.store.remove(&id).await.unwrap();
        eventually("it joined again", || async { first.cluster.id() != id }).await;
        first.cluster.shutdown(Duration::from_millis(50)).await;
        assert_eq!(world.load(&task.id).await.head.state, TaskState::Failed, "it said so itself");
        receiver.answer(Answers::Well);
        receiver.sees(TaskState::Failed).await;
        is_released(&world, &task.id).await;
        eventually("it is forgotten", || async { world.store.roster(None, 9).await.unwrap().len() == 1 }).await;
        world.shutdown().await;
    }

    #[tokio::test]
    async fn a_shutdown_with_nothing_pending_takes_no_grace(bus) {
        let world = world_of(1, bus, mortal()).await;
        let receiver = Receiver::new(Answers::Well).await;
        send(&world.nodes[0], "echo x", webhook(&receiver.url())).await;
        let shutdown = world.nodes[0].cluster.shutdown(Duration::from_secs(60));
        tokio::time::timeout(Duration::from_secs(10), shutdown).await.unwrap();
        assert!(
            receiver
                .events()
                .iter()
                .any(|event| { a2a_core::reduce::state_of(event) == Some(&TaskState::Completed) })
        );
    }
}
