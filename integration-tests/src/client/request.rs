//! Requests that say nothing but what matters.

use a2a::{ListTasksRequest, Message, Part, Role, SendMessageConfiguration, SendMessageRequest, Task};

/// A message that begins a task.
pub fn saying(text: &str) -> SendMessageRequest {
    let message = Message::new(Role::User, vec![Part::text(text)]);
    SendMessageRequest { message, configuration: None, metadata: None, tenant: None }
}

/// A message that goes on with a task.
pub fn replying(to: &Task, text: &str) -> SendMessageRequest {
    let mut request = saying(text);
    request.message.task_id = Some(to.id.clone());
    request.message.context_id = Some(to.context_id.clone());
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

/// The list without any filter.
pub fn everything() -> ListTasksRequest {
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
