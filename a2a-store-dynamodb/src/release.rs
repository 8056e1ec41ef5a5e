//! The claim beside the log, ended by a single conditional update of the head.

use a2a_core::{Claim, Result, TaskKey, reduce};

use crate::DynamoDbStore;
use crate::items::attributes::{number, text};
use crate::items::head::Head;
use crate::items::keys;
use crate::items::shards;

impl DynamoDbStore {
    /// Ends a claim if it is the one in the head.
    pub(crate) async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        let pk = keys::partition(key)?;
        // The commit names the claim: a late release ends neither a later one of this instance nor one of another
        // life of the task.
        let update = self
            .calls
            .update(&pk, keys::HEAD)
            .update_expression("REMOVE ex, ea, eb")
            .condition_expression("eb = :by AND ex = :me AND ea = :attempt")
            .expression_attribute_values(":by", text(claim.by.to_string()))
            .expression_attribute_values(":me", text(shards::of_executor(&claim.instance, &key.task_id)))
            .expression_attribute_values(":attempt", number(claim.attempt));
        if let Some(head) = self.calls.send_update_and_read(update).await? {
            let head = Head::read(&head)?;
            if reduce::ends_turn(&head.facts.state) && head.covered() < head.version {
                self.await_snapshot(&pk, head.incarnation, head.version).await;
            }
        }
        Ok(())
    }
}
