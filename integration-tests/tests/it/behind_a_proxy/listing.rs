//! Listing tasks: filters, what is shown of each, and their order.

use a2a::{ListTasksRequest, ListTasksResponse, Task, TaskState};
use chrono::TimeDelta;
use integration_tests::raw::{Operation, Raw};
use serde_json::json;

use super::stage::{Stage, everything, history, on_every_binding, saying, soon, task};

/// Asks as often as there are instances, and returns what all of them answer.
async fn list(stage: &Stage, request: &ListTasksRequest) -> ListTasksResponse {
    let answer = soon(stage.sdk.list_tasks(request)).await.unwrap();
    for _ in 0..2 {
        assert_eq!(soon(stage.sdk.list_tasks(request)).await.unwrap(), answer);
    }
    answer
}

fn ids(tasks: &[Task]) -> Vec<&str> {
    tasks.iter().map(|task| task.id.as_str()).collect()
}

/// Waits for the next millisecond: the order of what happens within one is not told.
async fn tick() {
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
}

async fn send_in(stage: &Stage, context: &str, text: &str) -> Task {
    let mut request = saying(text);
    request.message.context_id = Some(context.into());
    let sent = task(soon(stage.sdk.send_message(&request)).await.unwrap());
    tick().await;
    sent
}

on_every_binding! {
    async fn filters_choose_by_context_state_and_time(place) {
        let stage = place.stage().await;
        let mut sent = Vec::new();
        for (context, text) in
            [("one", "done"), ("two", "ask"), ("one", "fail"), ("two", "done"), ("one", "ask")]
        {
            sent.push(send_in(&stage, context, text).await);
        }
        let newest_first = |wanted: &[usize]| -> Vec<&str> {
            wanted.iter().map(|index| sent[*index].id.as_str()).collect()
        };
        let time = |index: usize| sent[index].status.timestamp;
        let (completed, parked) = (Some(TaskState::Completed), Some(TaskState::InputRequired));
        let one = Some("one".to_owned());
        let just_after = time(3).map(|time| time + TimeDelta::milliseconds(1));
        for (request, wanted) in [
            (everything(), &[4, 3, 2, 1, 0][..]),
            (ListTasksRequest { context_id: one.clone(), ..everything() }, &[4, 2, 0]),
            (ListTasksRequest { context_id: Some("none".into()), ..everything() }, &[]),
            (ListTasksRequest { status: completed.clone(), ..everything() }, &[3, 0]),
            (ListTasksRequest { status: Some(TaskState::Working), ..everything() }, &[]),
            (ListTasksRequest { context_id: one.clone(), status: parked, ..everything() }, &[4]),
            (ListTasksRequest { status_timestamp_after: time(3), ..everything() }, &[4, 3]),
            (ListTasksRequest { status_timestamp_after: just_after, ..everything() }, &[4]),
            (ListTasksRequest { status_timestamp_after: time(2), status: completed, ..everything() }, &[3]),
        ] {
            let answer = list(&stage, &request).await;
            assert_eq!(ids(&answer.tasks), newest_first(wanted), "{request:?}");
            assert_eq!(answer.total_size as usize, wanted.len(), "{request:?}");
            assert_eq!((answer.next_page_token.as_str(), answer.page_size), ("", 50), "{request:?}");
        }
        stage.leave().await;
    }

    async fn artifacts_and_history_are_shown_as_asked(place) {
        let stage = place.stage().await;
        let parked = stage.send("say a; ask").await;
        stage.reply(&parked, "say b; ask").await.unwrap();
        for (include, shown) in [(None, false), (Some(false), false), (Some(true), true)] {
            let request = ListTasksRequest { include_artifacts: include, ..everything() };
            let answer = list(&stage, &request).await;
            assert_eq!(answer.tasks[0].artifacts.is_some(), shown, "{include:?}");
        }
        for (length, shown) in [(None, 2), (Some(0), 0), (Some(1), 1), (Some(5), 2)] {
            let request = ListTasksRequest { history_length: length, ..everything() };
            assert_eq!(history(&list(&stage, &request).await.tasks[0]).len(), shown, "{length:?}");
        }
        stage.leave().await;
    }

    async fn a_page_has_what_is_required_and_not_what_was_not_asked_for(place) {
        let stage = place.stage().await;
        let raw = Raw::new(&stage.fleet, place.binding);
        let list = async || raw.ask(Operation::ListTasks, &json!({ "historyLength": 0 })).await.result().unwrap();
        // Protobuf has no other way to say nothing than not to send it.
        if place.binding != Binding::Grpc {
            let empty = json!({ "tasks": [], "totalSize": 0, "pageSize": 50, "nextPageToken": "" });
            assert_eq!(list().await, empty);
        }
        stage.send("say a; done").await;
        let page = list().await;
        let fields: std::collections::BTreeSet<_> = page["tasks"][0].as_object().unwrap().keys().collect();
        assert_eq!(Vec::from_iter(fields), ["contextId", "id", "status"]);
        let time = page["tasks"][0]["status"]["timestamp"].as_str().unwrap();
        assert!(time.ends_with('Z') && time.len() <= "2026-01-01T00:00:00.000Z".len(), "{time}");
        assert_eq!((&page["totalSize"], &page["nextPageToken"]), (&json!(1), &json!("")));
        stage.leave().await;
    }

    async fn a_task_moves_to_the_front_when_its_status_changes(place) {
        let stage = place.stage().await;
        let parked = stage.send("ask").await;
        tick().await;
        let later = stage.send("done").await;
        assert_eq!(ids(&list(&stage, &everything()).await.tasks), [&later.id, &parked.id]);
        tick().await;
        stage.reply(&parked, "done").await.unwrap();
        assert_eq!(ids(&list(&stage, &everything()).await.tasks), [&parked.id, &later.id]);
        stage.leave().await;
    }
}
