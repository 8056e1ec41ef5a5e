//! Follow-ups to a task that are taken.

use a2a::TaskState;

use super::stage::{history, on_every_binding, replying, saying, soon, task, texts};

on_every_binding! {
    async fn a_parked_task_takes_follow_ups_wherever_they_land(place) {
        let stage = place.stage().await;
        let mut parked = stage.send("ask").await;
        for _ in 0..3 {
            parked = stage.reply(&parked, "ask").await.unwrap();
            assert_eq!(parked.status.state, TaskState::InputRequired);
        }
        let done = stage.reply(&parked, "say a; done").await.unwrap();
        assert_eq!((&done.status.state, texts(&done)), (&TaskState::Completed, vec!["a"]));
        assert_eq!(history(&done), ["ask", "ask", "ask", "ask", "say a; done"]);
        stage.leave().await;
    }

    async fn a_follow_up_need_not_name_the_context(place) {
        let stage = place.stage().await;
        let parked = stage.send("ask").await;
        let mut without = replying(&parked, "done");
        without.message.context_id = None;
        let done = task(soon(stage.sdk.send_message(&without)).await.unwrap());
        assert_eq!((done.context_id, done.status.state), (parked.context_id, TaskState::Completed));
        stage.leave().await;
    }

    async fn a_message_that_is_sent_again_makes_no_second_task(place) {
        let stage = place.stage().await;
        let request = saying("say a; done");
        let first = task(soon(stage.sdk.send_message(&request)).await.unwrap());
        for _ in 0..3 {
            assert_eq!(task(soon(stage.sdk.send_message(&request)).await.unwrap()), first);
        }
        stage.leave().await;
    }
}
