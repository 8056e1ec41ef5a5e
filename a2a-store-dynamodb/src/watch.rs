//! Watchers: an item each beside the task, so that who joins or leaves a task writes one unit, however many watch
//! it, and meets neither a commit nor anybody else.

use std::collections::{BTreeSet, HashMap};

use a2a_core::{InstanceId, Result, StoredTask, TaskKey};

use crate::DynamoDbStore;
use crate::items::attributes::{Attributes, EXPIRES, PK, SK, is_expired, number, text};
use crate::items::keys;
use crate::requests::calls::Written;

impl DynamoDbStore {
    /// Registers a watcher, then reads the task: who commits after that read finds the watcher.
    pub(crate) async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        let pk = keys::partition(key)?;
        let item = HashMap::from([
            (PK.to_owned(), text(&pk)),
            (SK.to_owned(), text(keys::watcher(watcher))),
            (EXPIRES.to_owned(), number(self.now() + self.commit_seconds())),
        ]);
        match self.calls.send_put(self.calls.put(item)).await? {
            Written::Done | Written::Unmet(_) => {}
        }
        let stored = self.load(key, None).await?;
        if stored.is_none()
            && let Err(error) = self.unwatch(key, watcher).await
        {
            // It counts for nothing while there is no task, and expires.
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "a watcher of a task that does not exist stays for now");
        }
        Ok(stored)
    }

    /// Removes a watcher.
    pub(crate) async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        let pk = keys::partition(key)?;
        match self.calls.send_delete(self.calls.delete(&pk, &keys::watcher(watcher))).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }

    /// Reads who watches a task.
    pub(crate) async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        let pk = keys::partition(key)?;
        let now = self.now();
        let mut watchers = BTreeSet::new();
        for item in self.calls.all(self.calls.range(&pk, keys::WATCHERS)).await? {
            if !is_expired(item.find(EXPIRES)?, now) {
                watchers.insert(keys::watcher_named(item.text(SK)?)?);
            }
        }
        // A task that has expired, or is being deleted, may still have some. Most have none, and need no look.
        if !watchers.is_empty() && self.read_head(&pk).await?.is_none() {
            watchers.clear();
        }
        Ok(watchers)
    }
}
