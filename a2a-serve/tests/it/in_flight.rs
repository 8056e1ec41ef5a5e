//! What requests hold together, and for how long.

use std::time::Duration;

use a2a::{ListTasksRequest, SendMessageRequest, Task, TaskState};
use a2a_serve::Server;
use a2a_serve::bindings::RequestLimits;
use a2a_testkit::ScriptedAgent;
use a2a_testworld::client::{card_at, connect};
use a2a_testworld::world::{cancel, expect_task, follow_up, list, request, state};
use a2a_testworld::{Binding, Client};
use futures::future::{join_all, select_all};
use tokio::time::{sleep, timeout};

use super::server::socket;

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
