//! Keeping push notification configs: so many for each task.

use a2a::{A2AError, TaskPushNotificationConfig};
use a2a_core::{ConfigRevision, PushProgress, PushSubscription, TaskKey, Version};

use crate::ground::Ground;

/// What a config wants to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wants {
    /// What comes after a version. The same config, if there is one, stays as it is: it came with a message again.
    Rest(Version),
    /// What comes after a version.
    After(Version),
    /// The task as it is, which has this version, and what comes after that.
    Task(Version),
}

/// Saves a config, under a fresh id where it has none.
pub(crate) async fn save(
    ground: &Ground,
    key: &TaskKey,
    mut config: TaskPushNotificationConfig,
    wants: Wants,
) -> Result<PushSubscription, A2AError> {
    let id = config.id.take().filter(|id| !id.is_empty());
    let id = id.unwrap_or_else(|| ground.env.uuid().to_string());
    let known = check_room(ground, key, &id).await?;
    config.id = Some(id);
    config.task_id.clone_from(&key.task_id);
    let tenant = key.tenant.as_str();
    config.tenant = (!tenant.is_empty()).then(|| tenant.to_owned());
    let revision = ConfigRevision::generate(&*ground.env);
    // Whoever says the same again does not mean to miss what waits: the task tells it.
    let subscription = match (wants, known.filter(|known| known.config == config)) {
        (Wants::Rest(_), Some(known)) => return Ok(known),
        (Wants::Rest(version) | Wants::After(version), None) => {
            PushSubscription::new(config, revision, version)
        }
        (Wants::After(version), Some(known)) => {
            let acknowledged = known.progress.acknowledged;
            let to_task = PushSubscription::to_task(config, revision, version);
            PushSubscription { progress: PushProgress { acknowledged, ..to_task.progress }, ..to_task }
        }
        (Wants::Task(version), _) => PushSubscription::to_task(config, revision, version),
    };
    let saved = ground.retry_for_request().run(|| ground.push.save_config(key, &subscription)).await;
    saved.map_err(|error| ground.error(error))?;
    Ok(subscription)
}

/// Refuses one config too many. Returns the one that has this id already.
pub(crate) async fn check_room(
    ground: &Ground,
    key: &TaskKey,
    id: &str,
) -> Result<Option<PushSubscription>, A2AError> {
    let listed = ground.retry_for_request().run(|| ground.push.list_configs(key)).await;
    let known = listed.map_err(|error| ground.error(error))?;
    let (count, same) = (known.len(), known.into_iter().find(|known| known.config.id.as_deref() == Some(id)));
    let limit = ground.config.limits.push_configs;
    if same.is_none() && count >= limit {
        return Err(A2AError::invalid_params(format!(
            "a task takes at most {limit} push notification configs"
        )));
    }
    Ok(same)
}
