//! Watchers and the executor beside the log: single conditional updates of the head.

use a2a_core::{InstanceId, Result, StoredTask, TaskKey};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use crate::DynamoDbStore;
use crate::attributes::{number, text};
use crate::calls::Written;
use crate::head::Head;
use crate::keys;

/// The condition under which there is a task.
const VISIBLE: &str =
    "attribute_exists(pk) AND attribute_not_exists(del) AND (attribute_not_exists(x) OR x > :now)";

impl DynamoDbStore {
    /// Registers a watcher in one update that returns the head, then reads what the head names.
    pub(crate) async fn register(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        let pk = keys::partition(key)?;
        let update = self
            .calls
            .update(&pk, keys::HEAD)
            .update_expression("ADD w :me")
            .condition_expression(VISIBLE)
            .expression_attribute_values(":me", set_of(watcher))
            .expression_attribute_values(":now", number(self.now()))
            .return_values(ReturnValue::AllNew);
        match self.calls.send_update(update).await? {
            Written::Done(head) => {
                let head = head.as_ref().map(Head::read).transpose()?;
                self.load_whole(key, head).await
            }
            Written::Unmet(_) => Ok(None),
        }
    }

    /// Removes a watcher.
    pub(crate) async fn unregister(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        let pk = keys::partition(key)?;
        let update = self
            .calls
            .update(&pk, keys::HEAD)
            .update_expression("DELETE w :me")
            .condition_expression("contains(w, :name)")
            .expression_attribute_values(":me", set_of(watcher))
            .expression_attribute_values(":name", text(watcher.to_string()));
        match self.calls.send_update(update).await? {
            Written::Done(_) | Written::Unmet(_) => Ok(()),
        }
    }

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
            Written::Done(_) | Written::Unmet(_) => Ok(()),
        }
    }
}

fn set_of(instance: &InstanceId) -> AttributeValue {
    AttributeValue::Ss(vec![instance.to_string()])
}
