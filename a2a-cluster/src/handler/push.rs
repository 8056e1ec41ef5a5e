//! Push notification configs (specification, sections 3.1.7 to 3.1.10).

use std::sync::Arc;

use a2a::{
    A2AError, DeleteTaskPushNotificationConfigRequest, GetTaskPushNotificationConfigRequest,
    ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse,
    SendMessageConfiguration, TaskPushNotificationConfig,
};
use a2a_core::{PushSubscription, TaskKey, Version};
use a2a_server::ServiceParams;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::check;
use super::idempotency::{Identity, Made};
use crate::caller::Caller;
use crate::instance::Instance;
use crate::limits::check_id;
use crate::webhook;

const DEFAULT_PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 100;
/// The longest URL, token or credential that is kept.
const MAX_FIELD: usize = 4096;

pub(super) async fn create(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    req: TaskPushNotificationConfig,
) -> Result<TaskPushNotificationConfig, A2AError> {
    let key = own_key(instance, params, req.tenant.as_deref(), &req.task_id).await?;
    check_config(instance, &req)?;
    let seen = instance.retry_for_request().run(|| instance.tasks.load(&key)).await;
    let version =
        seen.map_err(|error| instance.error(error))?.map_or(Version::ABSENT, |stored| stored.version);
    let config = save(instance, &key, req, version).await?;
    let created = PushSubscription { config, acknowledged: version };
    webhook::changed(instance, &key, Some(&created)).await;
    Ok(created.config)
}

pub(super) async fn get(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    req: GetTaskPushNotificationConfigRequest,
) -> Result<TaskPushNotificationConfig, A2AError> {
    let key = own_key(instance, params, req.tenant.as_deref(), &req.task_id).await?;
    let found = instance.retry_for_request().run(|| instance.push.get_config(&key, &req.id)).await;
    // A config that is not there is a TaskNotFoundError (specification, section 3.1.8).
    let absent = || {
        let message = format!("push notification config not found: {}", req.id);
        A2AError { message, ..A2AError::task_not_found(&req.task_id) }
    };
    Ok(found.map_err(|error| instance.error(error))?.ok_or_else(absent)?.config)
}

pub(super) async fn list(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    req: ListTaskPushNotificationConfigsRequest,
) -> Result<ListTaskPushNotificationConfigsResponse, A2AError> {
    let key = own_key(instance, params, req.tenant.as_deref(), &req.task_id).await?;
    let limit = match req.page_size.map(usize::try_from) {
        None => DEFAULT_PAGE_SIZE,
        Some(Ok(size)) if (1..=MAX_PAGE_SIZE).contains(&size) => size,
        Some(_) => {
            return Err(A2AError::invalid_params(format!("pageSize must be between 1 and {MAX_PAGE_SIZE}")));
        }
    };
    let after = match req.page_token.filter(|token| !token.is_empty()) {
        None => None,
        Some(token) => Some(read_token(&token)?),
    };
    let listed = instance.retry_for_request().run(|| instance.push.list_configs(&key)).await;
    let all = listed.map_err(|error| instance.error(error))?;
    let is_later = |config: &TaskPushNotificationConfig| after.is_none() || config.id > after;
    let mut rest = all.into_iter().map(|subscription| subscription.config).filter(is_later);
    let configs: Vec<_> = rest.by_ref().take(limit).collect();
    let last = rest.next().and_then(|_| configs.last()).and_then(|config| config.id.as_ref());
    let next_page_token = last.map(|id| URL_SAFE_NO_PAD.encode(id));
    Ok(ListTaskPushNotificationConfigsResponse { configs, next_page_token })
}

pub(super) async fn delete(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    req: DeleteTaskPushNotificationConfigRequest,
) -> Result<(), A2AError> {
    let key = own_key(instance, params, req.tenant.as_deref(), &req.task_id).await?;
    let removed = instance.retry_for_request().run(|| instance.push.remove_config(&key, &req.id)).await;
    removed.map_err(|error| instance.error(error))?;
    webhook::changed(instance, &key, None).await;
    Ok(())
}

/// Saves the config that came with a message, before its agent starts. It wants what comes after `version`.
/// Tells whether there was one.
pub(super) async fn save_with_send(
    instance: &Arc<Instance>,
    key: &TaskKey,
    identity: &Identity,
    configuration: Option<&SendMessageConfiguration>,
    version: Version,
) -> Result<bool, A2AError> {
    let Some(config) = sent_config(instance, identity, configuration) else { return Ok(false) };
    save(instance, key, config, version).await?;
    Ok(true)
}

/// Returns the config that came with a message to a parked task, if there is room for it. It is saved once the task is
/// claimed: a message that is refused leaves nothing behind.
pub(super) async fn follow_up_config(
    instance: &Arc<Instance>,
    key: &TaskKey,
    identity: &Identity,
    configuration: Option<&SendMessageConfiguration>,
) -> Result<Option<TaskPushNotificationConfig>, A2AError> {
    let Some(config) = sent_config(instance, identity, configuration) else { return Ok(None) };
    check_room(instance, key, config.id.as_deref().unwrap_or_default()).await?;
    Ok(Some(config))
}

