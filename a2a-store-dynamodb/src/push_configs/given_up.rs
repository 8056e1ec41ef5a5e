//! Deliveries that were given up: a small item each in one partition, listed in the order of a digest of whose they
//! are.

use std::collections::HashMap;

use a2a_core::{BackendError, GivenUpCursor, GivenUpDelivery, Result, TaskKey, Tenant, Version};
use chrono::{DateTime, SecondsFormat, Utc};

use crate::DynamoDbStore;
use crate::items::attributes::{Attributes, EXPIRES, Item, PK, SK, is_expired, number, text};
use crate::items::keys;
use crate::items::unreadable::read_or_leave_out;
use crate::requests::calls::Written;

/// The task's tenant.
const TENANT: &str = "t";
/// The task's id.
const TASK: &str = "k";
/// The config's id.
const CONFIG: &str = "c";
/// The last version that was to be delivered.
const VERSION: &str = "v";
/// The webhook's host.
const HOST: &str = "h";
/// Why it was given up.
const REASON: &str = "r";
/// When it was given up.
const AT: &str = "at";

impl DynamoDbStore {
    /// Lists a delivery, in the place of an earlier one of the same config.
    pub(crate) async fn give_up(&self, delivery: &GivenUpDelivery) -> Result<()> {
        let mut item = item(delivery)?;
        if let Some(seconds) = self.task_seconds() {
            item.insert(EXPIRES.to_owned(), number(self.now().saturating_add(seconds)));
        }
        match self.calls.send_put(self.calls.put(item)).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }

    /// Reads those that follow a position, at most `limit`.
    pub(crate) async fn given_up(
        &self,
        after: Option<&GivenUpCursor>,
        limit: usize,
    ) -> Result<Vec<GivenUpDelivery>> {
        let mut found = Vec::new();
        let query = self.calls.query().consistent_read(true);
        let query = query.expression_attribute_values(":pk", text(keys::GIVEN_UP));
        let query = match after {
            Some((key, config_id)) => query
                .key_condition_expression("pk = :pk AND sk > :after")
                .expression_attribute_values(":after", text(keys::given_up(key, config_id)?)),
            None => query.key_condition_expression("pk = :pk"),
        };
        let (now, mut from) = (self.now(), None);
        while found.len() < limit {
            let missing = i32::try_from(limit - found.len()).unwrap_or(i32::MAX);
            let page = query.clone().limit(missing).set_exclusive_start_key(from);
            let (items, next) = self.calls.page(page).await?;
            for item in &items {
                if !is_expired(item.find(EXPIRES)?, now) {
                    found.extend(read_or_leave_out(item, read)?);
                }
            }
            if next.is_none() {
                break;
            }
            from = next;
        }
        Ok(found)
    }

    /// Takes a delivery off the list.
    pub(crate) async fn forget_given_up(&self, key: &TaskKey, config_id: &str) -> Result<()> {
        let delete = self.calls.delete(keys::GIVEN_UP, &keys::given_up(key, config_id)?);
        match self.calls.send_delete(delete).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }
}

fn item(delivery: &GivenUpDelivery) -> Result<Item> {
    let GivenUpDelivery { task, config_id, version, host, reason, at } = delivery;
    Ok(HashMap::from([
        (PK.to_owned(), text(keys::GIVEN_UP)),
        (SK.to_owned(), text(keys::given_up(task, config_id)?)),
        (TENANT.to_owned(), text(task.tenant.as_str())),
        (TASK.to_owned(), text(&task.task_id)),
        (CONFIG.to_owned(), text(config_id)),
        (VERSION.to_owned(), number(version)),
        (HOST.to_owned(), text(host)),
        (REASON.to_owned(), text(reason)),
        (AT.to_owned(), text(at.to_rfc3339_opts(SecondsFormat::Nanos, true))),
    ]))
}

fn read(item: &Item) -> Result<GivenUpDelivery> {
    let at = DateTime::parse_from_rfc3339(item.text(AT)?);
    let at = at.map_err(|_| BackendError::corrupt("when a delivery was given up"))?;
    Ok(GivenUpDelivery {
        task: TaskKey::new(Tenant::new(item.text(TENANT)?), item.text(TASK)?),
        config_id: item.text(CONFIG)?.to_owned(),
        version: Version::new(item.parse(VERSION)?),
        host: item.text(HOST)?.to_owned(),
        reason: item.text(REASON)?.to_owned(),
        at: at.with_timezone(&Utc),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_reads_back() {
        let delivery = GivenUpDelivery {
            task: TaskKey::new(Tenant::new(""), "t"),
            config_id: "c#1".into(),
            version: Version::new(7),
            host: "example.com".into(),
            reason: "410".into(),
            at: DateTime::from_timestamp(1_800_000_000, 123_456_789).unwrap(),
        };
        assert_eq!(read(&item(&delivery).unwrap()).unwrap(), delivery);
    }
}
