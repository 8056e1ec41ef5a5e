//! The janitor removes what the dead left, and is hard to trick into more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_bus_snssqs::{Cause, Config, Deployment, Janitor, Pass, ProvisionedQueue, QueueLifecycle, Rules};
use a2a_core::{BackendError, Beat, Eviction, InstanceId, Member, MemberState, Membership, Result, TaskKey};
use a2a_testkit::async_trait;

use crate::common::members::Members;
use crate::common::tap::Strike;
use crate::common::{Site, ancient_instance, new_instance};

fn at_once() -> Rules {
    Rules::default().orphan_age(Duration::ZERO)
}

impl Site {
    async fn provision(&self, instance: InstanceId) -> ProvisionedQueue {
        self.provision_in(&self.deployment, instance).await
    }

    async fn provision_in(&self, deployment: &Deployment, instance: InstanceId) -> ProvisionedQueue {
        let config = Config::new(deployment.clone(), instance);
        QueueLifecycle::new(self.clients.clone(), config).provision().await.unwrap()
    }

    fn janitor(&self, members: &Members, rules: Rules) -> Janitor {
        Janitor::new(self.clients.clone(), self.deployment.clone(), Arc::clone(&members.0), rules)
    }

    async fn pass(&self, members: &Members, rules: Rules) -> Pass {
        self.janitor(members, rules).pass().await.unwrap()
    }
}

#[tokio::test]
async fn an_evicted_instance_loses_queue_and_subscription_at_once() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    let evicted = new_instance();
    let queue = site.provision(evicted).await;
    members.join(evicted, MemberState::Evicted).await;

    let pass = site.pass(&members, Rules::default()).await;
    assert_eq!(pass.removed.len(), 1);
    assert_eq!((pass.removed[0].instance, pass.removed[0].cause), (evicted, Cause::Evicted));
    assert_eq!(pass.removed[0].queue_url.as_ref(), Some(&queue.queue_url));
    assert_eq!(pass.released, [evicted]);
    site.assert_nothing_is_left().await;

    let again = site.pass(&members, Rules::default()).await;
    assert!(again.removed.is_empty());
    assert_eq!(again.released, [evicted], "until its record is removed");
}

#[tokio::test]
async fn live_members_are_never_touched() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    for state in [MemberState::Serving, MemberState::Draining] {
        let live = new_instance();
        site.provision(live).await;
        members.join(live, state).await;
    }
    let pass = site.pass(&members, at_once().when_nobody_is_alive(true)).await;
    assert!(pass.removed.is_empty() && pass.left.is_empty() && pass.released.is_empty(), "{pass:?}");
    assert_eq!(site.queues().await.len(), 2);
    assert_eq!(site.subscriptions().await.len(), 2);
}

#[tokio::test]
async fn a_starting_instance_that_nobody_knows_yet_is_not_touched() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    site.provision(new_instance()).await;
    let pass = site.pass(&members, Rules::default()).await;
    assert!(pass.removed.is_empty() && pass.left.is_empty(), "{pass:?}");
    assert_eq!(site.queues().await.len(), 1);
    assert_eq!(site.subscriptions().await.len(), 1);
}

#[tokio::test]
async fn an_old_orphan_is_removed() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    let orphan = new_instance();
    site.provision(orphan).await;
    let pass = site.pass(&members, at_once()).await;
    assert_eq!(pass.removed.len(), 1);
    assert_eq!((pass.removed[0].instance, pass.removed[0].cause), (orphan, Cause::Orphaned));
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_subscription_whose_queue_is_gone_is_removed_without_waiting() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    let queue = site.provision(ancient_instance()).await;
    site.clients.sqs.delete_queue().queue_url(&queue.queue_url).send().await.unwrap();
    let pass = site.pass(&members, Rules::default()).await;
    assert_eq!(pass.removed.len(), 1);
    assert_eq!(pass.removed[0].subscriptions, [queue.subscription_arn]);
    site.assert_nothing_is_left().await;
}

