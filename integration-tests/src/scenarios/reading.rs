//! Reading and listing tasks on instances that did not run them.

use std::collections::BTreeSet;
use std::sync::Arc;

use a2a::{ListTasksRequest, Task, TaskState};
use futures::future::join_all;

use super::eventually;
use super::stage::Stage;
use crate::client::{TestClient, everything, soon};
use a2a_testworld::Backends;

pub async fn what_was_answered_is_read_at_once_on_every_instance(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    for (round, text) in
        ["count 0 9; done", "ask", "fail", "reject", "auth", "say a; done"].iter().enumerate()
    {
        let sent = stage.at(round).send(text).await;
        let reads = join_all((0..3).map(|instance| stage.at(instance).get(&sent.id))).await;
        for read in reads {
            assert_eq!(read.unwrap(), sent);
        }
        let begun = stage.at(round).begin("work; latch never; done").await;
        for instance in 0..3 {
            let read = stage.at(instance).get(&begun.id).await.unwrap();
            assert!(!read.status.state.is_terminal());
        }
    }
    stage.leave().await;
}

pub async fn lists_agree_on_every_instance(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let sends = (0..12).map(|number| stage.at(number).send(if number % 3 == 0 { "ask" } else { "done" }));
    let sent = join_all(sends).await;
    let wanted: BTreeSet<_> = sent.iter().map(|task| task.id.clone()).collect();
    for instance in 0..3 {
        eventually("a whole list", async || {
            let listed = walk(stage.at(instance), &everything(), 5, async |_| {}).await;
            listed.iter().map(|task| task.id.clone()).collect::<BTreeSet<_>>() == wanted
        })
        .await;
        let listed = walk(stage.at(instance), &everything(), 5, async |_| {}).await;
        assert_eq!(listed.len(), wanted.len(), "a task came twice");
        assert!(listed.is_sorted_by(|one, next| one.status.timestamp >= next.status.timestamp));
    }
    let parked = ListTasksRequest { status: Some(TaskState::InputRequired), ..everything() };
    let one = sent.iter().find(|task| task.status.state == TaskState::InputRequired).unwrap();
    stage.at(1).cancel(&one.id).await.unwrap();
    for instance in 0..3 {
        eventually("the list without the cancelled task", async || {
            let listed = soon(stage.at(instance).sdk.list_tasks(&parked)).await.unwrap();
            (listed.tasks.len(), listed.total_size) == (3, 3)
        })
        .await;
    }
    stage.leave().await;
}

pub async fn pages_from_changing_instances_hold_every_unchanged_task_once(backends: Arc<dyn Backends>) {
    let stage = Stage::of(backends).await;
    let mut parked = Vec::new();
    for number in 0..10 {
        parked.push(stage.at(number).send("ask").await);
    }
    eventually("all of them in the list", async || {
        soon(stage.at(0).sdk.list_tasks(&everything())).await.unwrap().total_size == 10
    })
    .await;
    let (moved, unmoved) = parked.split_at(4);
    // New ones appear and old ones move to the front, behind the reader's back.
    let listed = walk(stage.at(0), &everything(), 2, async |page| {
        stage.at(page + 1).send("done").await;
        if let Some(moved) = moved.get(page) {
            stage.at(page + 2).reply(moved, "done").await.unwrap();
        }
    })
    .await;
    let unique: BTreeSet<_> = listed.iter().map(|task| &task.id).collect();
    assert_eq!(unique.len(), listed.len(), "a task came twice");
    assert!(unmoved.iter().all(|task| unique.contains(&task.id)), "a task was skipped");
    stage.leave().await;
}

/// Reads all pages; between two of them something may happen.
async fn walk(
    client: &TestClient,
    request: &ListTasksRequest,
    size: i32,
    mut between: impl AsyncFnMut(usize),
) -> Vec<Task> {
    let mut request = ListTasksRequest { page_size: Some(size), ..request.clone() };
    let mut tasks = Vec::new();
    for page in 0.. {
        let answer = soon(client.sdk.list_tasks(&request)).await.unwrap();
        tasks.extend(answer.tasks);
        if answer.next_page_token.is_empty() {
            break;
        }
        request.page_token = Some(answer.next_page_token);
        between(page).await;
    }
    tasks
}
