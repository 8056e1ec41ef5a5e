//! Tenants, named by the card or by the URL, see nothing of each other.

use a2a::{TaskState, error_code};

use super::stage::{Stage, TestClient, everything, on_every_binding, saying, soon, task};

on_every_binding! {
    async fn two_tenants_do_not_see_each_other(place) {
        let fleet = a2a_testworld::Plan::of(place.instances).start().await;
        let one = fleet.client(place.binding, Some("one")).await;
        let other = fleet.client(place.binding, Some("other")).await;
        let sent = task(soon(one.send_message(&saying("ask"))).await.unwrap());
        let nobodys = fleet.client(place.binding, None).await;
        let mut stage = Stage { fleet, client: TestClient { sdk: one } };
        for _ in 0..3 {
            assert_eq!(stage.get(&sent.id).await.unwrap().id, sent.id);
            assert_eq!(soon(stage.sdk.list_tasks(&everything())).await.unwrap().total_size, 1);
        }
        for stranger in [other, nobodys] {
            let owner = std::mem::replace(&mut stage.client.sdk, stranger);
            for _ in 0..3 {
                let codes = [
                    stage.get(&sent.id).await.unwrap_err().code,
                    stage.cancel(&sent.id).await.unwrap_err().code,
                    stage.reply(&sent, "done").await.unwrap_err().code,
                    stage.subscribe_error(&sent.id).await.code,
                ];
                assert_eq!(codes, [error_code::TASK_NOT_FOUND; 4]);
                assert_eq!(soon(stage.sdk.list_tasks(&everything())).await.unwrap().total_size, 0);
            }
            stage.client.sdk = owner;
        }
        let done = stage.reply(&sent, "done").await.unwrap();
        assert_eq!(done.status.state, TaskState::Completed);
        stage.leave().await;
    }
}
