//! A message sent again, because its client saw no answer, makes no second task.

use a2a::{SendMessageRequest, TaskState};
use a2a_cluster::MessageIds;
use a2a_server::RequestHandler;

use crate::world::{
    self, World, drain, expect_task, fold, follow_up, list, on_every_bus, params, request, state, texts,
};

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_repeated_message_returns_the_task_it_made_on_any_instance(bus) {
        let world = World::new(3, bus).await;
        let first = request("stream 20 5");
        let sends = (0..6).map(|n| {
            let handler = world.nodes[n % 3].handler.clone();
            let request = first.clone();
            async move { expect_task(handler.send_message(&params(), request).await.unwrap()) }
        });
        let tasks = futures::future::join_all(sends).await;
        for task in &tasks {
            assert_eq!((&task.id, texts(task).len()), (&tasks[0].id, 20));
        }
        let listed = world.on(0).list_tasks(&params(), list()).await.unwrap();
        assert_eq!(listed.total_size, 1);
        let again = expect_task(world.on(2).send_message(&params(), first).await.unwrap());
        assert_eq!((again.id, state(&tasks[0])), (tasks[0].id.clone(), TaskState::Completed));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeated_stream_joins_the_turn(bus) {
        let world = World::new(2, bus).await;
        let first = request("stream 30 5");
        let streams = [0, 1].map(|n| {
            let handler = world.nodes[n].handler.clone();
            let request = first.clone();
            async move { fold(&drain(handler.send_streaming_message(&params(), request).await.unwrap()).await) }
        });
        let [a, b] = futures::future::join_all(streams).await.try_into().unwrap();
        assert_eq!((&a.id, texts(&a).len(), texts(&b).len()), (&b.id, 30, 30));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeated_follow_up_returns_the_task(bus) {
        let world = World::new(2, bus).await;
        let parked = world.nodes[0].send("ask").await;
        let answer = follow_up(&parked, "the answer");
        for n in [0, 1, 0] {
            let done = expect_task(world.on(n).send_message(&params(), answer.clone()).await.unwrap());
            assert_eq!((state(&done), texts(&done)), (TaskState::Completed, vec!["the answer"]));
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn another_message_under_the_same_id_is_another_message(bus) {
        let world = World::new(1, bus).await;
        let first = request("echo one");
        let mut second: SendMessageRequest = request("echo two");
        second.message.message_id = first.message.message_id.clone();
        let one = expect_task(world.on(0).send_message(&params(), first).await.unwrap());
        let two = expect_task(world.on(0).send_message(&params(), second).await.unwrap());
        assert_ne!(one.id, two.id);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_repeated_message_that_left_no_task_is_answered_again(bus) {
        let world = World::new(1, bus).await;
        let hello = request("message hello");
        for _ in 0..2 {
            let answer = world.on(0).send_message(&params(), hello.clone()).await.unwrap();
            assert!(matches!(answer, a2a::SendMessageResponse::Message(_)));
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn where_no_message_id_counts_every_send_is_new(bus) {
        let mut config = world::quick();
        config.message_ids = MessageIds::None;
        let world = World::with(1, bus, config).await;
        let hello = request("echo hello");
        let one = expect_task(world.on(0).send_message(&params(), hello.clone()).await.unwrap());
        let two = expect_task(world.on(0).send_message(&params(), hello).await.unwrap());
        assert_ne!(one.id, two.id);
        world.shutdown().await;
    }
}
