//! The SDK's own handler on one of our stores.

use std::sync::Arc;

use a2a::{TaskState, error_code};
use a2a_cluster::SdkTaskStore;
use a2a_core::TaskStore;
use a2a_server::{DefaultRequestHandler, RequestHandler, TaskStore as _};
use a2a_store_memory::MemoryStore;
use futures::future::join_all;

use crate::world::{drain, get, key, list, params, request, state, texts};
use a2a_testkit::ScriptedAgent;

fn served() -> (Arc<MemoryStore>, DefaultRequestHandler) {
    let store = Arc::new(MemoryStore::new());
    (store.clone(), DefaultRequestHandler::new(ScriptedAgent::default(), SdkTaskStore::new(store)))
}

#[tokio::test]
async fn a_task_persists_with_all_its_artifacts() {
    let (store, handler) = served();
    let events = handler.send_streaming_message(&params(), request("stream 30 0")).await.unwrap();
    let events = drain(events).await;
    assert!(events.len() >= 31, "{events:?}");
    let listed = handler.list_tasks(&params(), list()).await.unwrap();
    let again = DefaultRequestHandler::new(ScriptedAgent::default(), SdkTaskStore::new(store));
    let task = again.get_task(&params(), get(&listed.tasks[0].id)).await.unwrap();
    assert_eq!((state(&task), texts(&task).len()), (TaskState::Completed, 30));
}

#[tokio::test]
async fn a_log_grows_with_what_is_new_and_not_with_the_task() {
    let (store, handler) = served();
    drain(handler.send_streaming_message(&params(), request("stream 30 0")).await.unwrap()).await;
    let listed = handler.list_tasks(&params(), list()).await.unwrap();
    let key = key(&listed.tasks[0].id);
    let a2a_core::Replay::Commits(log) = store.commits_after(&key, a2a_core::Version::ABSENT).await.unwrap()
    else {
        panic!("the log is kept")
    };
    let parts = log.iter().flat_map(|commit| &commit.events).map(|event| match event {
        a2a::StreamResponse::ArtifactUpdate(update) => update.artifact.parts.len(),
        _ => 0,
    });
    assert_eq!(parts.sum::<usize>(), 30);
}

#[tokio::test]
async fn of_concurrent_cancels_one_wins_and_a_terminal_state_stays() {
    let (store, _) = served();
    let tasks = SdkTaskStore::new(store);
    let working = a2a::Task {
        id: "t".into(),
        context_id: "c".into(),
        status: a2a::TaskStatus { state: TaskState::Working, message: None, timestamp: None },
        artifacts: None,
        history: None,
        metadata: None,
    };
    assert_eq!(tasks.create(working.clone()).await.unwrap(), 1);
    assert!(tasks.create(working.clone()).await.is_err());
    let cancels = join_all((0..8).map(|_| tasks.begin_cancel("t"))).await;
    assert_eq!(cancels.iter().filter(|cancel| cancel.is_ok()).count(), 1);
    let refused = cancels.into_iter().find_map(Result::err).unwrap();
    assert_eq!(refused.code, error_code::TASK_NOT_CANCELABLE);
    assert_eq!(tasks.update(working).await.unwrap_err().code, error_code::INVALID_REQUEST);
    assert_eq!(tasks.begin_cancel("nobody").await.unwrap_err().code, error_code::TASK_NOT_FOUND);
}
