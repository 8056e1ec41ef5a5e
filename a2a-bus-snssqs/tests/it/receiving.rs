//! What an endpoint does with what it finds in its queue, and when its queue is not there.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use a2a_bus_snssqs::{QueueLifecycle, SnsSqsBus};
use a2a_core::{BackendError, EventBus, InstanceId, SystemEnv, wire};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;
use tracing::subscriber::NoSubscriber;

use crate::common::fake::FakeSqs;
use crate::common::tap::Strike;
use crate::common::{Site, new_instance, watch};

const PATIENCE: Duration = Duration::from_secs(60);

impl Site {
    async fn queue_url(&self, instance: InstanceId) -> String {
        let name = self.deployment.queue_name(instance);
        self.clients.sqs.get_queue_url().queue_name(name).send().await.unwrap().queue_url.unwrap()
    }

    /// Puts any text into an instance's queue, as whoever may send can.
    async fn forge(&self, instance: InstanceId, body: impl Into<String>) {
        let url = self.queue_url(instance).await;
        self.clients.sqs.send_message().queue_url(url).message_body(body).send().await.unwrap();
    }

    /// How many messages a queue holds, received ones included.
    async fn held(&self, instance: InstanceId) -> usize {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Waiting, ApproximateNumberOfMessagesNotVisible as Received,
        };
        let url = self.queue_url(instance).await;
        let get = self.clients.sqs.get_queue_attributes().queue_url(url);
        let attributes = get.attribute_names(Waiting).attribute_names(Received).send().await.unwrap();
        let attributes = attributes.attributes.unwrap();
        [Waiting, Received].iter().map(|name| attributes[name].parse::<usize>().unwrap()).sum()
    }
}

