//! Removal for good: a deletion, and then its mark and its fence as well, where nobody can need them any more.
//!
//! They are there for writers that have not heard of the deletion: an agent that is at work, and whoever created the task a
//! moment ago and repeats that for want of an answer. A task that nobody has claimed, whose turn is over and that is not
//! so young has neither.

use a2a_core::{BackendError, Purged, Result, TaskKey};
use aws_sdk_dynamodb::types::AttributeValue;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::DynamoDbStore;
use crate::delete::AT_ONCE;
use crate::items::attributes::{Attributes, INCARNATION, Item, SK, text};
use crate::items::head;
use crate::items::keys;
use crate::requests::calls::Written;

/// For how long, in milliseconds, somebody may still repeat what created a task: far longer than any retry lasts.
const YOUNG: u64 = 10 * 60 * 1000;

/// The items of which lives of a task.
#[derive(Debug, Clone, Copy)]
enum Lives {
    /// Of this one and earlier ones.
    UpTo(u64),
    /// Of all: which one a head is of cannot be told.
    All,
}

impl DynamoDbStore {
    /// Removes a task for good, and whatever is left of one that cannot be read or is not there.
    pub(crate) async fn purge(&self, key: &TaskKey) -> Result<Purged> {
        let pk = keys::partition(key)?;
        let Some(head) = self.calls.get(&pk, keys::HEAD).await? else {
            // What is young may belong to a task that is being created.
            let erased = self.erase(key, &pk, Lives::UpTo(self.before_the_young())).await?;
            return Ok(if erased > 0 { Purged::Gone } else { Purged::Absent });
        };
        if head.contains_key(head::DELETED) {
            // Somebody may have died over it.
            let removed = self.remove(key).await?;
            return Ok(if removed.items > 0 { Purged::Marked } else { Purged::Absent });
        }
        let Ok(incarnation) = head.parse::<u64>(INCARNATION) else {
            self.erase(key, &pk, Lives::All).await?;
            return Ok(Purged::Gone);
        };
        match self.remove(key).await {
            Ok(removed) if incarnation > self.before_the_young() || removed.may_be_written => {
                Ok(Purged::Marked)
            }
            Ok(_) | Err(BackendError::Corrupt { .. }) => {
                self.erase(key, &pk, Lives::UpTo(incarnation)).await?;
                Ok(Purged::Gone)
            }
            Err(error) => Err(error),
        }
    }

    /// Removes all items of these lives, marks and fences included. Returns how many there were.
    async fn erase(&self, key: &TaskKey, pk: &str, lives: Lives) -> Result<usize> {
        let query = self
            .calls
            .query()
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(pk))
            .projection_expression("sk, g");
        let (mut from, mut erased) = (None, 0);
        loop {
            let (items, next) = self.calls.page(query.clone().set_exclusive_start_key(from)).await?;
            let mut removals = Vec::new();
            for item in items.iter().filter(|item| is_of(item, lives)) {
                let sk = item.text(SK)?;
                removals.push(self.remove_as_seen(pk, sk, item.get(INCARNATION)).boxed());
                if let Some(config_id) = keys::push_config_named(sk) {
                    removals.push(self.forget_given_up(key, config_id).boxed());
                }
                erased += 1;
            }
            stream::iter(removals).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
            if next.is_none() {
                return Ok(erased);
            }
            from = next;
        }
    }

    /// Removes an item unless one of another life has taken its place since it was seen.
    async fn remove_as_seen(&self, pk: &str, sk: &str, life: Option<&AttributeValue>) -> Result<()> {
        let delete = self.calls.delete(pk, sk);
        let delete = match life {
            Some(life) => delete
                .condition_expression("attribute_not_exists(g) OR g = :g")
                .expression_attribute_values(":g", life.clone()),
            None => delete.condition_expression("attribute_not_exists(g)"),
        };
        match self.calls.send_delete(delete).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }

    /// The last incarnation of a task that is not young any more: it is the millisecond of its creation.
    fn before_the_young(&self) -> u64 {
        let now = self.config.env.now().timestamp_millis();
        u64::try_from(now).unwrap_or_default().saturating_sub(YOUNG)
    }
}

/// Tells whether an item belongs to one of these lives. Watchers belong to none, and neither does what cannot be understood.
fn is_of(item: &Item, lives: Lives) -> bool {
    match (lives, item.find::<u64>(INCARNATION)) {
        (Lives::UpTo(last), Ok(Some(life))) => life <= last,
        _ => true,
    }
}
