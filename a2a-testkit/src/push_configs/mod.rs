//! The contract of push configs, sentence by sentence.
//!
//! Each function is one sentence of [`PushConfigs`]' contract and panics where the store breaks it.
//! [`push_configs_suite!`](crate::push_configs_suite) makes tests of them.

mod deliveries;
mod given_up;

use a2a::{AuthenticationInfo, TaskPushNotificationConfig};
use a2a_core::{
    ConfigRevision, DeliveryId, PushConfigs, PushDelivery, PushNext, PushProgress, PushSubscription, Store,
    TaskKey, Tenant, Version,
};
use uuid::Uuid;

pub use deliveries::{
    a_delivery_begins_where_the_last_one_got, acknowledge_only_moves_forward,
    acknowledging_concerns_one_revision, what_a_delivery_acknowledges_counts_until_another_begins,
};
pub use given_up::{
    a_delivery_that_was_given_up_is_listed, forgetting_a_given_up_delivery_is_idempotent,
    given_up_pages_cover_every_delivery,
};

use crate::StoreFixture;
use crate::expect::persist;
use crate::sample::{TaskModel, awkward_text, hostile_ids};

/// The revision of a config that nothing has replaced.
const FIRST: ConfigRevision = ConfigRevision::from_uuid(Uuid::nil());

fn to(version: u64) -> PushProgress {
    PushProgress::to(Version::new(version))
}

/// Makes a subscription of a task under this id, with a URL of its own and nothing acknowledged.
pub(crate) fn subscription(key: &TaskKey, id: &str) -> PushSubscription {
    let config = TaskPushNotificationConfig {
        url: format!("https://example.com/{}/{}", key.tenant.as_str(), key.task_id),
        id: Some(id.into()),
        task_id: key.task_id.clone(),
        token: None,
        authentication: None,
        tenant: None,
    };
    PushSubscription::new(config, FIRST, Version::ABSENT)
}

/// Makes a delivery for a config, by its number.
pub(crate) fn delivery(subscription: &PushSubscription, number: u128) -> PushDelivery {
    PushDelivery {
        id: DeliveryId::from_uuid(Uuid::from_u128(number)),
        config_id: subscription.config.id.clone().unwrap_or_default(),
        revision: subscription.revision,
    }
}

fn full(key: &TaskKey, id: &str) -> PushSubscription {
    let mut subscription = subscription(key, id);
    subscription.config.url = format!("https://example.com/?{}", awkward_text());
    subscription.config.token = Some(awkward_text());
    subscription.config.authentication =
        Some(AuthenticationInfo { scheme: "Bearer".into(), credentials: Some(awkward_text()) });
    subscription.config.tenant = Some(key.tenant.as_str().into());
    let most = Version::new(u64::from(u32::MAX));
    subscription.progress = PushProgress { acknowledged: most, next: PushNext::Batches(most.next()) };
    subscription.delivery = Some(delivery(&subscription, 7).id);
    subscription
}

async fn created(store: &dyn Store, tenant: &str, id: &str) -> TaskKey {
    TaskModel::about(TaskKey::new(Tenant::new(tenant), id), "c").begin(store).await.key
}

async fn save(store: &dyn PushConfigs, key: &TaskKey, subscription: &PushSubscription) {
    persist(|| store.save_config(key, subscription)).await;
}

/// A saved config comes back with every field, alone and in the list, on every handle.
pub async fn a_saved_config_is_returned(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let key = created(&*store, "tenant", "t").await;
    assert_eq!(other.list_configs(&key).await.unwrap(), Vec::new());
    assert_eq!(other.get_config(&key, "b").await.unwrap(), None);

    let mut bare = subscription(&key, "c");
    bare.config.authentication = Some(AuthenticationInfo { scheme: String::new(), credentials: None });
    bare.config.token = Some(String::new());
    let to_task = PushSubscription::to_task(subscription(&key, "d").config, FIRST, Version::new(7));
    let all = [subscription(&key, "a"), full(&key, "b"), bare, to_task];
    for subscription in &all {
        save(&*store, &key, subscription).await;
        let id = subscription.config.id.as_deref().unwrap_or_default();
        assert_eq!(other.get_config(&key, id).await.unwrap().as_ref(), Some(subscription));
        assert_eq!(other.get_config(&key, "unknown").await.unwrap(), None);
    }
    assert_eq!(other.list_configs(&key).await.unwrap(), all);
}

