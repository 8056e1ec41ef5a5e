//! Queues are made whole or not at all, and removed wholly.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_snssqs::{Config, Deployment, Janitor, QueueLifecycle, Rules};
use a2a_core::{BackendError, InstanceId};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use crate::common::members::Members;
use crate::common::tap::{Strike, Tap};
use crate::common::{Site, clients, new_instance};

impl Site {
    fn lifecycle(&self, instance: InstanceId) -> QueueLifecycle {
        QueueLifecycle::new(self.clients.clone(), Config::new(self.deployment.clone(), instance))
    }

    /// A janitor that takes every orphan for old.
    async fn impatient_janitor(&self) -> Janitor {
        let members = Members::with_somebody().await;
        // Its own clients: the faults of the test are not meant for it.
        let clients = clients(&self.account, &Tap::default());
        let rules = Rules::default().orphan_age(Duration::ZERO);
        Janitor::new(clients, self.deployment.clone(), members.0, rules)
    }
}

#[tokio::test]
async fn a_queue_is_made_with_policy_encryption_retention_and_tags() {
    let Some(site) = Site::open().await else { return };
    let instance = new_instance();
    let queue = site.lifecycle(instance).provision().await.unwrap();
    let sqs = &site.clients.sqs;
    let all = sqs.get_queue_attributes().queue_url(&queue.queue_url).attribute_names(QueueAttributeName::All);
    let attributes = all.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::QueueArn], queue.queue_arn);
    assert_eq!(attributes[&QueueAttributeName::SqsManagedSseEnabled], "true");
    assert_eq!(attributes[&QueueAttributeName::MessageRetentionPeriod], "300");
    let policy: Value = serde_json::from_str(&attributes[&QueueAttributeName::Policy]).unwrap();
    let condition = &policy["Statement"][0]["Condition"];
    assert_eq!(condition["ArnEquals"]["aws:SourceArn"], site.deployment.topic().to_string());

    let tags = sqs.list_queue_tags().queue_url(&queue.queue_url).send().await.unwrap().tags.unwrap();
    assert_eq!(tags["a2a:deployment"], "a2a");

    let sns = site.clients.sns.get_subscription_attributes().subscription_arn(&queue.subscription_arn);
    let attributes = sns.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes["RawMessageDelivery"], "true");
    assert_eq!(attributes["FilterPolicyScope"], "MessageAttributes");
    assert_eq!(attributes["FilterPolicy"], format!("{{\"to\":[\"{instance}\"]}}"));

    assert!(site.lifecycle(instance).teardown(&queue).await.is_empty());
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn provision_and_teardown_are_idempotent() {
    let Some(site) = Site::open().await else { return };
    let lifecycle = site.lifecycle(new_instance());
    let queue = lifecycle.provision().await.unwrap();
    assert_eq!(lifecycle.provision().await.unwrap(), queue);
    for _ in 0..2 {
        assert!(lifecycle.teardown(&queue).await.is_empty());
        site.assert_nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_topic_is_verified_and_never_made() {
    let Some(site) = Site::open().await else { return };
    let absent = format!("{}-absent", site.deployment.topic());
    let deployment = Deployment::new(&absent, "a2a").unwrap();
    let lifecycle = QueueLifecycle::new(site.clients.clone(), Config::new(deployment, new_instance()));
    let error = lifecycle.provision().await.unwrap_err();
    assert!(matches!(&error, BackendError::Rejected { reason, .. } if reason.contains(&absent)), "{error:?}");
    assert_eq!(site.tap.count("CreateTopic"), 1, "by the test itself");
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn clients_of_another_region_are_refused() {
    let Some(site) = Site::open().await else { return };
    let elsewhere = site.deployment.topic().to_string().replace(site.account.region(), "mars-north-1");
    let deployment = Deployment::new(&elsewhere, "a2a").unwrap();
    let lifecycle = QueueLifecycle::new(site.clients.clone(), Config::new(deployment, new_instance()));
    let error = lifecycle.provision().await.unwrap_err();
    assert!(error.to_string().contains("another region"), "{error}");
}

#[tokio::test]
async fn a_topic_of_another_account_is_refused_and_nothing_stays() {
    let Some(site) = Site::open().await else { return };
    let Some(other) = Site::open().await else { return };
    if site.account.access_key() == other.account.access_key() {
        return; // The environment chose one account for all.
    }
    // Only the queue's clients are of the wrong account, as with a shared topic.
    let mixed = a2a_bus_snssqs::Clients { sns: site.clients.sns.clone(), sqs: other.clients.sqs.clone() };
    let lifecycle = QueueLifecycle::new(mixed, site.config());
    let error = lifecycle.provision().await.unwrap_err();
    assert!(error.to_string().contains("account"), "{error}");
    assert_eq!(other.queues().await, Vec::<String>::new());
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_failed_step_removes_what_the_earlier_ones_made() {
    let Some(site) = Site::open().await else { return };
    for step in ["GetTopicAttributes", "GetQueueUrl", "CreateQueue", "Subscribe"] {
        site.tap.fail(step, Strike::Before);
        assert!(site.lifecycle(new_instance()).provision().await.is_err(), "{step}");
        site.tap.heal();
        site.assert_nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_failed_repetition_removes_nothing_that_was_there() {
    let Some(site) = Site::open().await else { return };
    let lifecycle = site.lifecycle(new_instance());
    let queue = lifecycle.provision().await.unwrap();
    site.tap.fail("Subscribe", Strike::Before);
    assert!(lifecycle.provision().await.is_err());
    site.tap.heal();
    assert_eq!(site.queues().await, std::slice::from_ref(&queue.queue_url));
    assert_eq!(site.subscriptions().await, std::slice::from_ref(&queue.queue_arn));
    assert!(lifecycle.teardown(&queue).await.is_empty());
}

/// A step whose answer is lost, and nothing after it: as far as AWS can tell, a crash.
#[tokio::test]
async fn a_crash_at_any_step_of_provision_is_cleaned_later() {
    let Some(site) = Site::open().await else { return };
    let janitor = site.impatient_janitor().await;
    for (step, strike) in [
        ("GetTopicAttributes", Strike::After),
        ("GetQueueUrl", Strike::After),
        ("CreateQueue", Strike::Before),
        ("CreateQueue", Strike::After),
        ("Subscribe", Strike::Before),
        ("Subscribe", Strike::After),
    ] {
        site.tap.fail(step, strike);
        site.tap.fail("DeleteQueue", Strike::Before);
        assert!(site.lifecycle(new_instance()).provision().await.is_err());
        site.tap.heal();
        let pass = janitor.pass().await.unwrap();
        assert!(pass.left.is_empty(), "{step} {strike:?}: {:?}", pass.left);
        site.assert_nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_lost_answer_of_subscribe_leaves_at_most_a_subscription_that_the_janitor_removes() {
    let Some(site) = Site::open().await else { return };
    site.tap.fail("Subscribe", Strike::After);
    assert!(site.lifecycle(new_instance()).provision().await.is_err());
    site.tap.heal();
    assert_eq!(site.queues().await, Vec::<String>::new());
    assert_eq!(site.subscriptions().await.len(), 1);
    let _ = site.impatient_janitor().await.pass().await.unwrap();
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_crash_at_any_step_of_teardown_is_cleaned_later() {
    let Some(site) = Site::open().await else { return };
    let janitor = site.impatient_janitor().await;
    for faults in [
        vec![("Unsubscribe", Strike::Before), ("DeleteQueue", Strike::Before)],
        vec![("Unsubscribe", Strike::After), ("DeleteQueue", Strike::Before)],
        vec![("Unsubscribe", Strike::Before)],
        vec![("DeleteQueue", Strike::After)],
    ] {
        let lifecycle = site.lifecycle(new_instance());
        let queue = lifecycle.provision().await.unwrap();
        faults.iter().for_each(|(step, strike)| site.tap.fail(step, *strike));
        let left = lifecycle.teardown(&queue).await;
        assert_eq!(left.len(), faults.len(), "each failure is reported: {left:?}");
        site.tap.heal();
        let _ = janitor.pass().await.unwrap();
        site.assert_nothing_is_left().await;
    }
}

#[tokio::test]
async fn teardown_goes_on_after_a_failure() {
    let Some(site) = Site::open().await else { return };
    let lifecycle = site.lifecycle(new_instance());
    let queue = lifecycle.provision().await.unwrap();
    site.tap.fail("Unsubscribe", Strike::Before);
    let left = lifecycle.teardown(&queue).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].resource, queue.subscription_arn);
    assert_eq!(site.queues().await, Vec::<String>::new(), "the queue is gone all the same");
    site.tap.heal();
    assert!(lifecycle.teardown(&queue).await.is_empty());
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_cancelled_provision_is_cleaned_later() {
    let Some(site) = Site::open().await else { return };
    let janitor = site.impatient_janitor().await;
    for micros in (0..20_000).step_by(1_000) {
        let lifecycle = Arc::new(site.lifecycle(new_instance()));
        let limit = Duration::from_micros(micros);
        let _ = tokio::time::timeout(limit, lifecycle.provision()).await;
        // The service may still be at work on a request whose caller has gone.
        while !(site.queues().await.is_empty() && site.subscriptions().await.is_empty()) {
            let pass = janitor.pass().await.unwrap();
            assert!(pass.left.is_empty(), "{pass:?}");
        }
    }
}
