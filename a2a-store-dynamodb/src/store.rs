//! The store's handle, and the task store's contract on it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use a2a_core::{
    Claim, Commit, CommitId, InstanceId, KeyPage, Outcome, Principal, Purged, Replay, Result, RetryBudget,
    StoredTask, TaskHead, TaskKey, TaskPage, TaskQuery, TaskStore, Tip, Version,
};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_types::SdkConfig;

use crate::DynamoDbConfig;
use crate::items::keys;
use crate::log_stats::KnownLogs;
use crate::requests::calls::Calls;
use crate::requests::client;
use crate::upkeep::Upkeep;

/// Tasks, members, push configs and what a deployment shares, on one DynamoDB table.
///
/// Any number of handles, in any number of processes, share a table. A handle is cheap to make and is meant to
/// be kept for the life of a process, behind an `Arc`.
///
/// ```no_run
/// # async fn open(aws: aws_types::SdkConfig) -> a2a_core::Result<()> {
/// use std::{sync::Arc, time::Duration};
/// use a2a_core::{Deployment, Store};
/// use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore};
///
/// let config = DynamoDbConfig::default().task_retention(Some(Duration::from_secs(7 * 24 * 3600)));
/// let store: Arc<dyn Store> = Arc::new(DynamoDbStore::new(&aws, "a2a-tasks").with_config(config));
/// store.format().await?.check()?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct DynamoDbStore {
    pub(crate) calls: Calls,
    pub(crate) config: DynamoDbConfig,
    pub(crate) known_logs: Arc<KnownLogs>,
    pub(crate) upkeep: Arc<Upkeep>,
}

impl DynamoDbStore {
    /// Opens a handle on a table that [`create_table`](crate::table::create_table) has made, or
    /// [`set_up`](crate::table::set_up) has made ready. Sends nothing.
    ///
    /// It makes a client of its own: an attempt may take 3 s, the second one follows within 50 ms, and none begins more
    /// than 4 s after the first. Region, credentials, endpoint and HTTP client are those of `aws`; what `aws` says of
    /// timeouts and retries does not apply. Whoever wants others calls [`with_client`](Self::with_client).
    pub fn new(aws: &SdkConfig, table: impl AsRef<str>) -> Self {
        DynamoDbStore::with_client(client::of(aws), table)
    }

    /// Opens a handle with a client of the caller's. Sends nothing.
    ///
    /// Give it timeouts: the SDK has none by default, and an attempt that never ends is a commit that never ends.
    /// Its retries are not used: the store repeats requests itself, within the budget that it is handed
    /// ([`TaskStore::use_budget`]).
    pub fn with_client(client: Client, table: impl AsRef<str>) -> Self {
        let config = DynamoDbConfig::default();
        let calls = Calls::new(client, table.as_ref(), &config);
        DynamoDbStore { calls, config, known_logs: Arc::default(), upkeep: Arc::default() }
    }

    /// Returns the client that the store was opened with.
    pub fn client(&self) -> &Client {
        self.calls.client()
    }

    /// Changes the settings.
    #[must_use]
    pub fn with_config(self, config: DynamoDbConfig) -> Self {
        DynamoDbStore { calls: self.calls.with_config(&config), config, ..self }
    }
}

#[async_trait]
impl TaskStore for DynamoDbStore {
    async fn load(&self, key: &TaskKey) -> Result<Option<StoredTask>> {
        self.load(key, None).await
    }

    async fn load_for(&self, key: &TaskKey, principal: Option<&Principal>) -> Result<Option<StoredTask>> {
        let pk = keys::partition(key)?;
        let head = self.read_head(&pk).await?;
        match head.filter(|head| head.facts.principal.as_ref() == principal) {
            // Another life of it may have begun meanwhile.
            Some(head) => Ok(self
                .load(key, Some(head))
                .await?
                .filter(|stored| stored.head.principal.as_ref() == principal)),
            None => Ok(None),
        }
    }

    async fn head(&self, key: &TaskKey) -> Result<Option<TaskHead>> {
        Ok(self.read_head(&keys::partition(key)?).await?.map(|head| head.facts))
    }

    async fn commit(&self, key: &TaskKey, commit: Commit<'_>) -> Result<Outcome> {
        Box::pin(self.commit(key, &commit)).await
    }

    async fn fence(&self, key: &TaskKey, id: CommitId) -> Result<Option<Tip>> {
        self.fence(key, id).await
    }

    fn commit_spacing(&self) -> Duration {
        self.config.commit_spacing
    }

    fn use_budget(&self, budget: &RetryBudget) {
        self.calls.use_budget(budget);
    }

    async fn commits_after(&self, key: &TaskKey, after: Version) -> Result<Replay> {
        self.commits_after(key, after).await
    }

    async fn watch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<Option<StoredTask>> {
        self.watch(key, watcher).await
    }

    async fn watchers(&self, key: &TaskKey) -> Result<BTreeSet<InstanceId>> {
        self.watchers(key).await
    }

    async fn unwatch(&self, key: &TaskKey, watcher: &InstanceId) -> Result<()> {
        self.unwatch(key, watcher).await
    }

    async fn release(&self, key: &TaskKey, claim: &Claim) -> Result<()> {
        self.release(key, claim).await
    }

    async fn list(&self, query: &TaskQuery) -> Result<TaskPage> {
        self.list(query).await
    }

    async fn delete(&self, key: &TaskKey) -> Result<bool> {
        self.delete(key).await
    }

    async fn list_keys(&self, query: &TaskQuery) -> Result<KeyPage> {
        self.list_keys(query).await
    }

    async fn purge(&self, key: &TaskKey) -> Result<Purged> {
        self.purge(key).await
    }
}
