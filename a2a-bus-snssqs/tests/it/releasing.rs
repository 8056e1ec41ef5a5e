//! Whoever survives removes what the dead leave, from their ids alone.

use std::time::Duration;

use a2a_core::{BackendError, EventBus, InstanceId, Reach};
use futures::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::common::fake::FakeSqs;
use crate::common::tap::Strike;
use crate::common::{Site, seal, watch};

/// Makes what some instances leave that crash.
async fn crashed(site: &Site, instances: usize) -> Vec<InstanceId> {
    let endpoints = join_all((0..instances).map(|_| site.endpoint())).await;
    endpoints.iter().map(|endpoint| endpoint.me()).collect()
}

#[tokio::test]
async fn many_that_crash_at_once_cost_a_survivor_one_list() {
    let Some(site) = Site::open().await else { return };
    let survivor = site.bus();
    let dead = crashed(&site, 12).await;
    site.tap.reset();
    for gone in &dead {
        survivor.release(gone).await.unwrap();
    }
    assert_eq!(site.tap.count("ListSubscriptionsByTopic"), 1);
    assert_eq!((site.tap.count("Unsubscribe"), site.tap.count("DeleteQueue")), (12, 12));
    site.assert_nothing_is_left().await;

    let dead = crashed(&site, 12).await;
    site.tap.reset();
    let released = join_all(dead.iter().map(|gone| survivor.release(gone))).await;
    released.into_iter().for_each(Result::unwrap);
    assert!(site.tap.count("ListSubscriptionsByTopic") <= 2, "{:?}", site.tap.calls());
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn only_what_is_the_instances_is_released() {
    let Some(site) = Site::open().await else { return };
    let live = site.endpoint().await;
    let dead = crashed(&site, 1).await;
    site.bus().release(&dead[0]).await.unwrap();
    assert_eq!(site.subscriptions().await, [site.topic.queue_arn(live.me())]);
    assert_eq!(site.queues().await.len(), 1);
    assert_eq!(live.reach(), Reach::Topic);
    live.close().await.unwrap();
}

#[tokio::test]
async fn a_release_that_fails_says_so_and_can_be_repeated() {
    let Some(site) = Site::open().await else { return };
    for step in ["ListSubscriptionsByTopic", "Unsubscribe", "DeleteQueue"] {
        let (survivor, dead) = (site.bus(), crashed(&site, 1).await);
        site.tap.fail(step, Strike::Before);
        let error = survivor.release(&dead[0]).await.unwrap_err();
        assert!(error.is_transient(), "{step}: {error:?}");
        site.tap.heal();
        survivor.release(&dead[0]).await.unwrap();
        site.assert_nothing_is_left().await;
    }
}

/// Until then the process believes that it is alive, and nobody is left who would remove what it made again.
#[tokio::test(start_paused = true)]
async fn a_released_endpoint_that_is_still_open_closes_and_makes_nothing_anew() {
    let released = Instant::now() + Duration::from_secs(60);
    let service = FakeSqs::new(move |call, arguments| {
        assert_eq!(call, "ReceiveMessage");
        let wait = Duration::from_secs(arguments["WaitTimeSeconds"].as_u64().unwrap());
        async move {
            if Instant::now() >= released {
                return json!({ "__type": "AWS.SimpleQueueService.NonExistentQueue" });
            }
            tokio::time::sleep(wait).await;
            json!({})
        }
    });
    let endpoint = service.endpoint(Default::default()).await;
    let end = loop {
        match endpoint.receive().await {
            Err(BackendError::Closed) => break Instant::now(),
            Err(_) => {}
            Ok(received) => panic!("{received:?}"),
        }
    };
    assert!(end - released < Duration::from_secs(30), "{:?}", end - released);
    assert_eq!(endpoint.reach(), Reach::Nowhere);
    let to = [a2a_core::Recipient::direct(endpoint.me())];
    assert!(matches!(endpoint.send(&to, &watch(endpoint.me(), 1)).await, Err(BackendError::Closed)));
    endpoint.close().await.unwrap();
}

/// SQS does not show a new queue for up to a second; whoever sent to it then would take the instance for gone.
#[tokio::test(start_paused = true)]
async fn an_endpoint_is_there_once_its_queue_is_seen() {
    for (hidden, is_there) in [(1_200, true), (60_000, false)] {
        let seen = Instant::now() + Duration::from_millis(hidden);
        let service = FakeSqs::new(move |_, arguments| {
            let wait = Duration::from_secs(arguments["WaitTimeSeconds"].as_u64().unwrap());
            async move {
                if Instant::now() < seen {
                    return json!({ "__type": "AWS.SimpleQueueService.NonExistentQueue" });
                }
                tokio::time::sleep(wait).await;
                json!({})
            }
        });
        match service.bus().connect(&crate::common::new_instance(), &seal()).await {
            Ok(endpoint) => {
                assert!(is_there && Instant::now() >= seen);
                tokio::time::sleep(Duration::from_secs(120)).await;
                assert_eq!(endpoint.reach(), Reach::Direct, "no probe arrives here");
                endpoint.close().await.unwrap();
            }
            Err(error) => assert!(!is_there && error.is_transient(), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn whoever_still_lives_when_its_queue_is_gone_connects_again() {
    let Some(site) = Site::open().await else { return };
    let (bus, sender) = (site.bus(), site.endpoint().await);
    // A poll that is under way would notice it only after its 20 seconds.
    site.tap.fail("ReceiveMessage", Strike::Before);
    let me = crate::common::new_instance();
    let reader = bus.connect(&me, &seal()).await.unwrap();
    site.delete_queue(me).await;
    site.tap.heal();
    while !matches!(reader.receive().await, Err(BackendError::Closed)) {}

    let again = bus.connect(&me, &site.seal).await.unwrap();
    reader.close().await.unwrap();
    for (version, reach) in [(1, Reach::Direct), (2, Reach::Topic)] {
        let to = [me, sender.me()].map(|instance| a2a_core::Recipient { instance, reach });
        assert!(sender.send(&to, &watch(sender.me(), version)).await.unwrap().gone.is_empty());
        assert_eq!(again.receive().await.unwrap(), [watch(sender.me(), version)]);
    }
    again.close().await.unwrap();
    sender.close().await.unwrap();
    site.assert_nothing_is_left().await;
}
