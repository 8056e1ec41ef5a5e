//! A task's configs changed: whoever delivers its events has to know.
//!
//! That is its executor, which may be another instance. It is told by the bus, and the bus may lose that. So
//! the instance where a config was created looks after it until somebody delivers to it: it repeats the hint,
//! and once nobody runs the task any more, it delivers what is pending itself.

use std::sync::Arc;

use a2a_core::{InstanceId, News, PushSubscription, Result, TaskKey};
use tokio::time::sleep;

use super::registry::{Dispatchers, attend};
use crate::ground::Chain;

/// Acts on a config that was created here, or deleted: then there is no subscription.
pub(crate) async fn changed(
    dispatchers: &Arc<Dispatchers>,
    key: &TaskKey,
    created: Option<&PushSubscription>,
) {
    if dispatchers.actors.has_task(key) || dispatchers.attends_to(key) {
        attend(dispatchers, key);
        return;
    }
    let whose = match dispatchers.ground.retry_for_request().run(|| executor_of(dispatchers, key)).await {
        Ok(Executor::NoTask) => return,
        Ok(whose) => whose,
        Err(error) => {
            tracing::debug!(task = %key, error = %Chain(&error), "whom to tell of a webhook is not known yet");
            Executor::Unknown
        }
    };
    if let Executor::Other(executor) = whose {
        dispatchers.ground.tell(executor, key, News::Configs);
    }
    if let Some(created) = created {
        if let Executor::Nobody = whose {
            attend(dispatchers, key);
        } else {
            dispatchers.ground.tracker.spawn(look_after(
                Arc::clone(dispatchers),
                key.clone(),
                created.clone(),
            ));
        }
    }
}

/// Who runs a task, seen from here.
enum Executor {
    Other(InstanceId),
    Nobody,
    NoTask,
    Unknown,
}

async fn executor_of(dispatchers: &Dispatchers, key: &TaskKey) -> Result<Executor> {
    Ok(match dispatchers.ground.tasks.head(key).await? {
        None => Executor::NoTask,
        Some(head) => match head.claim {
            Some(claim) if claim.instance != dispatchers.ground.id => Executor::Other(claim.instance),
            _ => Executor::Nobody,
        },
    })
}

/// Looks after a new config until somebody delivers to it.
async fn look_after(dispatchers: Arc<Dispatchers>, key: TaskKey, created: PushSubscription) {
    let closing = dispatchers.ground.stop.closing.clone();
    closing
        .run_until_cancelled(async {
            let mut pause = dispatchers.ground.config.silence_min;
            loop {
                sleep(pause).await;
                // As with a silent stream, but for longer: most configs live as long as their task.
                pause = (pause * 2).min(dispatchers.ground.config.lease * 2);
                match is_served(&dispatchers, &key, &created).await {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(error) => {
                        tracing::debug!(task = %key, error = %Chain(&error), "a new webhook is not seen after");
                    }
                }
            }
        })
        .await;
}

async fn is_served(
    dispatchers: &Arc<Dispatchers>,
    key: &TaskKey,
    created: &PushSubscription,
) -> Result<bool> {
    let id = created.config.id.as_deref().unwrap_or_default();
    match dispatchers.ground.push.get_config(key, id).await? {
        Some(now) if now.progress == created.progress && now.revision == created.revision => {}
        // It is known to whoever delivers, or was deleted or replaced.
        _ => return Ok(true),
    }
    Ok(match executor_of(dispatchers, key).await? {
        Executor::Other(executor) => {
            dispatchers.ground.tell(executor, key, News::Configs);
            false
        }
        Executor::Nobody => {
            attend(dispatchers, key);
            true
        }
        Executor::NoTask | Executor::Unknown => true,
    })
}