/// Saves the config of a message whose turn is claimed, before its agent starts.
pub(crate) async fn save_follow_up_config(
    instance: &Arc<Instance>,
    key: &TaskKey,
    version: Version,
    config: TaskPushNotificationConfig,
) {
    match save(instance, key, config, version).await {
        Ok(_) => webhook::attend(instance, key),
        Err(error) => {
            tracing::error!(task = %key, code = error.code, "a config that came with a message could not be saved");
        }
    }
}

/// Saves the config that came with a message that was sent again, unless it was saved before.
pub(super) async fn save_with_repeat(
    instance: &Arc<Instance>,
    key: &TaskKey,
    identity: &Identity,
    configuration: Option<&SendMessageConfiguration>,
    version: Version,
) -> Result<(), A2AError> {
    let Some(config) = sent_config(instance, identity, configuration) else { return Ok(()) };
    let id = config.id.clone().unwrap_or_default();
    let found = instance.retry_for_request().run(|| instance.push.get_config(key, &id)).await;
    let known = found.map_err(|error| instance.error(error))?;
    let is_same = |known: &TaskPushNotificationConfig| {
        (&known.url, &known.token, &known.authentication)
            == (&config.url, &config.token, &config.authentication)
    };
    if known.is_some_and(|known| is_same(&known.config)) {
        return Ok(());
    }
    let config = save(instance, key, config, version).await?;
    webhook::changed(instance, key, Some(&PushSubscription { config, acknowledged: version })).await;
    Ok(())
}

/// The config that came with a message, with an id: whoever sends the same message again means the same config.
fn sent_config(
    instance: &Instance,
    identity: &Identity,
    configuration: Option<&SendMessageConfiguration>,
) -> Option<TaskPushNotificationConfig> {
    let mut config = configuration?.task_push_notification_config.clone()?;
    if config.id.as_ref().is_none_or(String::is_empty) {
        config.id = Some(identity.id(Made::Config, &*instance.env));
    }
    Some(config)
}

/// Checks what a config says.
pub(super) fn check_config(instance: &Instance, config: &TaskPushNotificationConfig) -> Result<(), A2AError> {
    webhook::check_url(&config.url, instance.allow_local_webhooks)?;
    let limits = &instance.config.limits;
    check_id("the config's id", config.id.as_deref().unwrap_or_default(), limits)?;
    let authentication = config.authentication.as_ref();
    let fields = [
        Some(config.url.as_str()),
        config.token.as_deref(),
        authentication.map(|authentication| authentication.scheme.as_str()),
        authentication.and_then(|authentication| authentication.credentials.as_deref()),
    ];
    for field in fields.into_iter().flatten() {
        if field.len() > MAX_FIELD {
            return Err(A2AError::invalid_params(format!(
                "a field of the push notification config is over {MAX_FIELD} bytes"
            )));
        }
        // Anything else could not stand in an HTTP header, or would end it early.
        if field.chars().any(char::is_control) {
            return Err(A2AError::invalid_params(
                "a field of the push notification config holds control characters",
            ));
        }
    }
    Ok(())
}

async fn save(
    instance: &Arc<Instance>,
    key: &TaskKey,
    mut config: TaskPushNotificationConfig,
    acknowledged: Version,
) -> Result<TaskPushNotificationConfig, A2AError> {
    let id = config.id.take().filter(|id| !id.is_empty());
    let id = id.unwrap_or_else(|| instance.env.uuid().to_string());
    check_room(instance, key, &id).await?;
    config.id = Some(id);
    config.task_id.clone_from(&key.task_id);
    let tenant = key.tenant.as_str();
    config.tenant = (!tenant.is_empty()).then(|| tenant.to_owned());
    let subscription = PushSubscription { config, acknowledged };
    let saved = instance.retry_for_request().run(|| instance.push.save_config(key, &subscription)).await;
    saved.map_err(|error| instance.error(error))?;
    Ok(subscription.config)
}

/// Refuses one config too many.
async fn check_room(instance: &Arc<Instance>, key: &TaskKey, id: &str) -> Result<(), A2AError> {
    let listed = instance.retry_for_request().run(|| instance.push.list_configs(key)).await;
    let known = listed.map_err(|error| instance.error(error))?;
    let is_new = known.iter().all(|subscription| subscription.config.id.as_deref() != Some(id));
    let limit = instance.config.limits.push_configs;
    if is_new && known.len() >= limit {
        return Err(A2AError::invalid_params(format!(
            "a task takes at most {limit} push notification configs"
        )));
    }
    Ok(())
}

async fn own_key(
    instance: &Arc<Instance>,
    params: &ServiceParams,
    tenant: Option<&str>,
    task_id: &str,
) -> Result<TaskKey, A2AError> {
    check::push_notifications(&instance.card)?;
    let caller: Caller = check::caller(instance, params, tenant)?;
    check::own_task(instance, &caller, task_id).await?;
    Ok(caller.key(task_id))
}

fn read_token(token: &str) -> Result<String, A2AError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| A2AError::invalid_params("the page token does not belong to this query"))
}
