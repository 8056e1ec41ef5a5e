//! Cancelling a task on whichever instance the request lands.

use a2a::{StreamResponse, TaskState};

use super::stage::{next, on_every_binding, outline, rest};

on_every_binding! {
    async fn a_running_task_is_cancelled_with_its_streams(place) {
        let stage = place.stage().await;
        for round in 0..3 {
            let mut origin = stage.stream("work; latch never; done").await;
            let StreamResponse::Task(first) = next(&mut origin).await else { panic!("no task comes first") };
            // Shifts the rounds against the proxy's, so that the cancel lands elsewhere each time.
            for _ in 0..round {
                stage.get(&first.id).await.unwrap();
            }
            let canceled = stage.cancel(&first.id).await.unwrap();
            assert_eq!(canceled.status.state, TaskState::Canceled);
            assert_eq!(outline(&rest(origin).await).last().unwrap(), "Canceled");
            for _ in 0..3 {
                let again = stage.cancel(&first.id).await.unwrap();
                assert_eq!(again.status.state, TaskState::Canceled);
            }
        }
        stage.leave().await;
    }

    async fn a_parked_task_is_cancelled(place) {
        let stage = place.stage().await;
        for text in ["ask", "auth"] {
            let parked = stage.send(text).await;
            let canceled = stage.cancel(&parked.id).await.unwrap();
            assert_eq!(canceled.status.state, TaskState::Canceled, "{text}");
            assert_eq!(stage.get(&parked.id).await.unwrap().status, canceled.status, "{text}");
        }
        stage.leave().await;
    }
}
