//! REST's paths: which operation one names, for which tenant (`a2a.proto`, `google.api.http`).

use a2a::A2AError;
use axum::http::Method;
use percent_encoding::percent_decode_str;

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// `message:send` and `message:stream`.
    Send,
    GetTask,
    ListTasks,
    CancelTask,
    SubscribeToTask,
    PushConfigs,
    PushConfig,
    ExtendedCard,
}

/// A path that leads somewhere.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route<'a> {
    pub(super) operation: Operation,
    /// The tenant, decoded.
    pub(super) tenant: Option<String>,
    /// The path without the tenant.
    pub(super) path: &'a str,
}

impl<'a> Route<'a> {
    /// Finds where `path` leads; `None` means nowhere. A path that means something without a tenant has none, so a
    /// tenant cannot be called `tasks` or `message`.
    ///
    /// # Errors
    /// `InvalidParams` for a segment that is not UTF-8 once decoded.
    pub(super) fn find(path: &'a str) -> Result<Option<Self>, A2AError> {
        let Some(relative) = path.strip_prefix('/') else { return Ok(None) };
        if let Some(operation) = Operation::of(relative)? {
            return Ok(Some(Self { operation, tenant: None, path }));
        }
        let Some((tenant, rest)) = relative.split_once('/') else { return Ok(None) };
        let (false, Some(operation)) = (tenant.is_empty(), Operation::of(rest)?) else { return Ok(None) };
        let tenant = decoded(tenant)?.into_owned();
        let path = path.get(path.len() - rest.len() - 1..).unwrap_or_default();
        Ok(Some(Self { operation, tenant: Some(tenant), path }))
    }
}

impl Operation {
    fn of(relative: &str) -> Result<Option<Self>, A2AError> {
        let segments: Vec<&str> = relative.split('/').collect();
        let operation = match segments.as_slice() {
            ["message:send" | "message:stream"] | ["message", "send" | "stream"] => Self::Send,
            ["extendedAgentCard"] | ["agent-card", "extended"] => Self::ExtendedCard,
            ["tasks"] => Self::ListTasks,
            ["tasks", "", ..] => return Ok(None),
            ["tasks", id] => match decoded(id)?.split_once(':') {
                Some(("", _)) => return Ok(None),
                _ => Self::of_task(&decoded(id)?),
            },
            ["tasks", id, "cancel"] if decoded(id).is_ok() => Self::CancelTask,
            ["tasks", id, "subscribe"] if decoded(id).is_ok() => Self::SubscribeToTask,
            ["tasks", id, "pushNotificationConfigs" | "push-configs"] => {
                decoded(id)?;
                Self::PushConfigs
            }
            ["tasks", id, "pushNotificationConfigs" | "push-configs", config] if !config.is_empty() => {
                decoded(id)?;
                decoded(config)?;
                Self::PushConfig
            }
            _ => return Ok(None),
        };
        Ok(Some(operation))
    }

    fn of_task(id: &str) -> Self {
        if id.ends_with(":cancel") {
            Self::CancelTask
        } else if id.ends_with(":subscribe") {
            Self::SubscribeToTask
        } else {
            Self::GetTask
        }
    }

    /// The HTTP methods that this operation answers to, as `Allow` lists them.
    pub(super) fn allowed(self) -> &'static str {
        match self {
            Self::Send | Self::CancelTask => "POST",
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
            Self::Send => BodyUse::Required,
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

fn decoded(segment: &str) -> Result<std::borrow::Cow<'_, str>, A2AError> {
    percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| A2AError::invalid_params("a segment of the path is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_the_proto_leads_to_its_operation_with_and_without_a_tenant() {
        for (path, operation) in [
            ("/message:send", Operation::Send),
            ("/message:stream", Operation::Send),
            ("/message/send", Operation::Send),
            ("/tasks", Operation::ListTasks),
            ("/tasks/t1", Operation::GetTask),
            ("/tasks/t1:cancel", Operation::CancelTask),
            ("/tasks/t1%3Acancel", Operation::CancelTask),
            ("/tasks/t1/cancel", Operation::CancelTask),
            ("/tasks/t1:subscribe", Operation::SubscribeToTask),
            ("/tasks/t1/subscribe", Operation::SubscribeToTask),
            ("/tasks/t1/pushNotificationConfigs", Operation::PushConfigs),
            ("/tasks/t1/push-configs", Operation::PushConfigs),
            ("/tasks/t1/pushNotificationConfigs/c1", Operation::PushConfig),
            ("/extendedAgentCard", Operation::ExtendedCard),
        ] {
            assert_eq!(Route::find(path).unwrap(), Some(Route { operation, tenant: None, path }));
            let with_tenant = format!("/a%20cme{path}");
            let tenant = Some("a cme".to_owned());
            assert_eq!(Route::find(&with_tenant).unwrap(), Some(Route { operation, tenant, path }));
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