/// Receives, through outages.
async fn next(bus: &SnsSqsBus) -> Vec<a2a_core::BusMessage> {
    let received = async {
        loop {
            match bus.receive().await {
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
    let config = site.config();
    let lifecycle = QueueLifecycle::new(site.clients.clone(), config.clone());
    let queue = lifecycle.provision().await.unwrap();
    // Those that are unreadable come again soon rather than after half a minute.
    let hide = site.clients.sqs.set_queue_attributes().queue_url(&queue.queue_url);
    hide.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await.unwrap();
    let bus = SnsSqsBus::attach(site.clients.clone(), config, Arc::new(SystemEnv), queue.clone());
    let me = bus.me();

    let good = watch(new_instance(), 7);
    let whole = wire::encode(&[me], &good);
    let huge = whole.replace("\"t-1\"", &format!("\"{}\"", "x".repeat(900_000)));
    let nested = whole.replace("\"t-1\"", &"[".repeat(100_000));
    for body in [
        "hello".to_owned(),
        whole[..whole.len() / 2].to_owned(),
        whole.replace("\"v\":1", "\"v\":2"),
        whole.replace("\"watch\"", "\"write\""),
        whole.replace(&me.to_string(), &new_instance().to_string()),
        nested,
        "{\"Type\":\"Notification\",\"Message\":\"not delivered raw\"}".to_owned(),
    ] {
        site.forge(me, body).await;
    }
    // One that is too large for a commit to be, but well formed, is for its reader to judge.
    site.forge(me, huge).await;
    site.forge(me, whole.clone()).await;
    site.forge(me, whole).await;

    let mut got = Vec::new();
    while got.len() < 3 {
        got.extend(next(&bus).await);
    }
    assert_eq!(got.iter().filter(|message| **message == good).count(), 2, "a replay is for versions to tell");
    eventually("the hostile messages' end", async || site.held(me).await == 0).await;
    bus.close().await.unwrap();
    assert!(lifecycle.teardown(&queue).await.is_empty());
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn what_was_handed_over_is_deleted() {
    let Some(site) = Site::open().await else { return };
    let (sender, reader) = (site.bus().await, site.bus().await);
    let sends = (0..25).map(|n| {
        let (sender, reader) = (&sender, reader.me());
        async move { sender.send(&[reader], &watch(sender.me(), n)).await.unwrap() }
    });
    assert!(futures::future::join_all(sends).await.iter().all(|delivery| delivery.gone.is_empty()));
    let mut got = 0;
    while got < 25 {
        got += next(&reader).await.len();
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
    let sender = site.bus().await;
    let reader = site.bus_as(site.config().inbox(20)).await;
    for n in 0..100 {
        let delivery = sender.send(&[reader.me()], &watch(sender.me(), n)).await.unwrap();
        assert!(delivery.gone.is_empty());
    }
    eventually("a full inbox", async || site.held(reader.me()).await <= 90).await;
    assert!(site.held(reader.me()).await >= 80, "the rest waits in SQS");
    let mut got = std::collections::BTreeSet::new();
    while got.len() < 100 {
        for message in next(&reader).await {
            got.insert(format!("{:?}", message.news));
        }
    }
    sender.close().await.unwrap();
    reader.close().await.unwrap();
}

#[tokio::test]
async fn a_backlog_calls_helpers_and_its_end_sends_them_away() {
    let Some(site) = Site::open().await else { return };
    let reader = QueueLifecycle::new(site.clients.clone(), site.config());
    let queue = reader.provision().await.unwrap();
    let instance: InstanceId = queue.queue_arn.rsplit_once(":a2a-").unwrap().1.parse().unwrap();
    for n in 0..300 {
        site.forge(instance, wire::encode(&[instance], &watch(instance, n))).await;
    }
    let config = a2a_bus_snssqs::Config::new(site.deployment.clone(), instance).receivers(3);
    let bus = SnsSqsBus::attach(site.clients.clone(), config, Arc::new(SystemEnv), queue.clone());
    let mut got = 0;
    while got < 300 {
        got += next(&bus).await.len();
    }
    // Helpers poll for a second each; soon only the first one does, twenty times more seldom.
    eventually("the helpers' end", async || {
        site.tap.reset();
        tokio::time::sleep(Duration::from_secs(2)).await;
        site.tap.count("ReceiveMessage") == 0
    })
    .await;
    bus.close().await.unwrap();
    assert_eq!(
        site.queues().await,
        std::slice::from_ref(&queue.queue_url),
        "what an operator made is the operator's"
    );
    assert_eq!(site.subscriptions().await.len(), 1);
    assert!(reader.teardown(&queue).await.is_empty());
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_queue_that_somebody_deleted_is_made_again() {
    let Some(site) = Site::open().await else { return };
    // A poll that is under way would notice it only after its 20 seconds.
    site.tap.fail("ReceiveMessage", Strike::Before);
    let (sender, reader) = (site.bus().await, site.bus().await);
    let url = site.queue_url(reader.me()).await;
    site.clients.sqs.delete_queue().queue_url(url).send().await.unwrap();
    site.tap.heal();
    let gone = sender.send(&[reader.me()], &watch(sender.me(), 1)).await.unwrap().gone;
    assert!(gone.is_empty() || gone == [reader.me()]);

    eventually("a new queue", async || site.queues().await.len() == 2).await;
    for to in [vec![reader.me()], vec![reader.me(), sender.me()]] {
        let message = watch(sender.me(), 1 + to.len() as u64);
        assert!(sender.send(&to, &message).await.unwrap().gone.is_empty());
        assert_eq!(next(&reader).await, [message]);
    }
    sender.close().await.unwrap();
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
                    let body = wire::encode(&[me.parse().unwrap()], &watch(me.parse().unwrap(), 1));
                    json!({ "Messages": [{ "MessageId": "1", "ReceiptHandle": "h", "Body": body }] })
                }
            }
        }
    });
    let bus = service.bus(|config| config);
    let (mut told, mut before) = (0, tokio::time::Instant::now());
    let messages = loop {
        let received = bus.receive().await;
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
    bus.close().await.unwrap();
}

#[tokio::test]
async fn close_takes_seconds_at_most_with_long_polls_open_and_leaves_nothing() {
    let Some(site) = Site::open().await else { return };
    let buses = [site.bus().await, site.bus().await, site.bus().await];
    eventually("a long poll each", async || site.tap.count("ReceiveMessage") >= 3).await;
    let start = Instant::now();
    futures::future::join_all(buses.iter().map(EventBus::close)).await.into_iter().for_each(Result::unwrap);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_close_that_fails_says_so_and_can_be_repeated() {
    let Some(site) = Site::open().await else { return };
    let bus = site.bus().await;
    site.tap.fail("DeleteQueue", Strike::Before);
    let error = bus.close().await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    site.tap.heal();
    bus.close().await.unwrap();
    site.assert_nothing_is_left().await;
}

#[tokio::test]
async fn a_dropped_endpoint_stops_receiving() {
    let Some(site) = Site::open().await else { return };
    let bus = site.bus().await;
    eventually("a long poll", async || site.tap.count("ReceiveMessage") >= 1).await;
    let me = bus.me();
    drop(bus);
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
    let filter = tracing_subscriber::EnvFilter::new("off,a2a_bus_snssqs=trace");
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || writer.clone()).finish();
    // With one subscriber alone, a log line that another test's thread reaches first stays off for all.
    let _second = tracing::Dispatch::new(NoSubscriber::new());
    let _guard = tracing::subscriber::set_default(subscriber);

    let bus = site.bus().await;
    let secret = "s3cret";
    let to_another = wire::encode(&[new_instance()], &watch(new_instance(), 1)).replace("t-1", secret);
    site.forge(bus.me(), secret).await;
    site.forge(bus.me(), to_another).await;
    site.tap.fail("DeleteMessageBatch", Strike::Before);
    let mut big = watch(bus.me(), 1);
    big.task.task_id = secret.repeat(60_000);
    assert!(bus.send(&[bus.me()], &big).await.is_err());
    eventually("a log line", async || {
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        ["malformed", "misaddressed", "not deleted"].iter().all(|word| text.contains(word))
    })
    .await;
    site.tap.fail("DeleteQueue", Strike::Before);
    assert!(bus.close().await.is_err());
    site.tap.heal();
    bus.close().await.unwrap();
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(!text.contains(secret), "{text}");
    assert!(!text.to_lowercase().contains("handle"), "{text}");
}
