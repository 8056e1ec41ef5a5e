//! Message claims: one small item each, put if nobody holds it.

use std::collections::HashMap;
use std::time::Duration;

use a2a_core::{BackendError, Principal, Result, Tenant};

use crate::DynamoDbStore;
use crate::attributes::{Attributes, EXPIRES, PK, SK, number, text};
use crate::calls::Written;
use crate::keys;

/// The task that holds the claim.
const TASK: &str = "t";

/// The epoch millisecond after which the claim counts for nothing.
const UNTIL: &str = "u";

impl DynamoDbStore {
    /// Claims a message for a task; returns the task that holds the claim.
    pub(crate) async fn claim(
        &self,
        tenant: &Tenant,
        principal: Option<&Principal>,
        message_id: &str,
        task_id: &str,
        window: Duration,
    ) -> Result<String> {
        keys::check("tenant", tenant.as_str())?;
        keys::check("task id", task_id)?;
        keys::check_principal(principal)?;
        let now = self.config.env.now().timestamp_millis();
        let until = now.saturating_add(i64::try_from(window.as_millis()).unwrap_or(i64::MAX));
        let claim = HashMap::from([
            (PK.to_owned(), text(keys::claim(tenant, principal, message_id))),
            (SK.to_owned(), text(keys::CLAIM)),
            (TASK.to_owned(), text(task_id)),
            (UNTIL.to_owned(), number(until)),
            (EXPIRES.to_owned(), number((until / 1000).saturating_add(1))),
        ]);
        let put = self
            .calls
            .put(claim)
            .condition_expression("attribute_not_exists(pk) OR u <= :now")
            .expression_attribute_values(":now", number(now));
        match self.calls.send_put(put).await? {
            Written::Done => Ok(task_id.to_owned()),
            Written::Unmet(Some(winner)) => winner.text(TASK).map(str::to_owned),
            Written::Unmet(None) => {
                Err(BackendError::corrupt("a message claim that the endpoint did not return"))
            }
        }
    }
}
