//! REST's paths: which operation one names, for which tenant (`a2a.proto`, `google.api.http`).

use a2a::A2AError;
use axum::http::Method;
use percent_encoding::percent_decode_str;

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    SendMessage,
    StreamMessage,
    GetTask,
    ListTasks,
    CancelTask,
    SubscribeToTask,
    PushConfigs,
    PushConfig,
    ExtendedCard,
}

/// A path that leads somewhere; its names are decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) operation: Operation,
    pub(super) tenant: Option<String>,
    pub(super) task_id: Option<String>,
    pub(super) config_id: Option<String>,
}

impl Route {
    /// Finds where `path` leads; `None` means nowhere. A path that means something without a tenant has none, so a
    /// tenant cannot be called `tasks` or `message`.
    ///
    /// # Errors
    /// `InvalidParams` for a segment that is not UTF-8 once decoded.
    pub(super) fn find(path: &str) -> Result<Option<Self>, A2AError> {
        let Some(relative) = path.strip_prefix('/') else { return Ok(None) };
        if let Some(route) = Self::without_tenant(relative)? {
            return Ok(Some(route));
        }
        let Some((tenant, rest)) = relative.split_once('/') else { return Ok(None) };
        let (false, Some(route)) = (tenant.is_empty(), Self::without_tenant(rest)?) else { return Ok(None) };
        Ok(Some(Self { tenant: Some(decoded(tenant)?), ..route }))
    }

    fn without_tenant(relative: &str) -> Result<Option<Self>, A2AError> {
        let segments: Vec<&str> = relative.split('/').collect();
        Ok(match segments.as_slice() {
            ["message:send"] | ["message", "send"] => Some(Self::to(Operation::SendMessage)),
            ["message:stream"] | ["message", "stream"] => Some(Self::to(Operation::StreamMessage)),
            ["extendedAgentCard"] | ["agent-card", "extended"] => Some(Self::to(Operation::ExtendedCard)),
            ["tasks"] => Some(Self::to(Operation::ListTasks)),
            ["tasks", "", ..] => None,
            ["tasks", id] => Self::of_task(decoded(id)?),
            ["tasks", id, "cancel"] => Some(Self::on_task(Operation::CancelTask, decoded(id)?)),
            ["tasks", id, "subscribe"] => Some(Self::on_task(Operation::SubscribeToTask, decoded(id)?)),
            ["tasks", id, "pushNotificationConfigs" | "push-configs"] => {
                Some(Self::on_task(Operation::PushConfigs, decoded(id)?))
            }
            ["tasks", id, "pushNotificationConfigs" | "push-configs", config] if !config.is_empty() => {
                let config_id = Some(decoded(config)?);
                Some(Self { config_id, ..Self::on_task(Operation::PushConfig, decoded(id)?) })
            }
            _ => None,
        })
    }

    /// A task, or what is to be done with it.
    fn of_task(named: String) -> Option<Self> {
        let (operation, id) = if let Some(id) = named.strip_suffix(":cancel") {
            (Operation::CancelTask, id)
        } else if let Some(id) = named.strip_suffix(":subscribe") {
            (Operation::SubscribeToTask, id)
        } else {
            (Operation::GetTask, named.as_str())
        };
        let has_name = !id.is_empty() && !named.starts_with(':');
        has_name.then(|| Self::on_task(operation, id.to_owned()))
    }

    fn to(operation: Operation) -> Self {
        Self { operation, tenant: None, task_id: None, config_id: None }
    }

    fn on_task(operation: Operation, id: String) -> Self {
        Self { task_id: Some(id), ..Self::to(operation) }
    }
}

