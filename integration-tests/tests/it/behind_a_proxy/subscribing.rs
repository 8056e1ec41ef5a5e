//! Subscribing to a task: while it runs, and while it is parked.

use a2a::{StreamResponse, TaskState};

use super::stage::{everything, next, on_every_binding, outline, replying, rest, saying, soon, texts};

on_every_binding! {
    async fn every_stream_of_a_running_task_sees_the_rest_of_it(place) {
        let stage = place.stage().await;
        let mut origin = stage.stream("work; say a; latch g; say b; say c; done").await;
        let StreamResponse::Task(first) = next(&mut origin).await else { panic!("no task comes first") };
        // Until the first chunk is told of, so that every snapshot from now on holds it.
        let mut told = texts(&first).len();
        while told == 0 {
            told += usize::from(matches!(next(&mut origin).await, StreamResponse::ArtifactUpdate(_)));
        }
        let mut others = Vec::new();
        for _ in 0..3 {
            others.push(stage.subscribe(&first.id).await.unwrap());
        }
        for events in &mut others {
            let snapshot = next(events).await;
            assert_eq!(outline(&[snapshot]), [r#"task Working ["a"]"#]);
        }
        stage.fleet.latches().open("g");
        for events in others.into_iter().chain([origin]) {
            assert_eq!(outline(&rest(events).await), [r#"["b"]"#, r#"["c"]"#, "Completed"]);
        }
        stage.leave().await;
    }

    async fn a_subscription_to_a_parked_task_waits_for_its_next_turn(place) {
        let stage = place.stage().await;
        let parked = stage.send("say a; ask").await;
        let mut streams = Vec::new();
        for _ in 0..3 {
            let mut events = stage.subscribe(&parked.id).await.unwrap();
            assert_eq!(outline(&[next(&mut events).await]), [r#"task InputRequired ["a"]"#]);
            streams.push(events);
        }
        stage.reply(&parked, "ask").await.unwrap();
        stage.reply(&parked, "say b; done").await.unwrap();
        for events in streams {
            let told = rest(events).await;
            assert_eq!(outline(&told), ["Working", "InputRequired", "Working", r#"["b"]"#, "Completed"]);
        }
        stage.leave().await;
    }

    async fn a_stream_of_a_follow_up_ends_with_its_turn_and_subscriptions_go_on(place) {
        let stage = place.stage().await;
        let parked = stage.send("ask").await;
        let mut subscription = stage.subscribe(&parked.id).await.unwrap();
        next(&mut subscription).await;
        let turn = soon(stage.sdk.send_streaming_message(&replying(&parked, "say a; ask"))).await.unwrap();
        let told = rest(turn).await;
        assert_eq!(outline(&told).last().unwrap(), "InputRequired");
        assert!(matches!(told[0], StreamResponse::Task(_)));
        stage.cancel(&parked.id).await.unwrap();
        let told = outline(&rest(subscription).await);
        assert_eq!(told, ["Working", r#"["a"]"#, "InputRequired", "Canceled"]);
        stage.leave().await;
    }

    async fn a_client_that_leaves_stops_nothing(place) {
        let stage = place.stage().await;
        let mut events = stage.stream("work; latch g; say a; done").await;
        let StreamResponse::Task(first) = next(&mut events).await else { panic!("no task comes first") };
        let mut other = stage.subscribe(&first.id).await.unwrap();
        next(&mut other).await;
        drop(events);
        stage.fleet.latches().open("g");
        let told = outline(&rest(other).await);
        assert_eq!(told[told.len() - 2..], [r#"["a"]"#, "Completed"]);
        // A blocking send that nobody waits for goes on, too.
        let abandoned = saying("work; latch h; done");
        let count = async || soon(stage.sdk.list_tasks(&everything())).await.unwrap().total_size;
        let begun = async { while count().await < 2 { tokio::task::yield_now().await } };
        tokio::select! {
            answer = stage.sdk.send_message(&abandoned) => panic!("answered too early: {answer:?}"),
            () = begun => {}
        }
        stage.fleet.latches().open("h");
        let all = soon(stage.sdk.list_tasks(&everything())).await.unwrap();
        stage.until(&all.tasks[0].id, TaskState::Completed).await;
        stage.leave().await;
    }
}
