//! The store's handle, and the task store's contract on it.

use std::collections::BTreeSet;
use std::time::Duration;

use a2a_core::{
    Commit, InstanceId, Outcome, Principal, Replay, Result, StoredTask, TaskHead, TaskKey, TaskPage,
    TaskQuery, TaskStore, Tenant, Version,
};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;

use crate::Config;
use crate::calls::Calls;
use crate::keys;
use crate::tally::Tallies;

/// Tasks, members and push configs on one DynamoDB table.
///
/// Any number of handles, in any number of processes, share a table. A handle is cheap to make and is meant to
/// be kept for the life of a process, behind an `Arc`.
///
/// Give the client timeouts (the SDK has none by default): an attempt that never ends is a commit that never
/// ends.
///
/// ```no_run
/// # async fn open(client: aws_sdk_dynamodb::Client) {
/// use std::sync::Arc;
/// use a2a_core::Store;
/// use a2a_store_dynamodb::{Config, DynamoDbStore};
///
/// let store: Arc<dyn Store> = Arc::new(DynamoDbStore::new(client, Config::new("a2a-tasks")));
/// # }
/// ```
#[derive(Debug)]
pub struct DynamoDbStore {
    pub(crate) calls: Calls,
    pub(crate) config: Config,
    pub(crate) tallies: Tallies,
}

impl DynamoDbStore {
    /// Opens a handle on a table that [`create_table`](crate::table::create_table) has made. Sends nothing.
    pub fn new(client: Client, config: Config) -> Self {
        DynamoDbStore { calls: Calls::new(client, &config), config, tallies: Tallies::default() }
    }
}

#[async_trait]
impl TaskStore for DynamoDbStore {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.load_whole(key, None).await
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        Ok(self.read_head(&keys::partition(key)?).await?.map(|head| head.facts))
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        Box::pin(self.append(key, &commit)).await
    }

    fn commit_spacing(&self) -> Duration {
        self.config.commit_spacing
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.replay(key, after).await
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        self.register(key, watcher).await
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.read_watchers(key).await
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.unregister(key, watcher).await
    }

    async fn release(&self, key: &TaskKey, executor: &InstanceId) -> Result<()> {
        self.clear_executor(key, executor).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.read_page(query).await
    }

    async fn claim_message(
        &self,
        tenant: &Tenant,
        principal: Option<&Principal>,
        message_id: &str,
        task_id: &str,
        window: Duration,
    ) -> Result<String> {
        self.claim(tenant, principal, message_id, task_id, window).await
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.erase(key).await
    }
}
