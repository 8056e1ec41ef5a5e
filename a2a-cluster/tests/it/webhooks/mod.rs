//! Push notifications, to real webhooks on this machine.

mod changing;
mod delivery;
mod displaced;
mod failing;
mod guard;
mod overtaken;
mod receiver;
mod secrets;
mod sharing;
mod surviving;

use std::time::Duration;

use a2a::{
    AuthenticationInfo, DeleteTaskPushNotificationConfigRequest, SendMessageConfiguration,
    SendMessageRequest, Task, TaskPushNotificationConfig,
};
use a2a_cluster::{Config, Webhooks};
use a2a_server::RequestHandler;

use crate::world::{self, Bus, Node, World, eventually, expect_task, local_webhooks, params, quick, request};

/// The default durations, shortened, and webhooks that are not given up.
fn config() -> Config {
    quick().webhooks(given_up_after(Duration::from_secs(600)))
}

/// Webhooks that are soon called again, and given up so long after the end of a turn.
fn given_up_after(keep_trying: Duration) -> Webhooks {
    Webhooks::default()
        .keep_trying(keep_trying)
        .retry_min(Duration::from_millis(5))
        .retry_max(Duration::from_millis(20))
}

/// Also finds and replaces the dead quickly.
fn mortal() -> Config {
    config()
        .beat_interval(Duration::from_millis(150))
        .lease(Duration::from_secs(1))
        .keep_evicted(Duration::from_secs(1))
}

async fn world_of(instances: usize, bus: Bus, config: Config) -> World {
    World::build(instances, bus, |builder| builder.config(config.clone()).webhooks(local_webhooks())).await
}

fn webhook(url: &str) -> TaskPushNotificationConfig {
    TaskPushNotificationConfig {
        token: Some("a-token".into()),
        authentication: Some(AuthenticationInfo {
            scheme: "Bearer".into(),
            credentials: Some("some-credentials".into()),
        }),
        ..world::webhook(url)
    }
}

fn request_with(text: &str, webhook: TaskPushNotificationConfig, at_once: bool) -> SendMessageRequest {
    let mut request = request(text);
    request.configuration = Some(SendMessageConfiguration {
        task_push_notification_config: Some(webhook),
        return_immediately: Some(at_once),
        ..world::configuration()
    });
    request
}

/// Sends a message with a webhook, and waits for the end of the turn.
async fn send(node: &Node, text: &str, webhook: TaskPushNotificationConfig) -> Task {
    expect_task(node.handler.send_message(&params(), request_with(text, webhook, false)).await.unwrap())
}

/// Sends a message with a webhook, and waits until the task exists.
async fn start(node: &Node, text: &str, webhook: TaskPushNotificationConfig) -> Task {
    expect_task(node.handler.send_message(&params(), request_with(text, webhook, true)).await.unwrap())
}

/// Waits until nobody has the task any more.
async fn is_released(world: &World, id: &str) {
    eventually("the release of the task", || async { world.load(id).await.head.claim.is_none() }).await;
}

/// Adds a webhook to a task; returns its id.
async fn create(node: &Node, task: &Task, webhook: TaskPushNotificationConfig) -> String {
    let config = TaskPushNotificationConfig { task_id: task.id.clone(), ..webhook };
    node.handler.create_push_config(&params(), config).await.unwrap().id.unwrap()
}

/// Removes a webhook of a task.
async fn delete(node: &Node, task: &Task, id: &str) {
    let request =
        DeleteTaskPushNotificationConfigRequest { id: id.to_owned(), task_id: task.id.clone(), tenant: None };
    node.handler.delete_push_config(&params(), request).await.unwrap();
}