impl Operation {
    /// The HTTP methods that this operation answers to, as `Allow` lists them.
    pub(super) fn allowed(self) -> &'static str {
        match self {
            Self::SendMessage | Self::StreamMessage | Self::CancelTask => "POST",
            Self::GetTask | Self::ListTasks | Self::ExtendedCard => "GET, HEAD",
            Self::SubscribeToTask => "GET, POST",
            Self::PushConfigs => "GET, HEAD, POST",
            Self::PushConfig => "GET, HEAD, DELETE",
        }
    }

    pub(super) fn allows(self, method: &Method) -> bool {
        self.allowed().split(", ").any(|allowed| allowed == method.as_str())
    }

    /// How this operation treats a body.
    pub(super) fn body(self, method: &Method) -> BodyUse {
        match self {
            Self::SendMessage | Self::StreamMessage => BodyUse::Required,
            Self::PushConfigs if method == Method::POST => BodyUse::Required,
            Self::CancelTask => BodyUse::Optional,
            _ => BodyUse::Ignored,
        }
    }
}

/// Whether a request's body carries parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyUse {
    Required,
    Optional,
    Ignored,
}

fn decoded(segment: &str) -> Result<String, A2AError> {
    percent_decode_str(segment)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| A2AError::invalid_params("a segment of the path is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_the_proto_leads_to_its_operation_with_and_without_a_tenant() {
        for (path, operation, task, config) in [
            ("/message:send", Operation::SendMessage, None, None),
            ("/message:stream", Operation::StreamMessage, None, None),
            ("/message/send", Operation::SendMessage, None, None),
            ("/message/stream", Operation::StreamMessage, None, None),
            ("/tasks", Operation::ListTasks, None, None),
            ("/tasks/t1", Operation::GetTask, Some("t1"), None),
            ("/tasks/a%2Fb%20c", Operation::GetTask, Some("a/b c"), None),
            ("/tasks/t1:cancel", Operation::CancelTask, Some("t1"), None),
            ("/tasks/t1%3Acancel", Operation::CancelTask, Some("t1"), None),
            ("/tasks/t:1:cancel", Operation::CancelTask, Some("t:1"), None),
            ("/tasks/t1/cancel", Operation::CancelTask, Some("t1"), None),
            ("/tasks/t1:subscribe", Operation::SubscribeToTask, Some("t1"), None),
            ("/tasks/t1/subscribe", Operation::SubscribeToTask, Some("t1"), None),
            ("/tasks/t1/pushNotificationConfigs", Operation::PushConfigs, Some("t1"), None),
            ("/tasks/t1/push-configs", Operation::PushConfigs, Some("t1"), None),
            ("/tasks/t1/pushNotificationConfigs/c1", Operation::PushConfig, Some("t1"), Some("c1")),
            ("/extendedAgentCard", Operation::ExtendedCard, None, None),
            ("/agent-card/extended", Operation::ExtendedCard, None, None),
        ] {
            let (task_id, config_id) = (task.map(str::to_owned), config.map(str::to_owned));
            let route =
                |tenant| Route { operation, tenant, task_id: task_id.clone(), config_id: config_id.clone() };
            assert_eq!(Route::find(path).unwrap(), Some(route(None)));
            let with_tenant = Route::find(&format!("/a%20cme{path}")).unwrap();
            assert_eq!(with_tenant, Some(route(Some("a cme".to_owned()))));
        }
    }

    #[test]
    fn other_paths_lead_nowhere() {
        for path in [
            "",
            "*",
            "/",
            "//",
            "/task",
            "/tasks/",
            "/tasks/:cancel",
            "//tasks",
            "/a/b/tasks",
            "/message",
            "/tasks/t1/unknown",
            "/tasks/t1/pushNotificationConfigs/",
            "/tasks/t1/pushNotificationConfigs/c/d",
        ] {
            assert_eq!(Route::find(path).unwrap(), None, "{path:?}");
        }
    }

    #[test]
    fn a_segment_that_is_not_utf8_is_refused() {
        for path in ["/tasks/%FF", "/%FF/tasks", "/tasks/t/pushNotificationConfigs/%FF"] {
            assert!(Route::find(path).is_err(), "{path}");
        }
    }
}