/// For a second after it was made a queue may look as if it were not there.
#[tokio::test]
async fn the_subscription_of_a_starting_instance_whose_queue_is_not_seen_yet_stays() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    let queue = site.provision(new_instance()).await;
    site.clients.sqs.delete_queue().queue_url(&queue.queue_url).send().await.unwrap();
    assert!(site.pass(&members, Rules::default()).await.removed.is_empty());
    assert_eq!(site.subscriptions().await, [queue.queue_arn]);
}

#[tokio::test]
async fn the_subscription_of_a_live_member_whose_queue_is_gone_stays() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    let live = new_instance();
    let queue = site.provision(live).await;
    members.join(live, MemberState::Serving).await;
    site.clients.sqs.delete_queue().queue_url(&queue.queue_url).send().await.unwrap();
    assert!(site.pass(&members, at_once()).await.removed.is_empty());
    assert_eq!(site.subscriptions().await, [queue.queue_arn]);
}

#[tokio::test]
async fn foreign_queues_are_never_touched() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    let topic = site.deployment.topic().to_string();
    // A prefix that begins the same, another deployment under the same prefix, and queues of other people.
    let longer = Deployment::new(&topic, "a2a-prod").unwrap();
    let other = Deployment::new(&topic, "a2a").unwrap().named("other").unwrap();
    site.provision_in(&longer, new_instance()).await;
    site.provision_in(&other, new_instance()).await;
    let untagged = format!("a2a-{}", new_instance());
    for name in ["a2a", "a2a-orders", "a2a-0199", &untagged] {
        site.clients.sqs.create_queue().queue_name(name).send().await.unwrap();
    }
    // Not even when their instance counts as evicted here.
    let evicted = new_instance();
    site.provision_in(&other, evicted).await;
    members.join(evicted, MemberState::Evicted).await;

    let (queues, subscriptions) = (site.queues().await, site.subscriptions().await);
    let pass = site.pass(&members, at_once()).await;
    assert!(pass.removed.is_empty(), "{pass:?}");
    assert_eq!(site.queues().await, queues);
    assert_eq!(site.subscriptions().await, subscriptions);
}

#[tokio::test]
async fn other_subscriptions_of_the_topic_are_never_touched() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    let topic = site.deployment.topic();
    let elsewhere = format!("arn:aws:sqs:{}:999999999999:a2a-{}", site.account.region(), new_instance());
    let unlike = format!("arn:aws:sqs:{}:{}:orders", site.account.region(), topic.account());
    for endpoint in [elsewhere, unlike] {
        let subscribe = site.clients.sns.subscribe().topic_arn(topic.to_string());
        subscribe.protocol("sqs").endpoint(endpoint).send().await.unwrap();
    }
    assert!(site.pass(&members, at_once()).await.removed.is_empty());
    assert_eq!(site.subscriptions().await.len(), 2);
}

#[tokio::test]
async fn a_dry_run_tells_and_does_nothing() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    let (orphan, evicted) = (new_instance(), new_instance());
    site.provision(orphan).await;
    site.provision(evicted).await;
    members.join(evicted, MemberState::Evicted).await;
    let pass = site.pass(&members, at_once().dry_run(true)).await;
    let told: Vec<_> = pass.removed.iter().map(|one| one.instance).collect();
    assert_eq!(told, [evicted, orphan], "the evicted come first");
    assert!(pass.released.is_empty());
    assert_eq!(site.queues().await.len(), 2);
    assert_eq!(site.subscriptions().await.len(), 2);
    assert_eq!(site.tap.count("DeleteQueue") + site.tap.count("Unsubscribe"), 0);
}

