//! Sending a message: blocking, returning at once, streaming, and answered without a task.

use a2a::{SendMessageConfiguration, SendMessageRequest, SendMessageResponse, StreamResponse, TaskState};

use super::stage::{
    configuration, everything, history, next, on_every_binding, outline, rest, saying, soon, task, texts,
};

on_every_binding! {
    async fn a_blocking_send_returns_the_task_at_the_end_of_its_turn(place) {
        let stage = place.stage().await;
        for (text, state) in [
            ("work; say a; say b; done", TaskState::Completed),
            ("say a; say b; fail", TaskState::Failed),
            ("say a; say b; reject", TaskState::Rejected),
            ("say a; say b; ask", TaskState::InputRequired),
            ("say a; say b; auth", TaskState::AuthRequired),
        ] {
            let sent = stage.send(text).await;
            assert_eq!((&sent.status.state, texts(&sent)), (&state, vec!["a", "b"]), "{text}");
            assert!(!sent.context_id.is_empty());
            for _ in 0..3 {
                assert_eq!(stage.get(&sent.id).await.unwrap(), sent, "{text}");
            }
        }
        stage.leave().await;
    }

    async fn a_send_that_returns_immediately_does_not_wait_for_its_agent(place) {
        let stage = place.stage().await;
        let begun = stage.begin("work; latch g; say a; done").await;
        assert!(!begun.status.state.is_terminal());
        for _ in 0..3 {
            assert!(!stage.get(&begun.id).await.unwrap().status.state.is_terminal());
        }
        stage.fleet.latches().open("g");
        assert_eq!(texts(&stage.until(&begun.id, TaskState::Completed).await), ["a"]);
        stage.leave().await;
    }

    async fn a_streaming_send_begins_with_the_task_and_ends_with_its_turn(place) {
        let stage = place.stage().await;
        let mut events = stage.stream("work; say a; latch g; say b; done").await;
        let StreamResponse::Task(first) = next(&mut events).await else { panic!("no task comes first") };
        stage.fleet.latches().open("g");
        let mut all = vec![StreamResponse::Task(first.clone())];
        all.extend(rest(events).await);
        assert_eq!(outline(&all[1..]).last().unwrap(), "Completed");
        let mut seen: Vec<&str> = texts(&first);
        let later = all.iter().filter_map(|event| match event {
            StreamResponse::ArtifactUpdate(update) => update.artifact.parts[0].as_text(),
            _ => None,
        });
        seen.extend(later);
        assert_eq!(seen, ["a", "b"]);

        let events = rest(stage.stream("work; ask").await).await;
        assert_eq!(outline(&events).last().unwrap(), "InputRequired");
        stage.leave().await;
    }

    async fn a_message_needs_no_task(place) {
        let stage = place.stage().await;
        let answer = soon(stage.sdk.send_message(&saying("message hello"))).await.unwrap();
        let SendMessageResponse::Message(message) = answer else { panic!("{answer:?}") };
        assert_eq!((message.text(), message.task_id.as_deref()), (Some("hello"), None));
        assert!(message.context_id.is_some());
        let events = rest(stage.stream("message hello").await).await;
        assert_eq!(outline(&events), ["message hello"]);
        let all = soon(stage.sdk.list_tasks(&everything())).await.unwrap();
        assert_eq!((all.total_size, all.tasks.len()), (0, 0));
        stage.leave().await;
    }

    async fn the_history_of_an_answer_is_as_long_as_asked(place) {
        let stage = place.stage().await;
        for (length, expected) in [(None, 1), (Some(0), 0), (Some(1), 1), (Some(9), 1)] {
            let configuration = Some(SendMessageConfiguration { history_length: length, ..configuration() });
            let request = SendMessageRequest { configuration, ..saying("done") };
            let sent = task(soon(stage.sdk.send_message(&request)).await.unwrap());
            assert_eq!(history(&sent).len(), expected, "{length:?}");
        }
        let mut parked = stage.send("ask").await;
        for _ in 0..2 {
            parked = stage.reply(&parked, "ask").await.unwrap();
        }
        for (length, expected) in [(None, 3), (Some(0), 0), (Some(1), 1), (Some(2), 2), (Some(3), 3)] {
            let task = stage.get_with_history(&parked.id, length).await.unwrap();
            assert_eq!(history(&task).len(), expected, "{length:?}");
        }
        stage.leave().await;
    }

    async fn the_context_of_a_message_is_kept_or_made(place) {
        let stage = place.stage().await;
        let mut request = saying("done");
        request.message.context_id = Some("mine".into());
        let kept = task(soon(stage.sdk.send_message(&request)).await.unwrap());
        assert_eq!(kept.context_id, "mine");
        let (one, other) = (stage.send("done").await, stage.send("done").await);
        assert_ne!(one.context_id, other.context_id);
        stage.leave().await;
    }

    async fn every_instance_gets_requests(place) {
        let stage = place.stage().await;
        let sent = stage.send("done").await;
        for _ in 0..8 {
            stage.get(&sent.id).await.unwrap();
        }
        let requests = stage.fleet.load_balancer().requests();
        assert_eq!(requests.len(), place.instances);
        assert!(requests.iter().all(|count| *count >= 3), "{requests:?}");
        stage.leave().await;
    }
}
