//! The requests that carry no message.

use std::collections::HashMap;

use a2a::{
    AuthenticationInfo, CancelTaskRequest, GetExtendedAgentCardRequest, GetTaskPushNotificationConfigRequest,
    GetTaskRequest, ListTaskPushNotificationConfigsRequest, ListTasksRequest, Role, SubscribeToTaskRequest,
    TaskPushNotificationConfig, TaskState,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use super::object::Object;
use super::scalar::{Int, Named};
use super::values::Values;
use super::{JsonRequest, OfTask};
use crate::bindings::violations::Violations;

/// Strings that are empty are absent: the proto cannot tell them apart.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

pub(super) fn number(int: Option<Int>) -> Option<i32> {
    int.map(|Int(number)| number)
}

pub(super) fn named<T>(name: Option<Named<T>>) -> Option<T> {
    name.map(|Named(value)| value)
}

/// A field of a message's without which nobody can tell what is meant.
pub(super) fn required(field: &str, text: Option<String>, violations: &mut Violations) -> String {
    let text = text.unwrap_or_default();
    if text.is_empty() {
        violations.required(field);
    }
    text
}

/// What a struct of the proto becomes: none is empty, as to the SDK.
pub(super) fn metadata(
    field: &str,
    metadata: Option<HashMap<String, Value>>,
    values: &Values<'_>,
    violations: &mut Violations,
) -> Option<HashMap<String, Value>> {
    metadata.iter().for_each(|fields| values.check_fields(field, fields, violations));
    metadata
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetTask {
    id: Option<String>,
    #[serde(alias = "history_length")]
    history_length: Option<Int>,
    tenant: Option<String>,
}

impl JsonRequest for GetTask {
    type Request = GetTaskRequest;

    fn into_request(self, _: &Values<'_>, violations: &mut Violations) -> GetTaskRequest {
        GetTaskRequest {
            id: required("id", self.id, violations),
            history_length: number(self.history_length),
            tenant: given(self.tenant),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListTasks {
    tenant: Option<String>,
    #[serde(alias = "context_id")]
    context_id: Option<String>,
    status: Option<Named<TaskState>>,
    #[serde(alias = "page_size")]
    page_size: Option<Int>,
    #[serde(alias = "page_token")]
    page_token: Option<String>,
    #[serde(alias = "history_length")]
    history_length: Option<Int>,
    #[serde(alias = "status_timestamp_after")]
    status_timestamp_after: Option<DateTime<Utc>>,
    #[serde(alias = "include_artifacts")]
    include_artifacts: Option<bool>,
}

impl JsonRequest for ListTasks {
    type Request = ListTasksRequest;

    fn into_request(self, _: &Values<'_>, violations: &mut Violations) -> ListTasksRequest {
        // The proto cannot tell it from unset, so no binding does.
        let status = named(self.status).filter(|status| *status != TaskState::Unspecified);
        let page_size = number(self.page_size);
        if let Some(size) = page_size {
            violations.page_size(size.into());
        }
        if let Some(after) = self.status_timestamp_after {
            violations.time(after);
        }
        ListTasksRequest {
            context_id: given(self.context_id),
            status,
            page_size,
            page_token: given(self.page_token),
            history_length: number(self.history_length),
            status_timestamp_after: self.status_timestamp_after,
            include_artifacts: self.include_artifacts,
            tenant: given(self.tenant),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CancelTask {
    id: Option<String>,
    metadata: Option<HashMap<String, Value>>,
    tenant: Option<String>,
}

impl OfTask for CancelTask {
    fn task(&mut self) -> &mut Option<String> {
        &mut self.id
    }
}

impl JsonRequest for CancelTask {
    type Request = CancelTaskRequest;

    fn into_request(self, values: &Values<'_>, violations: &mut Violations) -> CancelTaskRequest {
        CancelTaskRequest {
            id: required("id", self.id, violations),
            metadata: metadata("metadata", self.metadata, values, violations),
            tenant: given(self.tenant),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SubscribeToTask {
    id: Option<String>,
    tenant: Option<String>,
}

impl JsonRequest for SubscribeToTask {
    type Request = SubscribeToTaskRequest;

    fn into_request(self, _: &Values<'_>, violations: &mut Violations) -> SubscribeToTaskRequest {
        SubscribeToTaskRequest { id: required("id", self.id, violations), tenant: given(self.tenant) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PushConfig {
    tenant: Option<String>,
    id: Option<String>,
    #[serde(alias = "task_id")]
    task_id: Option<String>,
    url: Option<String>,
    token: Option<String>,
    authentication: Option<Object<Authentication>>,
}

#[derive(Debug, Deserialize)]
struct Authentication {
    scheme: Option<String>,
    credentials: Option<String>,
}

impl PushConfig {
    /// The config that comes with a message names no task: it is for the one of the message.
    pub(super) fn of_message(self) -> TaskPushNotificationConfig {
        TaskPushNotificationConfig {
            url: self.url.unwrap_or_default(),
            id: given(self.id),
            task_id: self.task_id.unwrap_or_default(),
            token: given(self.token),
            authentication: self.authentication.map(|Object(authentication)| AuthenticationInfo {
                scheme: authentication.scheme.unwrap_or_default(),
                credentials: given(authentication.credentials),
            }),
            tenant: given(self.tenant),
        }
    }
}

impl OfTask for PushConfig {
    fn task(&mut self) -> &mut Option<String> {
        &mut self.task_id
    }
}

impl JsonRequest for PushConfig {
    type Request = TaskPushNotificationConfig;

    fn into_request(self, _: &Values<'_>, violations: &mut Violations) -> TaskPushNotificationConfig {
        let config = self.of_message();
        if config.task_id.is_empty() {
            violations.required("taskId");
        }
        config
    }
}

/// The name of one config, to read it or to remove it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PushConfigName {
    tenant: Option<String>,
    #[serde(alias = "task_id")]
    task_id: Option<String>,
    id: Option<String>,
}

impl JsonRequest for PushConfigName {
    type Request = GetTaskPushNotificationConfigRequest;

    fn into_request(
        self,
        _: &Values<'_>,
        violations: &mut Violations,
    ) -> GetTaskPushNotificationConfigRequest {
        GetTaskPushNotificationConfigRequest {
            task_id: required("taskId", self.task_id, violations),
            id: required("id", self.id, violations),
            tenant: given(self.tenant),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListPushConfigs {
    tenant: Option<String>,
    #[serde(alias = "task_id")]
    task_id: Option<String>,
    #[serde(alias = "page_size")]
    page_size: Option<Int>,
    #[serde(alias = "page_token")]
    page_token: Option<String>,
}

impl JsonRequest for ListPushConfigs {
    type Request = ListTaskPushNotificationConfigsRequest;

    fn into_request(
        self,
        _: &Values<'_>,
        violations: &mut Violations,
    ) -> ListTaskPushNotificationConfigsRequest {
        let page_size = number(self.page_size).unwrap_or_default();
        violations.config_page_size(page_size.into());
        ListTaskPushNotificationConfigsRequest {
            task_id: required("taskId", self.task_id, violations),
            // The proto cannot tell 0 from unset, so no binding does.
            page_size: (page_size != 0).then_some(page_size),
            page_token: given(self.page_token),
            tenant: given(self.tenant),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ExtendedCard {
    tenant: Option<String>,
}

impl JsonRequest for ExtendedCard {
    type Request = GetExtendedAgentCardRequest;

    fn into_request(self, _: &Values<'_>, _: &mut Violations) -> GetExtendedAgentCardRequest {
        GetExtendedAgentCardRequest { tenant: given(self.tenant) }
    }
}

/// A client speaks for its user.
pub(super) fn role(role: Option<Named<Role>>, violations: &mut Violations) -> Role {
    let role = named(role).unwrap_or_default();
    violations.role(&role);
    role
}