#[tokio::test]
async fn a_pass_removes_at_most_as_much_as_it_may() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    for _ in 0..5 {
        site.provision(new_instance()).await;
    }
    let janitor = site.janitor(&members, at_once().at_most(2));
    for left in [3, 1, 0] {
        let pass = janitor.pass().await.unwrap();
        assert_eq!(pass.is_incomplete, left > 0);
        assert_eq!(site.queues().await.len(), left);
    }
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn when_nobody_is_alive_orphans_stay_unless_told_otherwise() {
    let Some(site) = Site::open().await else { return };
    let nobody = Members(Arc::new(a2a_store_memory::MemoryStore::default()));
    site.provision(new_instance()).await;
    assert!(site.pass(&nobody, at_once()).await.removed.is_empty(), "the wrong table knows nobody either");
    assert_eq!(site.pass(&nobody, at_once().when_nobody_is_alive(true)).await.removed.len(), 1);
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn what_cannot_be_judged_or_removed_is_left_and_told() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    site.provision(new_instance()).await;
    for step in ["ListQueueTags", "GetQueueAttributes", "DeleteQueue"] {
        site.tap.fail(step, Strike::Before);
        let pass = site.pass(&members, at_once()).await;
        assert_eq!((pass.removed.len(), pass.left.len()), (0, 1), "{step}: {pass:?}");
        assert_eq!(site.queues().await.len(), 1, "{step}");
        site.tap.heal();
    }
    assert_eq!(site.pass(&members, at_once()).await.removed.len(), 1);
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn nothing_is_removed_when_something_cannot_be_listed() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    site.provision(new_instance()).await;
    for step in ["ListQueues", "ListSubscriptionsByTopic"] {
        site.tap.fail(step, Strike::Before);
        assert!(site.janitor(&members, at_once()).pass().await.is_err());
        site.tap.heal();
    }
    let broken = Members(Arc::new(LateRoster::failing_after(1, &members)));
    assert!(site.janitor(&broken, at_once()).pass().await.is_err());
    assert_eq!(site.queues().await.len(), 1);
}

/// The roster does not know the instance when it is read, but does when the janitor looks again.
#[tokio::test]
async fn an_instance_that_joins_during_the_pass_is_not_touched() {
    let Some(site) = Site::open().await else { return };
    let known = Members::with_somebody().await;
    let slow = new_instance();
    site.provision(slow).await;
    known.join(slow, MemberState::Serving).await;
    let late = Members(Arc::new(LateRoster::hiding(slow, &known)));
    let pass = site.pass(&late, at_once()).await;
    assert!(pass.removed.is_empty(), "{pass:?}");
    assert_eq!(site.queues().await.len(), 1);
    assert_eq!(site.subscriptions().await.len(), 1);
}

#[tokio::test]
async fn janitors_at_the_same_time_do_not_disturb_each_other() {
    let Some(site) = Site::open().await else { return };
    let members = Members::with_somebody().await;
    for _ in 0..6 {
        site.provision(new_instance()).await;
    }
    let janitors: Vec<_> = (0..4).map(|_| site.janitor(&members, at_once())).collect();
    for pass in futures::future::join_all(janitors.iter().map(Janitor::pass)).await {
        let pass = pass.unwrap();
        assert!(pass.left.is_empty(), "{pass:?}");
    }
    site.assert_nothing_is_left().await;
}

/// A membership that hides one member until the janitor looks at it alone, or that stops to answer.
#[derive(Debug)]
struct LateRoster {
    known: Arc<dyn Membership>,
    hidden: Option<InstanceId>,
    answers: AtomicUsize,
}

impl LateRoster {
    fn hiding(hidden: InstanceId, members: &Members) -> Self {
        let known = Arc::clone(&members.0);
        LateRoster { known, hidden: Some(hidden), answers: AtomicUsize::new(usize::MAX) }
    }

    fn failing_after(answers: usize, members: &Members) -> Self {
        LateRoster { known: Arc::clone(&members.0), hidden: None, answers: AtomicUsize::new(answers) }
    }
}

#[async_trait]
impl Membership for LateRoster {
    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        let one_less = |left: usize| left.checked_sub(1);
        if self.answers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_err() {
            return Err(BackendError::Unavailable("made to fail".into()));
        }
        let mut page = self.known.roster(after, limit).await?;
        if limit > 1 {
            page.retain(|member| Some(member.id) != self.hidden);
        }
        Ok(page)
    }

    async fn beat(&self, me: &Member) -> Result<Beat> {
        self.known.beat(me).await
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        self.known.evict(who, at_beat).await
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        self.known.remove(who).await
    }

    async fn executing(&self, who: &InstanceId) -> Result<Vec<TaskKey>> {
        self.known.executing(who).await
    }
}
