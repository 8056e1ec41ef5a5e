//! What requests hold together, and for how long.

use std::time::Duration;

use a2a::{ListTasksRequest, SendMessageRequest, Task, TaskState};
use a2a_serve::Server;
use a2a_serve::bindings::RequestLimits;
use a2a_testkit::ScriptedAgent;
use a2a_testworld::client::{card_at, connect};
use a2a_testworld::world::{cancel, expect_task, follow_up, list, request, state};
use a2a_testworld::{Binding, Client};
use axum::body::Body;
use futures::future::{join_all, select_all};
use http::{Request, Version};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use super::handler::Recorder;
use super::server::socket;
use super::wire::router_with;

const SOON: Duration = Duration::from_secs(20);

/// Large enough that not two of them are read at a time.
fn large(mut request: SendMessageRequest) -> SendMessageRequest {
    let metadata = [("x".to_owned(), "x".repeat(1_500).into())];
    request.metadata = Some(metadata.into_iter().collect());
    request
}

/// The tasks that are worked on, once there are so many.
async fn working(client: &Client, count: usize) -> Vec<Task> {
    loop {
        let page = client.list_tasks(&ListTasksRequest { status: Some(TaskState::Working), ..list() }).await;
        let tasks = page.unwrap().tasks;
        if tasks.len() == count {
            return tasks;
        }
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn messages_whose_agents_work_keep_no_other_request_out() {
    let (listener, card) = socket().await;
    let limits = RequestLimits::default().max_bytes_in_flight(3_000);
    let server = Server::new(ScriptedAgent::default(), card).limits(limits).listener(listener);
    let serving = server.serve().await.unwrap();
    let card = card_at(&format!("http://{}", serving.address())).await;
    for binding in Binding::ALL {
        let client = connect(&card, binding, None).await.unwrap();
        let parked = expect_task(client.send_message(&request("ask")).await.unwrap());
        assert_eq!(state(&parked), TaskState::InputRequired);
        let messages = [request("hang"), request("hang"), follow_up(&parked, "hang")].map(large);
        let mut waiting = Vec::new();
        for message in &messages {
            waiting.push(Box::pin(client.send_message(message)));
            let count = waiting.len();
            tokio::select! {
                (ended, ..) = select_all(&mut waiting) => panic!("{binding:?}: {ended:?}"),
                working = timeout(SOON, working(&client, count)) => working.unwrap(),
            };
        }
        let answered = client.send_message(&large(request("say hello; done"))).await.unwrap();
        assert_eq!(state(&expect_task(answered)), TaskState::Completed, "{binding:?}");
        let cancelling = async {
            for task in working(&client, messages.len()).await {
                client.cancel_task(&cancel(&task.id)).await.unwrap();
            }
        };
        let (ended, ()) = timeout(SOON, async { tokio::join!(join_all(waiting), cancelling) }).await.unwrap();
        for ended in ended {
            assert_eq!(state(&expect_task(ended.unwrap())), TaskState::Canceled, "{binding:?}");
        }
    }
    serving.shutdown(Duration::ZERO, Duration::ZERO).await;
}

#[tokio::test]
async fn whatever_is_answered_over_http_2_takes_room_until_it_is_taken() {
    let limits = RequestLimits::default().max_bytes_in_flight(3_000);
    let router = router_with(&Recorder::new(), &limits);
    for (path, version, status) in
        [("/.well-known/agent-card.json", "1.0", 200), ("/tasks/t1", "0.3", 400), ("/nowhere", "1.0", 404)]
    {
        let ask = async || {
            let request = Request::get(path).version(Version::HTTP_2).header("a2a-version", version);
            router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
        };
        let mut kept = Vec::new();
        let refused = loop {
            let answer = ask().await;
            if answer.status() != status {
                break answer;
            }
            kept.push(answer);
            assert!(kept.len() < 20, "{path}");
        };
        assert_eq!(
            (refused.status().as_u16(), refused.headers()["retry-after"].as_bytes()),
            (503, &b"1"[..]),
            "{path}"
        );
        drop(kept);
        assert_eq!(ask().await.status(), status, "{path}");
    }
}
