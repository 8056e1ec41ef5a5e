//! Push notification configs (specification, sections 3.1.7 to 3.1.10).

use std::sync::Arc;

use a2a::{
    A2AError, DeleteTaskPushNotificationConfigRequest, GetTaskPushNotificationConfigRequest,
    ListTaskPushNotificationConfigsRequest, ListTaskPushNotificationConfigsResponse,
    SendMessageConfiguration, TaskPushNotificationConfig,
};
use a2a_core::{TaskKey, Version, reduce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::check;
use super::idempotency::{Identity, Made};
use crate::caller::TenantCaller;
use crate::instance::Instance;
use crate::limits::check_id;
use crate::webhook::{self, Wants};

const DEFAULT_PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 100;

pub(super) async fn create(
    instance: &Arc<Instance>,
    caller: TenantCaller,
    req: TaskPushNotificationConfig,
) -> Result<TaskPushNotificationConfig, A2AError> {
    let key = own_key(instance, &caller, &req.task_id).await?;
    check_config(instance, &req)?;
    let seen = instance.ground.retry_for_request().run(|| instance.ground.tasks.load(&key)).await;
    let wants = match seen.map_err(|error| instance.ground.error(error))? {
        // Nothing comes, or nothing for a while: it is told what there is.
        Some(stored) if reduce::ends_turn(&stored.task.status.state) => Wants::Task(stored.version),
        stored => Wants::After(stored.map_or(Version::ABSENT, |stored| stored.version)),
    };
    let created = webhook::save(&instance.ground, &key, req, wants).await?;
    webhook::changed(&instance.dispatchers, &key, Some(&created)).await;
    Ok(created.config)
}

pub(super) async fn get(
    instance: &Arc<Instance>,
    caller: TenantCaller,
    req: GetTaskPushNotificationConfigRequest,
) -> Result<TaskPushNotificationConfig, A2AError> {
    let key = own_key(instance, &caller, &req.task_id).await?;
    let found =
        instance.ground.retry_for_request().run(|| instance.ground.push.get_config(&key, &req.id)).await;
    // A config that is not there is a TaskNotFoundError (specification, section 3.1.8).
    let absent = || {
        let message = format!("push notification config not found: {}", req.id);
        A2AError { message, ..A2AError::task_not_found(&req.task_id) }
    };
    let found = found.map_err(|error| instance.ground.error(error))?.ok_or_else(absent)?;
    Ok(shown(instance, found.config))
}

pub(super) async fn list(
    instance: &Arc<Instance>,
    caller: TenantCaller,
    req: ListTaskPushNotificationConfigsRequest,
) -> Result<ListTaskPushNotificationConfigsResponse, A2AError> {
    let key = own_key(instance, &caller, &req.task_id).await?;
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
    let listed = instance.ground.retry_for_request().run(|| instance.ground.push.list_configs(&key)).await;
    let all = listed.map_err(|error| instance.ground.error(error))?;
    let is_later = |config: &TaskPushNotificationConfig| after.is_none() || config.id > after;
    let mut rest = all.into_iter().map(|subscription| shown(instance, subscription.config)).filter(is_later);
    let configs: Vec<_> = rest.by_ref().take(limit).collect();
    let last = rest.next().and_then(|_| configs.last()).and_then(|config| config.id.as_ref());
    let next_page_token = last.map(|id| URL_SAFE_NO_PAD.encode(id));
    Ok(ListTaskPushNotificationConfigsResponse { configs, next_page_token })
}

pub(super) async fn delete(
    instance: &Arc<Instance>,
    caller: TenantCaller,
    req: DeleteTaskPushNotificationConfigRequest,
) -> Result<(), A2AError> {
    let key = own_key(instance, &caller, &req.task_id).await?;
    let removed =
        instance.ground.retry_for_request().run(|| instance.ground.push.remove_config(&key, &req.id)).await;
    removed.map_err(|error| instance.ground.error(error))?;
    webhook::changed(&instance.dispatchers, &key, None).await;
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
    webhook::save(&instance.ground, key, config, Wants::Rest(version)).await?;
    Ok(true)
}

/// Returns the config that came with a message to a parked task, if there is room for it. It is saved once the task is
/// claimed: a message that is refused leaves nothing behind.
pub(super) async fn config_with_room(
    instance: &Arc<Instance>,
    key: &TaskKey,
    identity: &Identity,
    configuration: Option<&SendMessageConfiguration>,
) -> Result<Option<TaskPushNotificationConfig>, A2AError> {
    let Some(config) = sent_config(instance, identity, configuration) else { return Ok(None) };
    webhook::check_room(&instance.ground, key, config.id.as_deref().unwrap_or_default()).await?;
    Ok(Some(config))
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
    let found = instance.ground.retry_for_request().run(|| instance.ground.push.get_config(key, &id)).await;
    let known = found.map_err(|error| instance.ground.error(error))?;
    let is_same = |known: &TaskPushNotificationConfig| {
        (&known.url, &known.token, &known.authentication)
            == (&config.url, &config.token, &config.authentication)
    };
    if known.is_some_and(|known| is_same(&known.config)) {
        return Ok(());
    }
    let saved = webhook::save(&instance.ground, key, config, Wants::Rest(version)).await?;
    webhook::changed(&instance.dispatchers, key, Some(&saved)).await;
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
        config.id = Some(identity.id(Made::Config, &*instance.ground.env));
    }
    Some(config)
}

/// Checks what a config says.
pub(super) fn check_config(instance: &Instance, config: &TaskPushNotificationConfig) -> Result<(), A2AError> {
    if let Some(transport) = &instance.service.webhooks {
        transport.check_url(&config.url)?;
    }
    check_id("the config's id", config.id.as_deref().unwrap_or_default(), &instance.ground.config.limits)?;
    webhook::check(config)
}

/// A config as those see it who may read it.
fn shown(instance: &Instance, config: TaskPushNotificationConfig) -> TaskPushNotificationConfig {
    if instance.ground.config.webhooks.show_secrets { config } else { webhook::veiled(config) }
}

async fn own_key(
    instance: &Arc<Instance>,
    caller: &TenantCaller,
    task_id: &str,
) -> Result<TaskKey, A2AError> {
    check::push_notifications(&instance.service.card)?;
    check::own_task(instance, caller, task_id).await?;
    Ok(caller.key(task_id))
}

fn read_token(token: &str) -> Result<String, A2AError> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| A2AError::invalid_params("the page token does not belong to this query"))
}
