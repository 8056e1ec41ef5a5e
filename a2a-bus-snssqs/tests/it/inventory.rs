//! What an operator finds that no record leads to any more, and what is never taken for it.

use std::sync::Arc;

use a2a_bus_snssqs::{Inventory, SnsSqsBus, create_topic};
use a2a_core::{Beat, EventBus, Eviction, ExecutingPage, InstanceId, Member, Membership, Result, TaskKey};
use a2a_store_memory::MemoryStore;
use a2a_testkit::async_trait;

use crate::common::tap::{Strike, Tap};
use crate::common::{Site, new_instance};

fn nobody() -> Arc<dyn Membership> {
    Arc::new(MemoryStore::default())
}

async fn join(members: &dyn Membership, id: InstanceId) {
    assert_eq!(members.beat(&Member::joining(id, None)).await.unwrap(), Beat::Alive);
}

#[tokio::test]
async fn an_instance_without_a_record_is_an_orphan_and_can_be_released() {
    let Some(site) = Site::open().await else { return };
    let members = nobody();
    let [lost, live, evicted] =
        [site.endpoint().await, site.endpoint().await, site.endpoint().await].map(|endpoint| endpoint.me());
    for id in [live, evicted] {
        join(&*members, id).await;
    }
    let _ = members.evict(&evicted, 0).await.unwrap();
    let bus = site.bus();
    let inventory = bus.inventory(&*members).await.unwrap();
    assert_eq!(inventory, Inventory { known: vec![live, evicted], orphans: vec![lost] });
    for orphan in inventory.orphans {
        bus.release(&orphan).await.unwrap();
    }
    assert_eq!(bus.inventory(&*members).await.unwrap().orphans, []);
    assert_eq!((site.queues().await.len(), site.subscriptions().await.len()), (2, 2));
    site.clear().await;
}

#[tokio::test]
async fn a_subscription_whose_queue_is_gone_is_found_too() {
    let Some(site) = Site::open().await else { return };
    let lost = site.endpoint().await.me();
    site.delete_queue(lost).await;
    let bus = site.bus();
    assert_eq!(bus.inventory(&*nobody()).await.unwrap().orphans, [lost]);
    bus.release(&lost).await.unwrap();
    site.assert_nothing_is_left().await;
}

/// A whole deployment without records, or the records of another one: only an operator can tell.
#[tokio::test]
async fn members_that_know_none_of_the_instances_are_told_apart() {
    let Some(site) = Site::open().await else { return };
    let lost = site.endpoint().await.me();
    let strangers = nobody();
    join(&*strangers, new_instance()).await;
    let inventory = site.bus().inventory(&*strangers).await.unwrap();
    assert_eq!(inventory, Inventory { known: vec![], orphans: vec![lost] });
    site.clear().await;
}

#[tokio::test]
async fn foreign_queues_and_subscriptions_are_none_of_ours() {
    let Some(site) = Site::open().await else { return };
    let name = site.topic.name();
    // Another deployment whose name begins the same, and queues of other people.
    let longer = create_topic(&site.clients.sns, &format!("{name}-b")).await.unwrap();
    let other = SnsSqsBus::with_clients(site.clients.clone(), longer).unwrap();
    let foreign = other.connect(&new_instance(), &site.seal).await.unwrap();
    let names = [name.to_owned(), format!("{name}-orders"), format!("{name}-{}", new_instance())];
    for name in &names {
        site.clients.sqs.create_queue().queue_name(name).send().await.unwrap();
    }
    let elsewhere = format!("arn:aws:sqs:{}:999999999999:{name}-{}", site.account.region(), new_instance());
    let unlike = format!("arn:aws:sqs:{}:{}:orders", site.account.region(), site.topic.account());
    for endpoint in [elsewhere, unlike] {
        let subscribe = site.clients.sns.subscribe().topic_arn(site.topic.to_string());
        subscribe.protocol("sqs").endpoint(endpoint).send().await.unwrap();
    }
    assert_eq!(site.bus().inventory(&*nobody()).await.unwrap(), Inventory::default());
    foreign.close().await.unwrap();
    for name in names {
        let url = site.clients.sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url;
        site.clients.sqs.delete_queue().queue_url(url.unwrap()).send().await.unwrap();
    }
}

#[tokio::test]
async fn there_is_no_inventory_where_something_cannot_be_listed() {
    let Some(site) = Site::open().await else { return };
    drop(site.endpoint().await);
    for step in ["ListQueues", "ListSubscriptionsByTopic", "ListQueueTags"] {
        site.tap.fail(step, Strike::Before);
        assert!(site.bus().inventory(&*nobody()).await.is_err(), "{step}");
        site.tap.heal();
    }
    site.clear().await;
}

/// An instance joins before it makes its queue: who is asked after the list knows of every queue in it.
#[tokio::test]
async fn an_instance_that_starts_meanwhile_is_no_orphan() {
    let Some(site) = Site::open().await else { return };
    let starting = site.endpoint().await.me();
    let late = JoinsOnceListed { tap: site.tap.clone(), starting };
    let inventory = site.bus().inventory(&late).await.unwrap();
    assert_eq!(inventory, Inventory { known: vec![starting], orphans: vec![] });
    site.clear().await;
}

/// Knows an instance from when queues and subscriptions were listed.
#[derive(Debug)]
struct JoinsOnceListed {
    tap: Tap,
    starting: InstanceId,
}

#[async_trait]
impl Membership for JoinsOnceListed {
    async fn member(&self, who: &InstanceId) -> Result<Option<Member>> {
        let is_listed = self.tap.count("ListQueues") > 0 && self.tap.count("ListSubscriptionsByTopic") > 0;
        Ok((is_listed && *who == self.starting).then(|| Member::joining(*who, None)))
    }

    async fn beat(&self, _: &Member) -> Result<Beat> {
        unreachable!()
    }

    async fn roster(&self, _: Option<&InstanceId>, _: usize) -> Result<Vec<Member>> {
        unreachable!()
    }

    async fn evict(&self, _: &InstanceId, _: u64) -> Result<Eviction> {
        unreachable!()
    }

    async fn remove(&self, _: &InstanceId) -> Result<()> {
        unreachable!()
    }

    async fn executing(&self, _: &InstanceId, _: Option<&TaskKey>) -> Result<ExecutingPage> {
        unreachable!()
    }
}
