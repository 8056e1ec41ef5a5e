//! Stores that break the rules of lists.

use a2a_core::{Cursor, Principal, Result, TaskPage, TaskQuery, TaskStore, Tenant, weight};
use a2a_testkit::async_trait;
use chrono::{DateTime, TimeDelta};

use super::flaw::Flaw;
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    oldest_first: OldestFirst => task_store::list_returns_newest_status_first;
    ties_in_the_wrong_order: TiesAscending => task_store::list_returns_newest_status_first;
    the_greatest_id_first: ById => task_store::list_returns_newest_status_first;
    offsets_instead_of_positions: Offsets => task_store::list_pages_cover_every_unchanged_task_once;
    positions_without_the_id: TimeOnly => task_store::list_pages_cover_every_unchanged_task_once;
    pages_without_a_limit: NoLimit => task_store::list_pages_cover_every_unchanged_task_once;
    pages_without_a_bound_in_bytes: NoByteLimit => task_store::list_ends_a_page_that_is_full_of_bytes;
    pages_that_a_large_task_leaves_empty: TooLargeToShow => task_store::list_ends_a_page_that_is_full_of_bytes;
    pages_full_of_what_they_do_not_show: WeighsWhole => task_store::list_ends_a_page_that_is_full_of_bytes;
    pages_that_go_beyond_their_bytes: OneMore => task_store::list_ends_a_page_that_is_full_of_bytes;
    a_full_page_that_is_said_to_be_the_last: FullIsLast => task_store::list_ends_a_page_that_is_full_of_bytes;
    other_tenants_tasks: AllTenants => task_store::list_never_crosses_tenants_or_principals;
    other_principals_tasks: AllPrincipals => task_store::list_never_crosses_tenants_or_principals;
    nobodys_list_has_everybodys_tasks: NobodyIsEverybody => task_store::list_never_crosses_tenants_or_principals;
    the_empty_name_is_nobody: EmptyIsNobody => task_store::list_never_crosses_tenants_or_principals;
    another_principal_through_the_context: ContextForgetsPrincipal =>
        task_store::list_never_crosses_tenants_or_principals;
    a_time_filter_without_its_bound: AfterInsteadOfSince => task_store::list_filters_by_context_state_and_time;
    a_time_filter_cut_to_milliseconds: CutTime => task_store::list_filters_by_context_state_and_time;
    a_context_filter_by_prefix: PrefixContext => task_store::list_filters_by_context_state_and_time;
    one_filter_instead_of_all: StateBeatsTime => task_store::list_filters_by_context_state_and_time;
    the_total_of_a_page: PageTotal => task_store::list_counts_all_matches;
    the_total_of_what_remains: RemainingTotal => task_store::list_counts_all_matches;
    the_total_without_filters: UnfilteredTotal => task_store::list_counts_all_matches;
    the_total_counted_anew: CountsAnew => task_store::list_counts_all_matches;
    artifacts_always: ArtifactsAlways => task_store::list_omits_artifacts_unless_asked;
    empty_artifacts_when_not_asked: EmptyArtifacts => task_store::list_omits_artifacts_unless_asked;
    artifacts_absent_when_asked: AbsentArtifacts => task_store::list_omits_artifacts_unless_asked;
    the_whole_history: WholeHistory => task_store::list_applies_the_history_length;
    the_first_messages_of_the_history: FirstMessages => task_store::list_applies_the_history_length;
    an_empty_history_at_zero: EmptyHistory => task_store::list_applies_the_history_length;
}

/// Everything that the query selects but for its position and limit, whole.
async fn all(right: &Reference, query: &TaskQuery) -> Vec<a2a::Task> {
    let query = TaskQuery {
        after: None,
        limit: usize::MAX,
        bytes: usize::MAX,
        artifacts: true,
        history: None,
        ..query.clone()
    };
    right.list(&query).await.unwrap().tasks
}

macro_rules! broken_lists {
    ($($flaw:ident($right:ident, $query:ident) $body:block)*) => {
        $(
            struct $flaw;

            #[async_trait]
            impl Flaw for $flaw {
                async fn list(&self, $right: &Reference, $query: &TaskQuery) -> Result<TaskPage> $body
            }
        )*
    };
}

