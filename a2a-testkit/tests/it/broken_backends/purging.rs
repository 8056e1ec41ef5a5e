//! Stores that name too few or too many tasks, or leave something of what they purge.

use a2a_core::{KeyPage, Principal, Purged, Result, TaskKey, TaskQuery, TaskStore};
use a2a_testkit::async_trait;

use super::flaw::Flaw;
use super::verdict::rejections;
use crate::reference::Reference;

rejections! { store_rejected:
    names_of_one_page: OnePage => task_store::list_keys_names_every_task_of_the_list;
    names_of_others: NamesOfOthers => task_store::list_keys_names_every_task_of_the_list;
    names_of_all_contexts: AllContexts => task_store::list_keys_names_every_task_of_the_list;
    a_purge_that_is_only_told: OnlyTold => task_store::purge_removes_what_delete_removes;
    a_purge_that_always_finds_something: AlwaysGone => task_store::purge_removes_what_delete_removes;
}

struct OnePage;

#[async_trait]
impl Flaw for OnePage {
    async fn list_keys(&self, right: &Reference, query: &TaskQuery) -> Result<KeyPage> {
        Ok(KeyPage { next: None, ..right.list_keys(query).await? })
    }
}

struct NamesOfOthers;

#[async_trait]
impl Flaw for NamesOfOthers {
    async fn list_keys(&self, right: &Reference, query: &TaskQuery) -> Result<KeyPage> {
        let mut page = right.list_keys(query).await?;
        let others = TaskQuery {
            principal: query.principal.clone().xor(Some(Principal::new("ann"))),
            ..query.clone()
        };
        page.keys.extend(right.list_keys(&others).await?.keys);
        Ok(page)
    }
}

struct AllContexts;

#[async_trait]
impl Flaw for AllContexts {
    async fn list_keys(&self, right: &Reference, query: &TaskQuery) -> Result<KeyPage> {
        right.list_keys(&TaskQuery { context_id: None, ..query.clone() }).await
    }
}

struct OnlyTold;

#[async_trait]
impl Flaw for OnlyTold {
    async fn purge(&self, right: &Reference, key: &TaskKey) -> Result<Purged> {
        Ok(if right.head(key).await?.is_some() { Purged::Gone } else { Purged::Absent })
    }
}

struct AlwaysGone;

#[async_trait]
impl Flaw for AlwaysGone {
    async fn purge(&self, right: &Reference, key: &TaskKey) -> Result<Purged> {
        right.delete(key).await?;
        Ok(Purged::Gone)
    }
}
