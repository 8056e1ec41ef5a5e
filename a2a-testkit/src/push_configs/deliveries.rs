//! What deliveries put on record.

use a2a_core::{ConfigRevision, PushNext, PushProgress, PushSubscription, Version};
use uuid::Uuid;

use super::{created, delivery, full, save, subscription, to};
use crate::StoreFixture;
use crate::expect::persist;

/// What a webhook has acknowledged grows and never shrinks; unknown configs are not made by it.
pub async fn acknowledge_only_moves_forward(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let key = created(&*store, "", "t").await;
    let unknown = delivery(&subscription(&key, "unknown"), 1);
    assert!(!store.acknowledge(&key, &unknown, to(7)).await.unwrap(), "of an unknown config");
    assert_eq!(other.list_configs(&key).await.unwrap(), Vec::new(), "acknowledging makes no config");

    for id in ["hook", "other"] {
        save(&*store, &key, &full(&key, id)).await;
        save(&*store, &key, &PushSubscription { progress: to(2), ..full(&key, id) }).await;
    }
    let hook = delivery(&full(&key, "hook"), 7);
    for (version, expected) in [(5, 5), (3, 5), (5, 5), (0, 5), (6, 6), (1 << 40, 1 << 40), (7, 1 << 40)] {
        assert!(store.acknowledge(&key, &hook, to(version)).await.unwrap(), "of {version}");
        let expected = PushSubscription { progress: to(expected), ..full(&key, "hook") };
        assert_eq!(other.get_config(&key, "hook").await.unwrap(), Some(expected), "after {version}");
    }
    let then = |acknowledged: u64, next| PushProgress { acknowledged: Version::new(acknowledged), next };
    let (first, batches) = (1 << 41, |until| PushNext::Batches(Version::new(until)));
    let (soon, later) = (batches(first + 16), batches(first + 32));
    let (singly, task) = (PushNext::Singly(Version::new(first + 2)), PushNext::Task(Version::new(first + 1)));
    for (told, expected) in [
        (then(first, soon), then(first, soon)),
        (to(first), then(first, soon)),
        (then(first - 1, PushNext::Task(Version::new(first))), then(first, soon)),
        (then(first, later), then(first, later)),
        (then(first, soon), then(first, later)),
        (then(first, singly), then(first, singly)),
        (then(first, later), then(first, singly)),
        (then(first, task), then(first, task)),
        (then(first, singly), then(first, task)),
        (to(first + 1), to(first + 1)),
    ] {
        assert!(store.acknowledge(&key, &hook, told).await.unwrap(), "of {told:?}");
        let expected = PushSubscription { progress: expected, ..full(&key, "hook") };
        assert_eq!(other.get_config(&key, "hook").await.unwrap(), Some(expected), "after {told:?}");
    }
    let others = delivery(&full(&key, "other"), 7);
    let acknowledge = async |version: u64| {
        let store = if version.is_multiple_of(2) { &store } else { &other };
        persist(|| store.acknowledge(&key, &others, to(version))).await;
    };
    futures::future::join_all((3..40).rev().map(acknowledge)).await;
    let all = PushSubscription { progress: to(39), ..full(&key, "other") };
    assert_eq!(store.get_config(&key, "other").await.unwrap(), Some(all), "the greatest of many at once");

    store.remove_config(&key, "hook").await.unwrap();
    assert!(!store.acknowledge(&key, &hook, to(1 << 42)).await.unwrap(), "of a config that is gone");
    assert_eq!(store.get_config(&key, "hook").await.unwrap(), None, "acknowledging brings nothing back");
}

/// What was acknowledged of one config says nothing of the next under its id, however late it is written.
pub async fn acknowledging_concerns_one_revision(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let key = created(&*store, "", "t").await;
    let replaced = subscription(&key, "hook");
    let revision = ConfigRevision::from_uuid(Uuid::from_u128(2));
    // The same words again are another config, too.
    let replacing = PushSubscription { revision, ..replaced.clone() };
    save(&*store, &key, &replaced).await;
    let (before, after) = (delivery(&replaced, 1), delivery(&replacing, 1));
    assert!(store.acknowledge(&key, &before, to(3)).await.unwrap());
    save(&*store, &key, &replacing).await;
    for handle in [&store, &other] {
        assert!(!handle.acknowledge(&key, &before, to(9)).await.unwrap(), "of a config that was replaced");
        assert_eq!(other.get_config(&key, "hook").await.unwrap().as_ref(), Some(&replacing));
    }
    assert!(other.acknowledge(&key, &after, to(5)).await.unwrap());
    let expected = PushSubscription { progress: to(5), delivery: Some(after.id), ..replacing };
    assert_eq!(store.get_config(&key, "hook").await.unwrap(), Some(expected));
}

