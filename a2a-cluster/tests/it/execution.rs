//! One agent's turn: what becomes of what it says, and of what it does not.

use std::time::Duration;

use a2a::{SendMessageResponse, StreamResponse, TaskState, error_code};
use a2a_cluster::retry_after;
use a2a_server::RequestHandler;
use futures::StreamExt;
use tokio::time::Instant;

use crate::world::{self, World, drain, fold, on_every_bus, params, request, state, texts, visible};

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_blocking_send_returns_the_finished_task(bus) {
        let world = World::new(1, bus).await;
        let task = world.nodes[0].send("echo hello").await;
        assert_eq!(state(&task), TaskState::Completed);
        assert_eq!(texts(&task), ["hello"]);
        let history = task.history.unwrap();
        assert_eq!(history.len(), 1);
        assert_eq!(history[0].task_id.as_ref(), Some(&task.id));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_begins_with_the_task_and_ends_with_its_turn(bus) {
        let world = World::new(1, bus).await;
        let events = drain(world.nodes[0].stream("stream 50 0").await).await;
        let task = fold(&events);
        assert_eq!(events.len(), 1 + 1 + 50 + 1);
        assert_eq!(visible(&task), visible(&world.nodes[0].get(&task.id).await.unwrap()));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_only_answers_with_a_message_leaves_no_task_behind(bus) {
        let world = World::new(1, bus).await;
        let response = world.on(0).send_message(&params(), request("message hi")).await.unwrap();
        let SendMessageResponse::Message(message) = response else { panic!("a task instead of a message") };
        assert_eq!(message.text(), Some("hi"));
        assert!(message.context_id.is_some());

        let events = drain(world.nodes[0].stream("message hi").await).await;
        assert!(matches!(events.as_slice(), [StreamResponse::Message(_)]));

        let listed = world.on(0).list_tasks(&params(), world::list()).await.unwrap();
        assert_eq!(listed.total_size, 0);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_comes_late_completes_the_task_that_it_kept_waiting(bus) {
        let world = World::new(1, bus).await;
        let task = world.nodes[0].send("sleep 80; message late").await;
        assert_eq!(state(&task), TaskState::Completed);
        assert_eq!(task.status.message.unwrap().text(), Some("late"));
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_fails_its_task_with_a_clear_status_and_nothing_else(bus) {
        let world = World::new(1, bus).await;
        for command in ["panic", "work; panic", "panic-in-call"] {
            let task = world.nodes[0].send(command).await;
            assert_eq!(state(&task), TaskState::Failed, "{command}");
            assert_eq!(task.status.message.unwrap().text(), Some("the agent failed unexpectedly"));
        }
        assert_eq!(state(&world.nodes[0].send("echo on").await), TaskState::Completed);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_breaks_off_fails_its_task(bus) {
        let world = World::new(1, bus).await;
        for command in ["work", "do sleep 0", "stray", "data 40; done", "work; error broken"] {
            let task = world.nodes[0].send(command).await;
            assert_eq!(state(&task), TaskState::Failed, "{command}");
            assert!(task.status.message.is_some(), "{command}");
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_refuses_at_once_leaves_no_task_behind(bus) {
        let world = World::new(1, bus).await;
        let refused = world.on(0).send_message(&params(), request("unsupported no")).await.unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), (error_code::UNSUPPORTED_OPERATION, "no"));
        let Err(refused) = world.on(0).send_streaming_message(&params(), request("unsupported no")).await else {
            panic!("a stream instead of a refusal")
        };
        assert_eq!(refused.code, error_code::UNSUPPORTED_OPERATION);
        let listed = world.on(0).list_tasks(&params(), world::list()).await.unwrap();
        assert_eq!(listed.total_size, 0);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn returning_immediately_answers_once_the_task_exists(bus) {
        let world = World::new(1, bus).await;
        let task = world.nodes[0].start("quiet 300").await;
        assert_eq!(state(&task), TaskState::Submitted);
        assert_eq!(state(&world.nodes[0].get(&task.id).await.unwrap()), TaskState::Submitted);
        world::eventually("completion", || async {
            state(&world.nodes[0].get(&task.id).await.unwrap()) == TaskState::Completed
        })
        .await;
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_disconnects_stops_nothing(bus) {
        let world = World::new(1, bus).await;
        let mut events = world.nodes[0].stream("stream 20 5").await;
        let Some(Ok(StreamResponse::Task(task))) = futures::StreamExt::next(&mut events).await else {
            panic!("a stream begins with a task")
        };
        drop(events);
        world::eventually("completion", || async {
            state(&world.nodes[0].get(&task.id).await.unwrap()) == TaskState::Completed
        })
        .await;
        assert_eq!(texts(&world.nodes[0].get(&task.id).await.unwrap()).len(), 20);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_agent_needs_fewer_commits_than_it_has_events(bus) {
        let world = World::new(1, bus).await;
        let task = world.nodes[0].send("burst 500").await;
        assert_eq!(texts(&task).len(), 500);
        let stored = world.load(&task.id).await;
        assert!(stored.version.get() <= 8, "{} commits for 502 events", stored.version);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn when_shutdown_returns_nothing_runs(bus) {
        let world = World::new(2, bus).await;
        let task = world.nodes[0].start("hang").await;
        let watched = world.nodes[1].subscribe(&task.id).await.unwrap();
        world.nodes[0].cluster.shutdown(Duration::from_millis(20)).await;
        assert_eq!((world.nodes[0].cluster.running(), world.nodes[0].cluster.streaming()), (0, 0));
        assert_eq!(state(&fold(&drain(watched).await)), TaskState::Failed);
        assert!(!world.nodes[0].cluster.is_ready());
        world.nodes[1].cluster.shutdown(Duration::ZERO).await;
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_gives_streams_its_grace_wherever_their_tasks_run_but_for_parked_ones(bus) {
        let world = World::new(2, bus).await;
        let parked = world.nodes[0].send("do ask").await;
        let brief = world.nodes[0].start("do work; sleep 5000; done").await;
        let long = world.nodes[0].start("do work; sleep 500000; done").await;
        let [parked, brief, long] = [&parked, &brief, &long].map(|task| world.nodes[1].subscribe(&task.id));
        let [parked, brief, long] = [parked.await, brief.await, long.await].map(Result::unwrap);
        let leaving = Instant::now();
        let ended = async |mut events: crate::world::Events| loop {
            match events.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break (retry_after(&error).is_some(), leaving.elapsed().as_secs()),
                None => break (false, leaving.elapsed().as_secs()),
            }
        };
        let shutdown = world.nodes[1].cluster.shutdown(Duration::from_secs(20));
        let (_, parked, brief, long) = tokio::join!(shutdown, ended(parked), ended(brief), ended(long));
        assert_eq!([parked, brief, long], [(true, 0), (false, 5), (true, 20)]);
    }
}
