//! Follow-ups and cancels that land on another instance than the one that runs the task.

use std::time::Duration;

use a2a::{StreamResponse, TaskState, error_code};
use a2a_server::RequestHandler;
use tokio::time::{Instant, timeout};

use crate::world::{
    self, Bus, World, drain, expect_task, fold, follow_up, on_every_bus, params, quick, state, texts, visible,
};

on_every_bus! {
    #[tokio::test(start_paused = true)]
    async fn a_follow_up_runs_where_it_lands(bus) {
        let world = World::new(3, bus).await;
        let mut task = world.nodes[0].send("ask").await;
        for n in [1, 2, 0] {
            assert_eq!(state(&task), TaskState::InputRequired);
            let text = if n == 0 { "enough" } else { "ask again" };
            task = expect_task(world.on(n).send_message(&params(), follow_up(&task, text)).await.unwrap());
        }
        assert_eq!(state(&task), TaskState::Completed);
        assert_eq!(texts(&task), ["enough"]);
        let history: Vec<_> = task.history.iter().flatten().filter_map(|message| message.text()).collect();
        assert_eq!(history, ["ask", "ask again", "ask again", "enough"]);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_an_agent_says_with_its_question_and_after_it_ends_a_stream_and_a_send_alike(bus) {
        let scripts = [
            "do work; ask; say more; hang",
            "do work; say x; ask; burst 50; hang",
            "do ask; say more; sleep 100; say again; done",
            "do work; ask; done",
            "do ask; work; sleep 500; done",
        ];
        for script in scripts {
            let world = World::new(2, bus).await;
            let began = Instant::now();
            let sent = timeout(Duration::from_secs(9), world.nodes[0].send(script)).await.expect(script);
            let streamed = fold(&drain(world.nodes[0].stream(script).await).await);
            assert_eq!(visible(&streamed), visible(&sent), "{script}");
            assert_eq!(state(&sent), TaskState::InputRequired, "{script}");
            assert!(began.elapsed() < Duration::from_millis(100), "{script}: {:?}", began.elapsed());
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_waits_for_authorization_where_it_is_set_to(bus) {
        for (awaits, end, said) in [(false, TaskState::AuthRequired, 0), (true, TaskState::InputRequired, 1)] {
            let world = World::with(2, bus, quick().streams_await_authorization(awaits)).await;
            let events = world.nodes[0].stream("do work; auth; sleep 500; say paid; ask; sleep 500; done").await;
            let streamed = fold(&drain(events).await);
            assert_eq!((state(&streamed), texts(&streamed).len()), (end, said), "{awaits}");
            world.shutdown().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_streamed_follow_up_begins_with_the_task_and_ends_with_its_turn(bus) {
        let world = World::new(2, bus).await;
        let task = world.nodes[0].send("ask").await;
        let events = world.on(1).send_streaming_message(&params(), follow_up(&task, "ask more")).await;
        let events = drain(events.unwrap()).await;
        let Some(StreamResponse::Task(first)) = events.first() else { panic!("{events:?}") };
        assert_eq!(state(first), TaskState::Working);
        assert_eq!(state(&fold(&events)), TaskState::InputRequired);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_follow_up_to_a_running_task_is_refused_everywhere(bus) {
        let world = World::new(2, bus).await;
        let task = world.nodes[0].start("hang").await;
        for n in [0, 1] {
            let refused = world.on(n).send_message(&params(), follow_up(&task, "now")).await.unwrap_err();
            assert_eq!(refused.code, error_code::UNSUPPORTED_OPERATION);
        }
        let parked = world.nodes[0].send("ask").await;
        let mut slow = follow_up(&parked, "quiet 400");
        slow.configuration = world::at_once();
        world.on(1).send_message(&params(), slow).await.unwrap();
        for n in [0, 1] {
            let refused = world.on(n).send_message(&params(), follow_up(&parked, "too")).await.unwrap_err();
            assert_eq!(refused.code, error_code::UNSUPPORTED_OPERATION);
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn of_concurrent_follow_ups_one_runs(bus) {
        let world = World::new(3, bus).await;
        let parked = world.nodes[0].send("ask").await;
        let sends = (0..3).map(|n| {
            let request = follow_up(&parked, "quiet 100");
            let handler = world.nodes[n].handler.clone();
            async move { handler.send_message(&params(), request).await }
        });
        let results = futures::future::join_all(sends).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancel_reaches_the_executor_from_any_instance(bus) {
        let world = World::new(3, bus).await;
        for n in 0..3 {
            let task = world.nodes[0].start("hang").await;
            let watching = tokio::spawn(drain(world.nodes[2].subscribe(&task.id).await.unwrap()));
            let canceled = world.nodes[n].cancel(&task.id).await.unwrap();
            assert_eq!(state(&canceled), TaskState::Canceled);
            assert_eq!(state(&fold(&watching.await.unwrap())), TaskState::Canceled);
            let again = world.nodes[(n + 1) % 3].cancel(&task.id).await.unwrap();
            assert_eq!(state(&again), TaskState::Canceled);
            world::eventually("the agent's end", || async { world.nodes[0].cluster.running() == 0 }).await;
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_does_not_wind_down_is_cancelled_anyway(bus) {
        let world = World::new(2, bus).await;
        for n in 0..2 {
            let task = world.nodes[0].start("stubborn").await;
            assert_eq!(state(&world.nodes[n].cancel(&task.id).await.unwrap()), TaskState::Canceled);
        }
        world::eventually("the agents' end", || async { world.nodes[0].cluster.running() == 0 }).await;
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_parked_task_is_cancelled_where_the_request_lands(bus) {
        let world = World::new(2, bus).await;
        let parked = world.nodes[0].send("ask").await;
        assert_eq!(state(&world.nodes[1].cancel(&parked.id).await.unwrap()), TaskState::Canceled);
        assert_eq!(state(&world.nodes[0].get(&parked.id).await.unwrap()), TaskState::Canceled);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_ended_cannot_be_cancelled(bus) {
        let world = World::new(2, bus).await;
        let task = world.nodes[0].send("echo done").await;
        assert_eq!(world.nodes[1].cancel(&task.id).await.unwrap_err().code, error_code::TASK_NOT_CANCELABLE);
        assert_eq!(world.nodes[1].cancel("nobody").await.unwrap_err().code, error_code::TASK_NOT_FOUND);
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_agent_that_is_asked_may_refuse_to_cancel_and_works_on(bus) {
        let world = World::new(3, bus).await;
        let task = world.nodes[0].start("refuse 60000").await;
        let streams = [0, 1, 2].map(|n| world.nodes[n].subscribe(&task.id));
        let streams = futures::future::try_join_all(streams).await.unwrap();
        // Without a bus it is asked where it runs only.
        let asked = if bus == Bus::Unplugged { &world.nodes[..1] } else { &world.nodes[..] };
        for _ in 0..10 {
            for node in asked {
                let refused = node.cancel(&task.id).await.unwrap_err();
                assert_eq!(refused.code, error_code::TASK_NOT_CANCELABLE);
            }
        }
        assert_eq!(state(&world.nodes[1].get(&task.id).await.unwrap()), TaskState::Working);
        tokio::time::sleep(Duration::from_secs(60)).await;
        for events in streams {
            assert_eq!(state(&fold(&drain(events).await)), TaskState::Completed);
        }
        world.shutdown().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_follow_up_must_name_a_task_and_context_that_belong_together(bus) {
        let world = World::new(1, bus).await;
        let task = world.nodes[0].send("ask").await;
        let mut other_context = follow_up(&task, "x");
        other_context.message.context_id = Some("another".into());
        let error = world.on(0).send_message(&params(), other_context).await.unwrap_err();
        assert_eq!(error.code, error_code::INVALID_PARAMS);

        let mut no_context = follow_up(&task, "x");
        no_context.message.context_id = None;
        let done = expect_task(world.on(0).send_message(&params(), no_context).await.unwrap());
        assert_eq!(done.context_id, task.context_id);

        let error = world.on(0).send_message(&params(), follow_up(&done, "x")).await.unwrap_err();
        assert_eq!(error.code, error_code::UNSUPPORTED_OPERATION);
        let mut unknown = follow_up(&task, "x");
        unknown.message.task_id = Some("nobody".into());
        let error = world.on(0).send_message(&params(), unknown).await.unwrap_err();
        assert_eq!(error.code, error_code::TASK_NOT_FOUND);
        world.shutdown().await;
    }
    #[tokio::test(start_paused = true)]
    async fn an_executor_that_cannot_be_asked_is_passed_over(bus) {
        let world = World::new(3, bus).await;
        let task = world.nodes[0].start("refuse").await;
        let streams = [0, 1, 2].map(|n| world.nodes[n].subscribe(&task.id));
        let streams = futures::future::try_join_all(streams).await.unwrap();
        let cancel = world.nodes[1].cancel(&task.id).await;
        if bus != Bus::Unplugged {
            assert_eq!(cancel.unwrap_err().code, error_code::TASK_NOT_CANCELABLE);
            return world.shutdown().await;
        }
        assert_eq!(state(&cancel.unwrap()), TaskState::Canceled);
        for events in streams {
            assert_eq!(state(&fold(&drain(events).await)), TaskState::Canceled);
        }
        world::eventually("the agent's end", || async { world.nodes[0].cluster.running() == 0 }).await;
        world.shutdown().await;
    }
}
