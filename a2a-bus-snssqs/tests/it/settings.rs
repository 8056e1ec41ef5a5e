//! What each setting of an endpoint changes. The inbox's is in `receiving`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_bus_snssqs::{Config, Deployment, Encryption, ProvisionedQueue, QueueLifecycle};
use a2a_core::{BackendError, EventBus};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;
use tokio::time::Instant;

use crate::common::fake::{FakeSqs, TOPIC};
use crate::common::{Site, new_instance, watch};

async fn provision(site: &Site, config: Config) -> ProvisionedQueue {
    QueueLifecycle::new(site.clients.clone(), config).provision().await.unwrap()
}

async fn attribute(site: &Site, queue: &ProvisionedQueue, name: QueueAttributeName) -> Option<String> {
    let get = site.clients.sqs.get_queue_attributes().queue_url(&queue.queue_url);
    let all = get.attribute_names(QueueAttributeName::All).send().await.unwrap();
    all.attributes.unwrap().remove(&name)
}

#[tokio::test]
async fn a_customer_key_replaces_the_key_of_sqs() {
    let Some(site) = Site::open().await else { return };
    let key = "alias/a2a".to_owned();
    let queue = provision(&site, site.config().encryption(Encryption::Kms(key.clone()))).await;
    assert_eq!(attribute(&site, &queue, QueueAttributeName::KmsMasterKeyId).await, Some(key));
    assert_eq!(attribute(&site, &queue, QueueAttributeName::SqsManagedSseEnabled).await, None);
}

#[tokio::test]
async fn retention_is_what_the_queue_gets() {
    let Some(site) = Site::open().await else { return };
    let queue = provision(&site, site.config().retention(Duration::from_secs(77))).await;
    let retention = attribute(&site, &queue, QueueAttributeName::MessageRetentionPeriod).await;
    assert_eq!(retention.as_deref(), Some("77"));
}

#[tokio::test]
async fn the_deployments_name_is_on_the_queue() {
    let Some(site) = Site::open().await else { return };
    let deployment = site.deployment.clone().named("team/blue").unwrap();
    let queue = provision(&site, Config::new(deployment, new_instance())).await;
    let tags = site.clients.sqs.list_queue_tags().queue_url(queue.queue_url).send().await.unwrap();
    assert_eq!(tags.tags.unwrap()["a2a:deployment"], "team/blue");
}

#[tokio::test(start_paused = true)]
async fn no_call_takes_longer_than_it_may() {
    let deaf = FakeSqs::new(|_, _| std::future::pending());
    let limit = Duration::from_secs(3);
    let config = Config::new(Deployment::new(TOPIC, "a2a").unwrap(), new_instance()).call_within(limit);
    let start = Instant::now();
    let provisioned = QueueLifecycle::new(deaf.clients(), config).provision().await;
    assert!(matches!(provisioned, Err(BackendError::Indeterminate(_))), "{provisioned:?}");
    assert!(start.elapsed() < limit + Duration::from_millis(100), "{:?}", start.elapsed());

    let bus = deaf.bus(|config| config.call_within(limit));
    let start = Instant::now();
    let sent = bus.send(&[new_instance()], &watch(bus.me(), 1)).await;
    assert!(matches!(sent, Err(BackendError::Indeterminate(_))), "{sent:?}");
    assert!(start.elapsed() < limit + Duration::from_millis(100), "{:?}", start.elapsed());

    let start = Instant::now();
    bus.close().await.unwrap();
    assert!(start.elapsed() < limit + Duration::from_millis(100), "{:?}", start.elapsed());
}

/// A queue that never runs dry, each answer of which takes a while.
#[tokio::test(start_paused = true)]
async fn receivers_side_by_side_are_as_many_as_may_be() {
    for most in [1, 2, 5] {
        let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let seen = Arc::clone(&peak);
        let service = FakeSqs::new(move |call, _| {
            let (now, seen, is_receive) = (Arc::clone(&now), Arc::clone(&seen), call == "ReceiveMessage");
            async move {
                if !is_receive {
                    return json!({ "Successful": [], "Failed": [] });
                }
                seen.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
                now.fetch_sub(1, Ordering::Relaxed);
                let message =
                    |n| json!({ "MessageId": format!("{n}"), "ReceiptHandle": "h", "Body": "none of ours" });
                json!({ "Messages": (0..10).map(message).collect::<Vec<_>>() })
            }
        });
        let bus = service.bus(|config| config.receivers(most));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(peak.load(Ordering::Relaxed), most);
        bus.close().await.unwrap();
    }
}