broken_lists! {
    OldestFirst(right, query) {
        let mut page = right.list(query).await?;
        page.tasks.reverse();
        Ok(page)
    }
    TiesAscending(right, query) {
        let mut page = right.list(query).await?;
        page.tasks.sort_by(|a, b| (b.status.timestamp, &a.id).cmp(&(a.status.timestamp, &b.id)));
        Ok(page)
    }
    ById(right, query) {
        let mut page = right.list(query).await?;
        page.tasks.sort_by(|a, b| b.id.cmp(&a.id));
        Ok(page)
    }
    Offsets(right, query) {
        let all = all(right, query).await;
        let offset = query.after.as_ref().map_or(0, |at| at.timestamp.timestamp_millis()) as usize;
        let tasks: Vec<_> = all.iter().skip(offset).take(query.limit).cloned().collect();
        let end = offset + tasks.len();
        let timestamp = DateTime::from_timestamp_millis(end as i64).unwrap();
        let next = (end < all.len()).then(|| Cursor { timestamp, task_id: String::new() });
        Ok(TaskPage { tasks, next, total: all.len() as u64 })
    }
    TimeOnly(right, query) {
        let mut query = query.clone();
        if let Some(at) = &mut query.after {
            at.task_id = String::new();
        }
        right.list(&query).await
    }
    CountsAnew(right, query) {
        right.list(&TaskQuery { counted: None, ..query.clone() }).await
    }
    NoLimit(right, query) {
        right.list(&TaskQuery { limit: usize::MAX, ..query.clone() }).await
    }
    NoByteLimit(right, query) {
        right.list(&TaskQuery { bytes: usize::MAX, ..query.clone() }).await
    }
    TooLargeToShow(right, query) {
        let mut page = right.list(query).await?;
        page.tasks.retain(|task| weight::of_task(task) <= query.bytes);
        Ok(page)
    }
    WeighsWhole(right, query) {
        let whole = right.list(&TaskQuery { artifacts: true, history: None, ..query.clone() }).await?;
        right.list(&TaskQuery { limit: whole.tasks.len().max(1), bytes: usize::MAX, ..query.clone() }).await
    }
    OneMore(right, query) {
        let limit = right.list(query).await?.tasks.len() + 1;
        right.list(&TaskQuery { limit: limit.min(query.limit), bytes: usize::MAX, ..query.clone() }).await
    }
    FullIsLast(right, query) {
        let page = right.list(query).await?;
        let next = page.next.filter(|_| page.tasks.len() == query.limit);
        Ok(TaskPage { next, ..page })
    }
    AllTenants(right, query) {
        let mut page = right.list(query).await?;
        for tenant in ["", "a", "A", "ann"] {
            if tenant != query.tenant.as_str() {
                page.tasks.extend(all(right, &TaskQuery { tenant: Tenant::new(tenant), ..query.clone() }).await);
            }
        }
        Ok(page)
    }
    AllPrincipals(right, query) {
        let mut page = right.list(query).await?;
        for principal in [None, Some(Principal::new("ann"))] {
            if principal != query.principal {
                page.tasks.extend(all(right, &TaskQuery { principal, ..query.clone() }).await);
            }
        }
        Ok(page)
    }
    NobodyIsEverybody(right, query) {
        let mut page = right.list(query).await?;
        if query.principal.is_none() {
            let principal = Some(Principal::new("ann"));
            page.tasks.extend(all(right, &TaskQuery { principal, ..query.clone() }).await);
        }
        Ok(page)
    }
    EmptyIsNobody(right, query) {
        let principal = query.principal.clone().filter(|principal| !principal.as_str().is_empty());
        right.list(&TaskQuery { principal, ..query.clone() }).await
    }
    ContextForgetsPrincipal(right, query) {
        let mut page = right.list(query).await?;
        if query.context_id.is_some() && query.principal.is_some() {
            page.tasks.extend(all(right, &TaskQuery { principal: None, ..query.clone() }).await);
        }
        Ok(page)
    }
    AfterInsteadOfSince(right, query) {
        let updated_since = query.updated_since.map(|since| since + TimeDelta::microseconds(1));
        right.list(&TaskQuery { updated_since, ..query.clone() }).await
    }
    CutTime(right, query) {
        let cut = |since: DateTime<chrono::Utc>| DateTime::from_timestamp_millis(since.timestamp_millis()).unwrap();
        right.list(&TaskQuery { updated_since: query.updated_since.map(cut), ..query.clone() }).await
    }
    PrefixContext(right, query) {
        let Some(context) = query.context_id.clone() else { return right.list(query).await };
        let mut tasks = all(right, &TaskQuery { context_id: None, ..query.clone() }).await;
        tasks.retain(|task| task.context_id.starts_with(&context));
        let total = tasks.len() as u64;
        tasks.retain(|task| query.after.as_ref().is_none_or(|at| at.precedes(task)));
        tasks.truncate(query.limit);
        Ok(TaskPage { next: tasks.last().map(Cursor::of), tasks, total })
    }
    StateBeatsTime(right, query) {
        let updated_since = query.updated_since.filter(|_| query.state.is_none());
        right.list(&TaskQuery { updated_since, ..query.clone() }).await
    }
    PageTotal(right, query) {
        let page = right.list(query).await?;
        Ok(TaskPage { total: page.tasks.len() as u64, ..page })
    }
    RemainingTotal(right, query) {
        let total = all(right, query).await.iter().filter(|t| query.after.as_ref().is_none_or(|at| at.precedes(t))).count();
        Ok(TaskPage { total: total as u64, ..right.list(query).await? })
    }
    UnfilteredTotal(right, query) {
        let total = all(right, &TaskQuery { state: None, ..query.clone() }).await.len() as u64;
        Ok(TaskPage { total, ..right.list(query).await? })
    }
    ArtifactsAlways(right, query) {
        right.list(&TaskQuery { artifacts: true, ..query.clone() }).await
    }
    EmptyArtifacts(right, query) {
        let mut page = right.list(query).await?;
        page.tasks.iter_mut().for_each(|task| _ = task.artifacts.get_or_insert_default());
        Ok(page)
    }
    AbsentArtifacts(right, query) {
        let mut page = right.list(query).await?;
        page.tasks.iter_mut().for_each(|task| _ = task.artifacts.take_if(|artifacts| artifacts.is_empty()));
        Ok(page)
    }
    WholeHistory(right, query) {
        right.list(&TaskQuery { history: None, ..query.clone() }).await
    }
    FirstMessages(right, query) {
        let mut page = right.list(&TaskQuery { history: query.history.filter(|n| *n == 0), ..query.clone() }).await?;
        for history in page.tasks.iter_mut().filter_map(|task| task.history.as_mut()) {
            history.truncate(query.history.unwrap_or(usize::MAX));
        }
        Ok(page)
    }
    EmptyHistory(right, query) {
        let mut page = right.list(query).await?;
        page.tasks.iter_mut().for_each(|task| _ = task.history.get_or_insert_default());
        Ok(page)
    }
}
