//! What an endpoint does with what it finds in its queue, and while its queue does not answer.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use a2a_bus_snssqs::SnsSqsConfig;
use a2a_core::wire::{self, Seal};
use a2a_core::{BackendError, BusMessage, Endpoint, InstanceId, Keys, Recipient};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

use crate::common::fake::FakeSqs;
use crate::common::tap::Strike;
use crate::common::{Site, new_instance, seal, watch};

const PATIENCE: Duration = Duration::from_secs(60);

impl Site {
    /// Puts any text into an instance's queue, as whoever may send can.
    async fn forge(&self, instance: InstanceId, body: impl Into<String>) {
        let url = self.topic.queue_url(instance);
        self.clients.sqs.send_message().queue_url(url).message_body(body).send().await.unwrap();
    }

    /// How many messages a queue holds, received ones included.
    async fn held(&self, instance: InstanceId) -> usize {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Waiting, ApproximateNumberOfMessagesNotVisible as Received,
        };
        let mut held = 0;
        for name in [Waiting, Received] {
            held += self.attribute(instance, name).await.unwrap().parse::<usize>().unwrap();
        }
        held
    }

    /// An endpoint whose polls fail until the tap heals.
    async fn deaf_endpoint(&self, config: SnsSqsConfig) -> Arc<dyn Endpoint> {
        self.tap.fail("ReceiveMessage", Strike::Before);
        self.endpoint_as(config).await
    }
}

/// Receives, through outages.
async fn next(endpoint: &dyn Endpoint) -> Vec<BusMessage> {
    let received = async {
        loop {
            match endpoint.receive().await {
                Err(error) if error.is_transient() => {}
                Err(BackendError::Rejected { .. }) => {}
                received => return received.unwrap(),
            }
        }
    };
    tokio::time::timeout(PATIENCE, received).await.expect("nothing came")
}

