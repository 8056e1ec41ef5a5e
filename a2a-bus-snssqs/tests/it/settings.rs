//! What each setting of an endpoint changes. The inbox's is in `receiving`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use a2a_bus_snssqs::{Encryption, SnsSqsConfig};
use a2a_core::{BackendError, EventBus, Recipient};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;
use tokio::time::Instant;

use crate::common::fake::FakeSqs;
use crate::common::{Site, new_instance, seal, watch};

#[tokio::test]
async fn a_customer_key_replaces_the_key_of_sqs() {
    let Some(site) = Site::open().await else { return };
    let key = "alias/a2a".to_owned();
    let endpoint = site.endpoint_as(SnsSqsConfig::default().encryption(Encryption::Kms(key.clone()))).await;
    let me = endpoint.me();
    assert_eq!(site.attribute(me, QueueAttributeName::KmsMasterKeyId).await, Some(key));
    assert_ne!(site.attribute(me, QueueAttributeName::SqsManagedSseEnabled).await.as_deref(), Some("true"));
    endpoint.close().await.unwrap();
}

#[tokio::test]
async fn retention_is_what_the_queue_gets() {
    let Some(site) = Site::open().await else { return };
    let endpoint = site.endpoint_as(SnsSqsConfig::default().retention(Duration::from_secs(77))).await;
    let retention = site.attribute(endpoint.me(), QueueAttributeName::MessageRetentionPeriod).await;
    assert_eq!(retention.as_deref(), Some("77"));
    endpoint.close().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_call_takes_longer_than_it_may() {
    let limit = Duration::from_secs(3);
    let config = SnsSqsConfig::default().call_within(limit);
    let start = Instant::now();
    let connected = FakeSqs::deaf().bus().config(config.clone()).connect(&new_instance(), &seal()).await;
    assert!(matches!(connected, Err(BackendError::Indeterminate(_))), "{connected:?}");
    assert!(start.elapsed() < limit + Duration::from_millis(100), "{:?}", start.elapsed());

    let endpoint = FakeSqs::new(|_, _| std::future::pending()).endpoint(config).await;
    let start = Instant::now();
    let to = [Recipient::direct(new_instance())];
    let sent = endpoint.send(&to, &watch(endpoint.me(), 1)).await;
    assert!(matches!(sent, Err(BackendError::Indeterminate(_))), "{sent:?}");
    assert!(start.elapsed() < limit + Duration::from_millis(100), "{:?}", start.elapsed());

    let start = Instant::now();
    endpoint.close().await.unwrap();
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
        let endpoint = service.endpoint(SnsSqsConfig::default().receivers(most)).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(peak.load(Ordering::Relaxed), most);
        endpoint.close().await.unwrap();
    }
}
