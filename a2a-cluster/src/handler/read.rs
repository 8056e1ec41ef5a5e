//! Reading tasks: one by id, or a page of them (specification, sections 3.1.3 and 3.1.4).

use std::sync::Arc;

use a2a::{A2AError, GetTaskRequest, ListTasksRequest, ListTasksResponse, Task, TaskState};
use a2a_core::{PageToken, TaskQuery, history};

use super::check;
use crate::caller::TenantCaller;
use crate::instance::Instance;
use crate::limits::check_id;
use crate::members;

const DEFAULT_PAGE_SIZE: usize = 50;
const MAX_PAGE_SIZE: usize = 100;

/// Returns a task of the caller's.
pub(super) async fn get(
    instance: &Arc<Instance>,
    caller: TenantCaller,
    req: GetTaskRequest,
) -> Result<Task, A2AError> {
    history_length(req.history_length)?;
    check::task_id(instance, &req.id)?;
    let (key, tasks) = (caller.key(&req.id), &instance.ground.tasks);
    // A foreign task takes no longer to be absent than one that is: its content is not read.
    let loaded =
        instance.ground.retry_for_request().run(|| tasks.load_for(&key, caller.principal.as_ref())).await;
    let stored = loaded.map_err(|error| instance.ground.error(error))?;
    let stored = stored.ok_or_else(|| A2AError::task_not_found(&req.id))?;
    members::suspect_if_old(&instance.members, &key, &stored);
    let mut task = stored.task;
    trim(&mut task, req.history_length)?;
    Ok(task)
}

/// Returns a page of the caller's tasks, newest status first.
pub(super) async fn list(
    instance: &Arc<Instance>,
    caller: TenantCaller,
    req: ListTasksRequest,
) -> Result<ListTasksResponse, A2AError> {
    let limit = page_size(req.page_size)?;
    let context_id = req.context_id.filter(|context| !context.is_empty());
    check_id("contextId", context_id.as_deref().unwrap_or_default(), &instance.ground.config.limits)?;
    let mut query = TaskQuery::new(caller.tenant, caller.principal, limit);
    query.context_id = context_id;
    query.state = req.status.filter(|state| *state != TaskState::Unspecified);
    query.updated_since = req.status_timestamp_after;
    query.history = history_length(req.history_length)?;
    query.artifacts = req.include_artifacts.unwrap_or(false);
    if let Some(token) = req.page_token.filter(|token| !token.is_empty()) {
        let start = PageToken::parse(&query, &token);
        let (after, counted) = start.map_err(|error| A2AError::invalid_params(error.to_string()))?;
        (query.after, query.counted) = (Some(after), Some(counted));
    }
    let listed = instance.ground.retry_for_request().run(|| instance.ground.tasks.list(&query)).await;
    let page = listed.map_err(|error| instance.ground.error(error))?;
    let next_page_token =
        page.next.map(|cursor| PageToken::new(&query, &cursor, page.total).into_string()).unwrap_or_default();
    Ok(ListTasksResponse {
        page_size: i32::try_from(limit).unwrap_or(i32::MAX),
        tasks: page.tasks,
        next_page_token,
        total_size: i32::try_from(page.total).unwrap_or(i32::MAX),
    })
}

/// Reads a history length; it must not be negative (specification, section 3.2.4).
pub(super) fn history_length(length: Option<i32>) -> Result<Option<usize>, A2AError> {
    length
        .map(|length| {
            usize::try_from(length)
                .map_err(|_| A2AError::invalid_params("historyLength must not be negative"))
        })
        .transpose()
}

/// Cuts a task's history to what the client asked for.
pub(super) fn trim(task: &mut Task, length: Option<i32>) -> Result<(), A2AError> {
    history::trim(task, history_length(length)?);
    Ok(())
}

fn page_size(size: Option<i32>) -> Result<usize, A2AError> {
    match size.map(usize::try_from) {
        None => Ok(DEFAULT_PAGE_SIZE),
        Some(Ok(size)) if (1..=MAX_PAGE_SIZE).contains(&size) => Ok(size),
        Some(_) => Err(A2AError::invalid_params(format!("pageSize must be between 1 and {MAX_PAGE_SIZE}"))),
    }
}