/// Waits until `done` holds.
async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < PATIENCE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn hostile_messages_do_no_harm_beyond_themselves() {
    let Some(site) = Site::open().await else { return };
    let reader = site.deaf_endpoint(SnsSqsConfig::default()).await;
    let me = reader.me();
    // Those that are unreadable come again soon rather than after half a minute.
    let hide = site.clients.sqs.set_queue_attributes().queue_url(site.topic.queue_url(me));
    hide.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await.unwrap();

    let good = watch(new_instance(), 7);
    let whole = wire::encode(&[me], &good, &site.seal);
    let large = BusMessage { trace: Some("x".repeat(900_000)), ..good.clone() };
    let stranger = Seal::new(Keys::first([8; 32]));
    for body in [
        "hello".to_owned(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("\"v\":2", "\"v\":3"),
        // Whoever may send, and knows no key.
        whole.replace("\"t-1\"", "\"t-2\""),
        wire::encode(&[me], &good, &Seal::open()),
        wire::encode(&[me], &good, &stranger),
        wire::encode(&[new_instance()], &good, &site.seal),
        whole.replace("\"t-1\"", &"[".repeat(100_000)),
        "{\"Type\":\"Notification\",\"Message\":\"not delivered raw\"}".to_owned(),
    ] {
        site.forge(me, body).await;
    }
    // One that is too large for a commit to be, but well formed, is for its reader to judge.
    site.forge(me, wire::encode(&[me], &large, &site.seal)).await;
    site.forge(me, whole.clone()).await;
    site.forge(me, whole).await;
    site.tap.heal();

    let mut got = Vec::new();
    let goods = |got: &[BusMessage]| got.iter().filter(|message| **message == good).count();
    // A replay is for versions to tell; what is not deleted within its second comes once more.
    while goods(&got) < 2 || !got.contains(&large) {
        got.extend(next(&*reader).await);
    }
    assert!(got.iter().all(|message| *message == good || *message == large), "{} messages", got.len());
    eventually("the hostile messages' end", async || site.held(me).await == 0).await;
    reader.close().await.unwrap();
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn what_was_handed_over_is_deleted() {
    let Some(site) = Site::open().await else { return };
    let (sender, reader) = (site.endpoint().await, site.endpoint().await);
    let to = [Recipient::direct(reader.me())];
    let sends = (0..25).map(|n| {
        let (sender, to) = (&sender, &to);
        async move { sender.send(to, &watch(sender.me(), n)).await.unwrap() }
    });
    assert!(futures::future::join_all(sends).await.iter().all(|delivery| delivery.gone.is_empty()));
    let mut got = 0;
    while got < 25 {
        got += next(&*reader).await.len();
    }
    eventually("their deletion", async || site.held(reader.me()).await == 0).await;
    assert!(site.tap.count("DeleteMessageBatch") < 25, "in batches");
    assert!(site.tap.count("SendMessageBatch") < 25, "in batches");
    sender.close().await.unwrap();
    reader.close().await.unwrap();
}

#[tokio::test]
async fn an_unread_endpoint_leaves_messages_in_its_queue_and_loses_none() {
    let Some(site) = Site::open().await else { return };
    let sender = site.endpoint().await;
    let reader = site.endpoint_as(SnsSqsConfig::default().inbox(20)).await;
    for n in 0..100 {
        let to = [Recipient::direct(reader.me())];
        assert!(sender.send(&to, &watch(sender.me(), n)).await.unwrap().gone.is_empty());
    }
    eventually("a full inbox", async || site.held(reader.me()).await <= 90).await;
    assert!(site.held(reader.me()).await >= 80, "the rest waits in SQS");
    let mut got = BTreeSet::new();
    while got.len() < 100 {
        got.extend(next(&*reader).await.iter().map(|message| format!("{:?}", message.news)));
    }
    sender.close().await.unwrap();
    reader.close().await.unwrap();
}

#[tokio::test]
async fn a_backlog_calls_helpers_and_its_end_sends_them_away() {
    let Some(site) = Site::open().await else { return };
    let reader = site.deaf_endpoint(SnsSqsConfig::default().receivers(3)).await;
    let me = reader.me();
    for n in 0..300 {
        site.forge(me, wire::encode(&[me], &watch(me, n), &site.seal)).await;
    }
    site.tap.heal();
    let mut got = 0;
    while got < 300 {
        got += next(&*reader).await.len();
    }
    // Helpers poll for a second each; soon only the first one does, twenty times more seldom.
    eventually("the helpers' end", async || {
        site.tap.reset();
        tokio::time::sleep(Duration::from_secs(2)).await;
        site.tap.count("ReceiveMessage") == 0
    })
    .await;
    reader.close().await.unwrap();
    site.assert_nothing_is_left().await;
}

/// So often that its reader can tell an outage from a lone failure, and not so often that it spins.
#[tokio::test(start_paused = true)]
async fn a_reader_is_told_while_polls_fail_and_gets_its_messages_after() {
    let outage = tokio::time::Instant::now() + Duration::from_secs(300);
    let service = FakeSqs::new(move |call, arguments| {
        let is_receive = call == "ReceiveMessage";
        let wait = Duration::from_secs(arguments["WaitTimeSeconds"].as_u64().unwrap_or_default());
        let me = arguments["QueueUrl"].as_str().unwrap().rsplit_once("/a2a-").unwrap().1.to_owned();
        async move {
            match tokio::time::Instant::now() {
                _ if !is_receive => json!({ "Successful": [], "Failed": [] }),
                // Some answers are no answer at all, until the poll gives up.
                now if now < outage - Duration::from_secs(200) => std::future::pending().await,
                now if now < outage => json!({ "__type": "InternalError" }),
                now if now < outage + Duration::from_secs(60) => {
                    tokio::time::sleep(wait).await;
                    json!({})
                }
                _ => {
                    let body = wire::encode(&[me.parse().unwrap()], &watch(me.parse().unwrap(), 1), &seal());
                    json!({ "Messages": [{ "MessageId": "1", "ReceiptHandle": "h", "Body": body }] })
                }
            }
        }
    });
    let endpoint = service.endpoint(SnsSqsConfig::default()).await;
    let (mut told, mut before) = (0, tokio::time::Instant::now());
    let messages = loop {
        let received = endpoint.receive().await;
        let rest = before.elapsed();
        before = tokio::time::Instant::now();
        match received {
            Ok(messages) => break messages,
            Err(error) => assert!(error.is_transient(), "{error:?}"),
        }
        told += 1;
        // The first poll of all has 28 seconds before it counts as lost.
        assert!(told == 1 || rest <= Duration::from_secs(2), "{rest:?} of silence");
    };
    assert!((130..200).contains(&told), "told {told} times");
    assert!(before > outage + Duration::from_secs(60), "and not while polls are answered");
    assert!(!messages.is_empty());
    endpoint.close().await.unwrap();
}

#[tokio::test]
async fn close_takes_seconds_at_most_with_long_polls_open_and_leaves_nothing() {
    let Some(site) = Site::open().await else { return };
    let endpoints = [site.endpoint().await, site.endpoint().await, site.endpoint().await];
    eventually("a long poll each", async || site.tap.count("ReceiveMessage") >= 3).await;
    let start = Instant::now();
    let closed = futures::future::join_all(endpoints.iter().map(|endpoint| endpoint.close())).await;
    closed.into_iter().for_each(Result::unwrap);
    // A poll takes twenty.
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_dropped_endpoint_stops_receiving() {
    let Some(site) = Site::open().await else { return };
    let endpoint = site.endpoint().await;
    eventually("a long poll", async || site.tap.count("ReceiveMessage") >= 1).await;
    let me = endpoint.me();
    drop(endpoint);
    site.forge(me, "whatever").await;
    site.tap.reset();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(site.tap.count("ReceiveMessage"), 0);
}

#[tokio::test]
async fn no_log_line_holds_a_body_or_a_receipt_handle() {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let Some(site) = Site::open().await else { return };
    let lines = Lines::default();
    let writer = lines.clone();
    let filter = Targets::new().with_target("a2a_bus_snssqs", LevelFilter::TRACE);
    let written = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(filter).with(written);
    // With one subscriber alone, a log line that another test's thread reaches first stays off for all.
    let _second = tracing::Dispatch::new(NoSubscriber::new());
    let _guard = tracing::subscriber::set_default(subscriber);

    let endpoint = site.endpoint().await;
    let secret = "s3cret";
    let to_another = BusMessage { trace: Some(secret.to_owned()), ..watch(new_instance(), 1) };
    let to_another = wire::encode(&[new_instance()], &to_another, &site.seal);
    let unproven =
        wire::encode(&[endpoint.me()], &watch(new_instance(), 1), &Seal::open()).replace("t-1", secret);
    site.forge(endpoint.me(), secret).await;
    site.forge(endpoint.me(), to_another).await;
    site.forge(endpoint.me(), unproven).await;
    site.tap.fail("DeleteMessageBatch", Strike::Before);
    let mut big = watch(endpoint.me(), 1);
    big.task.task_id = secret.repeat(60_000);
    assert!(endpoint.send(&[Recipient::direct(endpoint.me())], &big).await.is_err());
    eventually("a log line", async || {
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        ["malformed", "misaddressed", "unproven", "not deleted"].iter().all(|word| text.contains(word))
    })
    .await;
    site.tap.fail("DeleteQueue", Strike::Before);
    assert!(endpoint.close().await.is_err());
    site.tap.heal();
    endpoint.close().await.unwrap();
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains(secret), "{text}");
    assert!(!text.to_lowercase().contains("handle"), "{text}");
}
