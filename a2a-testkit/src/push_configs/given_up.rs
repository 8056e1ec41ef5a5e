//! The list of deliveries that were given up, which an operator reads.

use std::collections::BTreeSet;

use a2a_core::{GivenUpCursor, GivenUpDelivery, PushConfigs, TaskKey, Tenant, Version};
use chrono::TimeDelta;

use super::{created, save, subscription};
use crate::StoreFixture;
use crate::expect::{eventually, persist};
use crate::sample::{at, awkward_text, hostile_keys};

const MANY: usize = 60;

fn delivery(key: &TaskKey, config_id: &str, version: u64) -> GivenUpDelivery {
    GivenUpDelivery {
        task: key.clone(),
        config_id: config_id.into(),
        version: Version::new(version),
        host: "hooks.example.com".into(),
        reason: format!("status 410 at version {version}"),
        at: at(version as i64),
    }
}

async fn give_up(store: &dyn PushConfigs, delivery: &GivenUpDelivery) {
    persist(|| store.give_up(delivery)).await;
}

/// Reads all pages of this size, in the store's order, as a set of what can be told apart.
async fn all(store: &dyn PushConfigs, limit: usize) -> Vec<GivenUpDelivery> {
    let (mut listed, mut after) = (Vec::new(), None::<GivenUpCursor>);
    loop {
        let page = persist(|| store.given_up(after.as_ref(), limit)).await;
        assert!(page.len() <= limit, "{} deliveries on a page of {limit}", page.len());
        match page.last() {
            Some(last) => after = Some((last.task.clone(), last.config_id.clone())),
            None => break,
        }
        listed.extend(page);
        assert!(listed.len() < 10_000, "the pages do not end");
    }
    listed.sort_by(|a, b| (&a.task, &a.config_id).cmp(&(&b.task, &b.config_id)));
    listed
}

/// What was given up is listed with everything that was said of it, on whichever handle, until it is forgotten. A
/// later delivery of the same config takes its place; one of another config or task does not.
pub async fn a_delivery_that_was_given_up_is_listed(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let lists = async |mut expected: Vec<GivenUpDelivery>| {
        expected.sort_by(|a, b| (&a.task, &a.config_id).cmp(&(&b.task, &b.config_id)));
        eventually(fixture.patience(), expected, async || all(&*other, 100).await).await;
    };
    lists(Vec::new()).await;

    let key = created(&*store, "tenant", "t").await;
    let first = GivenUpDelivery {
        config_id: awkward_text(),
        host: "[::1]:8443".into(),
        reason: awkward_text(),
        at: at(1) + TimeDelta::microseconds(7),
        ..delivery(&key, "", u64::from(u32::MAX))
    };
    for handle in [&store, &other] {
        give_up(&**handle, &first).await;
        lists(vec![first.clone()]).await;
    }
    let mut expected = vec![first, delivery(&key, "hook", 1)];
    for near in ["t1", "t#", ""] {
        expected.push(delivery(&created(&*store, "tenant", near).await, "hook", 2));
    }
    expected.push(delivery(&created(&*store, "", "t").await, "hook", 3));
    for delivery in &expected[1..] {
        give_up(&*store, delivery).await;
    }
    lists(expected.clone()).await;

    expected[1] = GivenUpDelivery { reason: String::new(), ..delivery(&key, "hook", 9) };
    give_up(&*other, &expected[1]).await;
    lists(expected.clone()).await;
    let gone = expected.remove(1);
    persist(|| store.forget_given_up(&gone.task, &gone.config_id)).await;
    lists(expected).await;
}

/// Page by page, of any size, every delivery comes once, whatever task, tenant or config it is of, and while others
/// come and go between the pages.
pub async fn given_up_pages_cover_every_delivery(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut expected = Vec::new();
    let keys: BTreeSet<TaskKey> = hostile_keys().into_iter().collect();
    for (n, key) in keys.iter().cycle().take(MANY).enumerate() {
        let delivery = delivery(key, &format!("{}", n / keys.len()), n as u64);
        give_up(&*store, &delivery).await;
        expected.push(delivery);
    }
    expected.sort_by(|a, b| (&a.task, &a.config_id).cmp(&(&b.task, &b.config_id)));
    for limit in [100, 1, 3, 7, MANY] {
        eventually(fixture.patience(), expected.clone(), async || all(&*other, limit).await).await;
    }

    let restless = TaskKey::new(Tenant::new("restless"), "t");
    let (mut seen, mut after, mut page_number) = (BTreeSet::new(), None::<GivenUpCursor>, 0);
    loop {
        let page = persist(|| other.given_up(after.as_ref(), 7)).await;
        let Some(last) = page.last() else { break };
        after = Some((last.task.clone(), last.config_id.clone()));
        for one in page.iter().filter(|one| one.task != restless) {
            assert!(seen.insert((one.task.clone(), one.config_id.clone())), "a delivery came twice");
        }
        page_number += 1;
        assert!(page_number < 1_000, "the pages do not end");
        give_up(&*store, &delivery(&restless, &page_number.to_string(), 1)).await;
        let earlier = (page_number - 1).to_string();
        persist(|| store.forget_given_up(&restless, &earlier)).await;
    }
    assert_eq!(seen.len(), expected.len(), "deliveries on pages while others came and went");
}

/// Forgetting takes one delivery away, whether it is there or not, and no other; the config stays, and can fail
/// again.
pub async fn forgetting_a_given_up_delivery_is_idempotent(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let key = created(&*store, "", "t").await;
    persist(|| store.forget_given_up(&key, "hook")).await;
    for id in ["hook", "hook2"] {
        save(&*store, &key, &subscription(&key, id)).await;
        give_up(&*store, &delivery(&key, id, 1)).await;
    }
    let left = vec![delivery(&key, "hook2", 1)];
    for handle in [&store, &other, &store] {
        persist(|| handle.forget_given_up(&key, "hook")).await;
        persist(|| handle.forget_given_up(&key, "hoo")).await;
        eventually(fixture.patience(), left.clone(), async || all(&*other, 10).await).await;
    }
    let configs = [subscription(&key, "hook"), subscription(&key, "hook2")];
    assert_eq!(other.list_configs(&key).await.unwrap(), configs, "the configs");
    give_up(&*other, &delivery(&key, "hook", 2)).await;
    let both = vec![delivery(&key, "hook", 2), delivery(&key, "hook2", 1)];
    eventually(fixture.patience(), both, async || all(&*store, 10).await).await;
}
