//! The executor beside the log, cleared by a single conditional update of the head.

use a2a_core::{InstanceId, Result, TaskKey};

use crate::DynamoDbStore;
use crate::attributes::text;
use crate::calls::Written;
use crate::keys;

impl DynamoDbStore {
    /// Clears the executor if it is this one.
    pub(crate) async fn clear_executor(&self, key: &TaskKey, executor: &InstanceId) -> Result<()> {
        let pk = keys::partition(key)?;
        let update = self
            .calls
            .update(&pk, keys::HEAD)
            .update_expression("REMOVE ex, ea")
            .condition_expression("ex = :me")
            .expression_attribute_values(":me", text(executor.to_string()));
        match self.calls.send_update(update).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }
}