/// A delivery learns by beginning how far the webhook got, from whichever handle that was written. For a config that is
/// gone, or replaced, none begins.
pub async fn a_delivery_begins_where_the_last_one_got(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let key = created(&*store, "", "t").await;
    let config = subscription(&key, "hook");
    let nth = |number| delivery(&config, number);
    assert_eq!(store.begin_delivery(&key, &nth(1)).await.unwrap(), None, "of an unknown config");
    assert_eq!(store.list_configs(&key).await.unwrap(), Vec::new(), "beginning makes no config");

    save(&*store, &key, &config).await;
    assert_eq!(store.begin_delivery(&key, &nth(1)).await.unwrap(), Some(to(0)));
    let far = PushProgress { acknowledged: Version::new(3), next: PushNext::Task(Version::new(9)) };
    for (handle, number, got) in [(&other, 2, to(2)), (&store, 3, far)] {
        let last = PushSubscription { delivery: Some(nth(number - 1).id), ..config.clone() };
        let known = handle.get_config(&key, "hook").await.unwrap().unwrap();
        assert_eq!(known.delivery, last.delivery);
        assert!(handle.acknowledge(&key, &nth(number - 1), got).await.unwrap());
        // Once more is no other.
        for handle in [&store, &other] {
            assert_eq!(handle.begin_delivery(&key, &nth(number)).await.unwrap(), Some(got));
        }
    }
    let expected = PushSubscription { progress: far, delivery: Some(nth(3).id), ..config.clone() };
    assert_eq!(other.list_configs(&key).await.unwrap(), [expected]);

    let replacing =
        PushSubscription { revision: ConfigRevision::from_uuid(Uuid::from_u128(2)), ..config.clone() };
    save(&*store, &key, &replacing).await;
    assert_eq!(other.begin_delivery(&key, &nth(4)).await.unwrap(), None, "of a config that was replaced");
    assert_eq!(store.list_configs(&key).await.unwrap(), [replacing]);
}

/// Of several deliveries the one that began last counts, whatever the others write, and however late. The first one
/// begins with what it acknowledges.
pub async fn what_a_delivery_acknowledges_counts_until_another_begins(fixture: &dyn StoreFixture) {
    let (store, other) = (fixture.handle().await, fixture.handle().await);
    let key = created(&*store, "", "t").await;
    let config = subscription(&key, "hook");
    let nth = |number| delivery(&config, number);
    save(&*store, &key, &config).await;

    assert!(store.acknowledge(&key, &nth(1), to(1)).await.unwrap());
    for handle in [&store, &other] {
        assert!(!handle.acknowledge(&key, &nth(2), to(2)).await.unwrap(), "of one that has not begun");
    }
    let is = async |progress, number| {
        let expected = PushSubscription { progress, delivery: Some(nth(number).id), ..config.clone() };
        assert_eq!(other.get_config(&key, "hook").await.unwrap(), Some(expected));
    };
    is(to(1), 1).await;
    assert_eq!(other.begin_delivery(&key, &nth(2)).await.unwrap(), Some(to(1)));
    for handle in [&store, &other] {
        assert!(!handle.acknowledge(&key, &nth(1), to(9)).await.unwrap(), "of one after which another began");
        assert!(!handle.acknowledge(&key, &nth(1), to(0)).await.unwrap(), "however far it got");
    }
    is(to(1), 2).await;
    assert!(store.acknowledge(&key, &nth(2), to(4)).await.unwrap());
    is(to(4), 2).await;
    assert_eq!(
        store.begin_delivery(&key, &nth(1)).await.unwrap(),
        Some(to(4)),
        "an earlier one may begin again"
    );
    assert!(!store.acknowledge(&key, &nth(2), to(5)).await.unwrap());
    is(to(4), 1).await;
}
