//! Requests that say nothing but what matters.

use a2a::{
    CancelTaskRequest, GetTaskRequest, ListTasksRequest, Message, Part, Role, SendMessageConfiguration,
    SendMessageRequest, SubscribeToTaskRequest, Task, TaskPushNotificationConfig,
};
use a2a_core::{Env, SystemEnv};
use a2a_server::ServiceParams;

/// The service parameters of every request.
pub fn params() -> ServiceParams {
    ServiceParams::from([("a2a-version".to_owned(), vec!["1.0".to_owned()])])
}

/// A user's message.
pub fn message(text: &str) -> Message {
    Message::new(Role::User, vec![Part::text(text)])
}

/// A message that begins a task.
pub fn request(text: &str) -> SendMessageRequest {
    SendMessageRequest { message: message(text), configuration: None, metadata: None, tenant: None }
}

/// A message that begins a task, with an id by which it is known again.
pub fn identified(text: &str) -> SendMessageRequest {
    let mut request = request(text);
    request.message.message_id = SystemEnv.uuid().to_string();
    request
}

/// A message that begins a task, with an id by which nobody knows it again.
pub fn numbered(text: &str) -> SendMessageRequest {
    let mut request = request(text);
    request.message.message_id = "1".to_owned();
    request
}

/// A message that goes on with a task.
pub fn follow_up(task: &Task, text: &str) -> SendMessageRequest {
    let mut request = request(text);
    request.message.task_id = Some(task.id.clone());
    request.message.context_id = Some(task.context_id.clone());
    request
}

/// A configuration that asks for nothing.
pub fn configuration() -> SendMessageConfiguration {
    SendMessageConfiguration {
        accepted_output_modes: None,
        task_push_notification_config: None,
        history_length: None,
        return_immediately: None,
    }
}

/// The configuration that asks for an answer as soon as the task exists.
pub fn at_once() -> Option<SendMessageConfiguration> {
    Some(SendMessageConfiguration { return_immediately: Some(true), ..configuration() })
}

/// A task, with all of its history.
pub fn get(id: impl Into<String>) -> GetTaskRequest {
    GetTaskRequest { id: id.into(), history_length: None, tenant: None }
}

/// The end of a task, without a reason.
pub fn cancel(id: impl Into<String>) -> CancelTaskRequest {
    CancelTaskRequest { id: id.into(), metadata: None, tenant: None }
}

/// A stream of a task.
pub fn subscribe(id: impl Into<String>) -> SubscribeToTaskRequest {
    SubscribeToTaskRequest { id: id.into(), tenant: None }
}

/// A push notification config that says nothing but where to call.
pub fn webhook(url: impl Into<String>) -> TaskPushNotificationConfig {
    TaskPushNotificationConfig {
        url: url.into(),
        id: None,
        task_id: String::new(),
        token: None,
        authentication: None,
        tenant: None,
    }
}

/// The list without any filter.
pub fn list() -> ListTasksRequest {
    ListTasksRequest {
        context_id: None,
        status: None,
        page_size: None,
        page_token: None,
        history_length: None,
        status_timestamp_after: None,
        include_artifacts: None,
        tenant: None,
    }
}