/// Saving under a known id replaces the config as a whole, and what was acknowledged with it.
pub async fn saving_under_the_same_id_replaces(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let key = created(&*store, "", "t").await;
    let untouched = full(&key, "other");
    save(&*store, &key, &untouched).await;
    let later = PushSubscription { progress: to(3), ..subscription(&key, "hook") };
    for version in [full(&key, "hook"), subscription(&key, "hook"), later.clone(), later] {
        save(&*store, &key, &version).await;
        assert_eq!(other.get_config(&key, "hook").await.unwrap(), Some(version.clone()));
        assert_eq!(other.list_configs(&key).await.unwrap(), [version, untouched.clone()]);
    }
}

/// A task's list holds its own configs, in the order of their ids.
pub async fn configs_are_listed_in_id_order(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut keys = Vec::new();
    for id in ["t", "t1", "t#", "", "T"] {
        keys.push(created(&*store, "", id).await);
    }
    let mut ids = hostile_ids();
    fastrand::Rng::with_seed(1).shuffle(&mut ids);
    for id in &ids {
        save(&*store, &keys[0], &subscription(&keys[0], id)).await;
    }
    for key in &keys[1..] {
        save(&*store, key, &subscription(key, "own")).await;
    }
    ids.sort();
    let expected: Vec<_> = ids.iter().map(|id| subscription(&keys[0], id)).collect();
    assert_eq!(other.list_configs(&keys[0]).await.unwrap(), expected);
    for key in &keys[1..] {
        assert_eq!(other.list_configs(key).await.unwrap(), [subscription(key, "own")], "configs of {key:?}");
    }
}

/// Removing takes one config away, whether it is there or not, and no other.
pub async fn removing_a_config_is_idempotent(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let key = created(&*store, "", "t").await;
    store.remove_config(&key, "hook").await.unwrap();
    for id in ["hook", "hook2"] {
        save(&*store, &key, &subscription(&key, id)).await;
    }
    for handle in [&store, &other, &store] {
        handle.remove_config(&key, "hook").await.unwrap();
        handle.remove_config(&key, "hoo").await.unwrap();
        assert_eq!(other.get_config(&key, "hook").await.unwrap(), None);
        assert_eq!(store.list_configs(&key).await.unwrap(), [subscription(&key, "hook2")]);
    }
    save(&*store, &key, &subscription(&key, "hook")).await;
    assert_eq!(other.list_configs(&key).await.unwrap().len(), 2, "a removed config can be saved again");
}

/// Equal task ids and config ids in two tenants are two configs.
pub async fn configs_of_one_tenant_are_invisible_to_another(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let mut keys = Vec::new();
    for tenant in ["", "a", "A", "a#", "a#t", "a/t"] {
        keys.push(created(&*store, tenant, "t").await);
    }
    for key in &keys {
        assert_eq!(other.list_configs(key).await.unwrap(), Vec::new());
        save(&*store, key, &subscription(key, "hook")).await;
        save(&*store, key, &subscription(key, key.tenant.as_str())).await;
    }
    let first = delivery(&subscription(&keys[1], "hook"), 1);
    assert_eq!(store.begin_delivery(&keys[1], &first).await.unwrap(), Some(to(0)));
    assert!(store.acknowledge(&keys[1], &first, to(9)).await.unwrap());
    store.remove_config(&keys[2], "hook").await.unwrap();
    for (n, key) in keys.iter().enumerate() {
        let mut mine = vec![subscription(key, key.tenant.as_str())];
        if n != 2 {
            let (progress, delivery) = if n == 1 { (to(9), Some(first.id)) } else { (to(0), None) };
            mine.push(PushSubscription { progress, delivery, ..subscription(key, "hook") });
        }
        mine.sort_by(|a, b| a.config.id.cmp(&b.config.id));
        assert_eq!(other.list_configs(key).await.unwrap(), mine, "configs of {key:?}");
    }
}
