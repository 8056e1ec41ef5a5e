//! Where REST puts an operation's parameters: into path, query and body (`google.api.http` in `a2a.proto`).

use http::{HeaderMap, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::operation::Operation;
use super::request::Draft;

pub(super) fn draft(operation: Operation, params: &Value) -> Draft {
    let mut params = params.clone();
    let mut take = |name: &str| {
        let value = params.as_object_mut().and_then(|params| params.remove(name));
        value.as_ref().and_then(Value::as_str).map(encoded).unwrap_or_default()
    };
    let tenant = match take("tenant") {
        tenant if tenant.is_empty() => String::new(),
        tenant => format!("/{tenant}"),
    };
    let configs = |task: String| format!("/tasks/{task}/pushNotificationConfigs");
    let (method, path) = match operation {
        Operation::SendMessage => (Method::POST, "/message:send".to_owned()),
        Operation::SendStreamingMessage => (Method::POST, "/message:stream".to_owned()),
        Operation::GetTask => (Method::GET, format!("/tasks/{}", take("id"))),
        Operation::ListTasks => (Method::GET, "/tasks".to_owned()),
        Operation::CancelTask => (Method::POST, format!("/tasks/{}:cancel", take("id"))),
        Operation::SubscribeToTask => (Method::GET, format!("/tasks/{}:subscribe", take("id"))),
        Operation::CreateTaskPushNotificationConfig => (Method::POST, configs(take("taskId"))),
        Operation::ListTaskPushNotificationConfigs => (Method::GET, configs(take("taskId"))),
        Operation::GetTaskPushNotificationConfig => {
            (Method::GET, format!("{}/{}", configs(take("taskId")), take("id")))
        }
        Operation::DeleteTaskPushNotificationConfig => {
            (Method::DELETE, format!("{}/{}", configs(take("taskId")), take("id")))
        }
        Operation::GetExtendedAgentCard => (Method::GET, "/extendedAgentCard".to_owned()),
    };
    let path = format!("{tenant}{path}");
    if method == Method::POST {
        return Draft::post(operation, &path, "application/a2a+json", params.to_string());
    }
    let path = format!("{path}{}", query(&params));
    Draft { operation, method, path, headers: HeaderMap::new(), body: bytes::Bytes::new() }
}

fn query(params: &Value) -> String {
    let pairs = params.as_object().into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{name}={}", encoded(&value))
    });
    let pairs: Vec<_> = pairs.collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
