//! Our stores under the SDK's own handler, for those who want tasks to persist and nothing else.

use std::sync::Arc;

use a2a::{A2AError, ListTasksRequest, ListTasksResponse, StreamResponse, Task, TaskState};
use a2a_core::{
    Commit, CommitId, Env, Outcome, PageToken, StoredTask, SystemEnv, TaskKey, TaskQuery, TaskStore, Tenant,
    Tip, reduce,
};
use a2a_server::task_store::TaskVersion;
use async_trait::async_trait;

use crate::ground::to_client;

/// How often a write that met another one is tried again, on the task as it is then.
const ATTEMPTS: usize = 16;

/// Serves the SDK's `DefaultRequestHandler` from any [`TaskStore`].
///
/// That handler keeps streams and executions inside one process, so this gives no cluster: only tasks that
/// outlive it. All tasks share the default tenant and have no principal. A whole task that the handler writes
/// becomes the updates that lead to it, so that a log grows with what is new; status times are assigned here.
///
/// ```
/// use std::sync::Arc;
/// use a2a_cluster::SdkTaskStore;
/// use a2a_server::TaskStore as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), a2a::A2AError> {
/// let tasks = SdkTaskStore::new(Arc::new(a2a_store_memory::MemoryStore::new()));
/// assert!(tasks.get("nobody").await?.is_none());
/// // a2a_server::DefaultRequestHandler::new(agent, tasks)
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct SdkTaskStore {
    tasks: Arc<dyn TaskStore>,
    env: Arc<dyn Env>,
}

impl SdkTaskStore {
    /// Serves from a store.
    pub fn new(tasks: Arc<dyn TaskStore>) -> Self {
        SdkTaskStore { tasks, env: Arc::new(SystemEnv) }
    }

    fn key(id: &str) -> TaskKey {
        TaskKey::new(Tenant::default(), id)
    }

    async fn load(&self, id: &str) -> Result<StoredTask, A2AError> {
        let loaded = self.tasks.load(&Self::key(id)).await.map_err(to_client)?;
        loaded.ok_or_else(|| A2AError::task_not_found(id))
    }

    /// Writes what `change` makes of the task, again on the newer task where another write came first.
    async fn write(
        &self,
        id: &str,
        change: impl Fn(&Task) -> Result<Vec<StreamResponse>, A2AError>,
    ) -> Result<(TaskVersion, Task), A2AError> {
        for _ in 0..ATTEMPTS {
            let stored = self.load(id).await?;
            let events = change(&stored.task)?;
            if events.is_empty() {
                return Ok((stored.version.get(), stored.task));
            }
            let tip = stored.tip();
            let mut task = stored.task;
            events.iter().for_each(|event| reduce::apply(&mut task, event));
            let id = CommitId::generate(&*self.env);
            let commit = Commit::new(tip, id, events, &task);
            let key = Self::key(&task.id);
            match self.tasks.commit(&key, commit).await.map_err(to_client)? {
                Outcome::Applied(version) => return Ok((version.get(), task)),
                Outcome::Conflict { .. } => {}
            }
        }
        Err(A2AError::internal("too many writers of one task"))
    }
}

#[async_trait]
impl a2a_server::TaskStore for SdkTaskStore {
    async fn create(&self, mut task: Task) -> Result<TaskVersion, A2AError> {
        task.status.timestamp = Some(reduce::next_timestamp(&task, &*self.env));
        let id = CommitId::generate(&*self.env);
        let commit = Commit::new(Tip::ABSENT, id, vec![StreamResponse::Task(task.clone())], &task);
        match self.tasks.commit(&Self::key(&task.id), commit).await.map_err(to_client)? {
            Outcome::Applied(version) => Ok(version.get()),
            Outcome::Conflict { .. } => Err(A2AError::invalid_request("the task exists already")),
        }
    }

    async fn update(&self, task: Task) -> Result<TaskVersion, A2AError> {
        let change = |known: &Task| {
            if known.status.state.is_terminal() && known.status.state != task.status.state {
                return Err(A2AError::invalid_request("a task in a terminal state changes no more"));
            }
            let whole = StreamResponse::Task(task.clone());
            reduce::admit(known, whole, &*self.env).map_err(|_| A2AError::invalid_agent_response())
        };
        Ok(self.write(&task.id, change).await?.0)
    }

    async fn get(&self, task_id: &str) -> Result<Option<Task>, A2AError> {
        let loaded = self.tasks.load(&Self::key(task_id)).await.map_err(to_client)?;
        Ok(loaded.map(|stored| stored.task))
    }

    async fn list(&self, req: &ListTasksRequest) -> Result<ListTasksResponse, A2AError> {
        let limit = a2a_server::pagination::resolve_page_size(req.page_size);
        let mut query = TaskQuery::new(Tenant::default(), None, limit);
        query.context_id = req.context_id.clone();
        query.state = req.status.clone();
        query.updated_since = req.status_timestamp_after;
        query.artifacts = req.include_artifacts.unwrap_or(false);
        if let Some(token) = req.page_token.as_deref().filter(|token| !token.is_empty()) {
            let start = PageToken::parse(&query, token);
            let (after, counted) = start.map_err(|error| A2AError::invalid_params(error.to_string()))?;
            (query.after, query.counted) = (Some(after), Some(counted));
        }
        let page = self.tasks.list(&query).await.map_err(to_client)?;
        let next = page.next.map(|cursor| PageToken::new(&query, &cursor, page.total).into_string());
        Ok(ListTasksResponse {
            tasks: page.tasks,
            next_page_token: next.unwrap_or_default(),
            page_size: i32::try_from(limit).unwrap_or(i32::MAX),
            total_size: i32::try_from(page.total).unwrap_or(i32::MAX),
        })
    }

    async fn begin_cancel(&self, task_id: &str) -> Result<Task, A2AError> {
        let change = |known: &Task| {
            if known.status.state.is_terminal() {
                return Err(A2AError::task_not_cancelable(task_id));
            }
            Ok(vec![reduce::status(known, TaskState::Canceled, None, &*self.env)])
        };
        Ok(self.write(task_id, change).await?.1)
    }
}
