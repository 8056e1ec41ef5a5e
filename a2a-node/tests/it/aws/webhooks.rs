//! `webhooks` lists what was given up, and tries it again.

use a2a::{SendMessageRequest, TaskPushNotificationConfig, TaskState};
use a2a_testworld::sockets::Binding;
use a2a_testworld::world::{configuration, expect_task, identified, state, webhook};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::site::Site;
use crate::node::{soon, text};

/// Answers each request with this status, and closes, for as long as it is kept.
async fn receiver(status: &'static str) -> (String, JoinSet<()>) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/planted-path", socket.local_addr().unwrap());
    let mut receiver = JoinSet::new();
    receiver.spawn(async move {
        loop {
            let (mut stream, _) = socket.accept().await.unwrap();
            // A notification of a task this small comes in one piece.
            let _ = stream.read(&mut vec![0; 64 * 1024]).await;
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, receiver)
}

#[tokio::test]
async fn what_was_given_up_is_listed_and_tried_again() {
    let Some(site) = Site::provisioned().await else { return };
    let none = site.run(&["webhooks"]).await;
    assert!(none.status.success() && text(&none.stdout).contains("no delivery is given up"));

    let node = site.serve(&["--allow-local-webhooks"]).await;
    let client = node.client(0, Binding::JsonRpc).await;
    let mut request: SendMessageRequest = identified("echo hello");
    let (url, _receiver) = receiver("410 Gone").await;
    let config: TaskPushNotificationConfig = webhook(&url);
    request.configuration = Some(a2a::SendMessageConfiguration {
        task_push_notification_config: Some(config),
        ..configuration()
    });
    let task = expect_task(client.send_message(&request).await.unwrap());
    assert_eq!(state(&task), TaskState::Completed);

    let listed = soon(async {
        loop {
            let output = site.run(&["webhooks", "--json"]).await;
            if !output.stdout.is_empty() {
                return serde_json::from_slice::<Value>(&output.stdout).unwrap();
            }
        }
    })
    .await;
    assert_eq!((&listed["task"], &listed["host"]), (&task.id.as_str().into(), &"127.0.0.1".into()));
    assert_eq!(listed["reason"], "it answered 410");
    let line = text(&site.run(&["webhooks"]).await.stdout);
    assert!(line.contains(&task.id) && line.contains("410") && !line.contains("planted"), "{line}");
    let status = site.run(&["status", "--json"]).await;
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(status["webhooks"], serde_json::json!({ "state": "read", "givenUp": 1 }));
    assert!(text(&site.run(&["status"]).await.stdout).contains("deliveries to webhooks given up: 1;"));
    assert!(text(&site.run(&["webhooks", "--host", "other"]).await.stdout).contains("no delivery"));

    // It still does not take it.
    let again = site.run(&["webhooks", "--retry", "--allow-local-webhooks"]).await;
    assert_eq!(again.status.code(), Some(1), "{}", text(&again.stdout));
    assert!(text(&again.stdout).contains("refused: it answered 410"), "{}", text(&again.stdout));
}
