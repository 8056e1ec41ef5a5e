//! What a webhook lacks of a task that was loaded.

use a2a_core::{PushSubscription, StoredTask, reduce};

/// Tells whether a webhook has to be sent something: what it lacks, or what its task's turn is going to bring.
pub fn lacks_events(stored: &StoredTask, webhook: &PushSubscription) -> bool {
    !reduce::ends_turn(&stored.task.status.state) || webhook.progress.acknowledged < stored.version
}
