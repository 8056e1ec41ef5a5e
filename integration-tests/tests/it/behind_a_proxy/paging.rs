//! Pages of a list, each asked of another instance, while tasks change.

use std::collections::BTreeSet;

use a2a::{ListTasksRequest, Task, TaskState, error_code};

use super::stage::{Stage, everything, on_every_binding, soon};

/// Walks through all pages; between two of them something may happen.
async fn walk(stage: &Stage, request: &ListTasksRequest, mut between: impl AsyncFnMut(usize)) -> Vec<Task> {
    let mut request = request.clone();
    let mut tasks = Vec::new();
    for page in 0.. {
        let answer = soon(stage.sdk.list_tasks(&request)).await.unwrap();
        assert!(answer.tasks.len() <= answer.page_size as usize);
        assert_eq!(Some(answer.page_size), request.page_size);
        tasks.extend(answer.tasks);
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = Some(answer.next_page_token);
        between(page).await;
    }
    tasks
}

async fn nothing(_: usize) {}

fn ids(tasks: &[Task]) -> Vec<String> {
    tasks.iter().map(|task| task.id.clone()).collect()
}

fn pages_of(size: i32) -> ListTasksRequest {
    ListTasksRequest { page_size: Some(size), ..everything() }
}

on_every_binding! {
    async fn pages_of_any_size_hold_every_task_once_newest_first(place) {
        let stage = place.stage().await;
        for _ in 0..7 {
            stage.send("done").await;
        }
        let whole = walk(&stage, &pages_of(100), nothing).await;
        assert_eq!(whole.len(), 7);
        assert!(whole.is_sorted_by(|a, b| a.status.timestamp >= b.status.timestamp));
        for size in [1, 2, 3, 6, 7, 8] {
            assert_eq!(ids(&walk(&stage, &pages_of(size), nothing).await), ids(&whole), "{size}");
        }
        let answer = soon(stage.sdk.list_tasks(&pages_of(3))).await.unwrap();
        assert_eq!((answer.total_size, answer.page_size, answer.tasks.len()), (7, 3, 3));
        stage.leave().await;
    }

    async fn what_does_not_change_is_seen_once_while_others_do(place) {
        let stage = place.stage().await;
        let mut parked = Vec::new();
        for _ in 0..8 {
            parked.push(stage.send("ask").await);
        }
        // New ones appear and old ones move to the front, behind the reader's back.
        let seen = walk(&stage, &pages_of(2), async |page| {
            stage.send("done").await;
            if let Some(moved) = parked.get(page) {
                stage.reply(moved, "done").await.unwrap();
            }
        })
        .await;
        let told = ids(&seen);
        let unique: BTreeSet<_> = told.iter().collect();
        assert_eq!(unique.len(), told.len(), "one was told twice");
        assert!(seen.is_sorted_by(|a, b| a.status.timestamp >= b.status.timestamp));
        for task in &parked {
            let now = stage.get(&task.id).await.unwrap();
            let unchanged = now.status.state == TaskState::InputRequired;
            assert!(!unchanged || unique.contains(&task.id), "one was skipped");
        }
        stage.leave().await;
    }

    async fn a_token_belongs_to_its_query(place) {
        let stage = place.stage().await;
        for _ in 0..3 {
            stage.send("done").await;
        }
        let token = soon(stage.sdk.list_tasks(&pages_of(1))).await.unwrap().next_page_token;
        assert!(!token.is_empty());
        let elsewhere = ListTasksRequest { context_id: Some("other".into()), ..pages_of(1) };
        let completed = ListTasksRequest { status: Some(TaskState::Completed), ..pages_of(1) };
        for request in [elsewhere, completed] {
            let request = ListTasksRequest { page_token: Some(token.clone()), ..request };
            let error = soon(stage.sdk.list_tasks(&request)).await.unwrap_err();
            assert_eq!(error.code, error_code::INVALID_PARAMS, "{request:?}");
        }
        let mut spoilt = token.clone().into_bytes();
        spoilt.reverse();
        let spoilt = ListTasksRequest { page_token: String::from_utf8(spoilt).ok(), ..pages_of(1) };
        let error = soon(stage.sdk.list_tasks(&spoilt)).await.unwrap_err();
        assert_eq!(error.code, error_code::INVALID_PARAMS);
        stage.leave().await;
    }
}
