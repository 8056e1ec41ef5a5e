//! The bus beside the bare SDK, on the same endpoint, interleaved in one run.
//!
//! `cargo bench -p a2a-bus-snssqs`. Two comparisons, each with the bound that it shall keep:
//!
//! - the median time from a send to its receive, at most 1.25 × that of `send_message` and `receive_message`;
//! - messages a second from one sender to one receiver, at least 3 × that of a publish and a receive at a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a program for people that may stop at any failure"
)]

#[path = "../tests/it/common/mod.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod common;

use std::time::{Duration, Instant};

use a2a_core::{Endpoint, Env, InstanceId, SystemEnv};
use common::{Site, by_topic, watch};
use futures::stream::{self, StreamExt};

const ROUNDS: usize = 200;
const ONE_BY_ONE: usize = 200;
const MANY: u64 = 4_000;
const AT_ONCE: usize = 64;

fn main() {
    // `cargo test --benches` starts this too, to see whether it runs.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run());
}

async fn run() {
    let Some(site) = Site::open().await else { return };
    let queue = Queue::make(&site, "bare").await;
    let [sender, reader, third] = [site.endpoint().await, site.endpoint().await, site.endpoint().await];
    let (sender, reader, third) = (&*sender, &*reader, &*third);

    let (mut bare, mut bus, mut fanned) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare.push(queue.one_way().await);
        bus.push(one_way(sender, reader, &[reader.me()]).await);
        fanned.push(one_way(sender, reader, &[reader.me(), third.me()]).await);
    }
    let (bare, bus, fanned) = (median(bare), median(bus), median(fanned));
    println!("\nfrom send to receive, median of {ROUNDS}, interleaved");
    println!("  bare send_message/receive_message  {bare:>10.2?}");
    println!("  bus, one recipient                 {bus:>10.2?}");
    println!("  bus, two recipients                {fanned:>10.2?}");
    verdict("bus to bare", bus.as_secs_f64() / bare.as_secs_f64(), |ratio| ratio <= 1.25, "at most 1.25");

    let one_by_one = queue.one_by_one(&site).await;
    let straight = throughput(sender, reader, &[reader.me()]).await;
    let one_by_one_again = queue.one_by_one(&site).await;
    let published = throughput(sender, reader, &[reader.me(), third.me()]).await;
    let baseline = one_by_one.max(one_by_one_again);
    println!("\nmessages a second, one sender, one receiver");
    println!("  one publish and one receive at a time  {baseline:>8.0}");
    println!("  bus, one recipient                     {straight:>8.0}");
    println!("  bus, two recipients                    {published:>8.0}");
    verdict("bus to one at a time", straight / baseline, |ratio| ratio >= 3.0, "at least 3");

    for endpoint in [sender, reader, third] {
        endpoint.close().await.unwrap();
    }
}

fn verdict(what: &str, ratio: f64, keeps: impl Fn(f64) -> bool, bound: &str) {
    let word = if keeps(ratio) { "kept" } else { "MISSED" };
    println!("  {what}: {ratio:.2} ({bound}: {word})");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// An emulator looks at its queues every so often: a send must not always fall on the same moment.
async fn at_any_moment() {
    tokio::time::sleep(Duration::from_millis(5) + Duration::from_millis(100).mul_f64(SystemEnv.chance()))
        .await;
}

async fn one_way(sender: &dyn Endpoint, reader: &dyn Endpoint, to: &[InstanceId]) -> Duration {
    at_any_moment().await;
    let start = Instant::now();
    let (to, message) = (by_topic(to), watch(sender.me(), 1));
    let (sent, received) = tokio::join!(sender.send(&to, &message), reader.receive());
    assert!(sent.unwrap().gone.is_empty());
    assert!(!received.unwrap().is_empty());
    start.elapsed()
}

async fn throughput(sender: &dyn Endpoint, reader: &dyn Endpoint, to: &[InstanceId]) -> f64 {
    let (to, start) = (&*by_topic(to), Instant::now());
    let sending =
        stream::iter(0..MANY)
            .map(|n| async move {
                assert!(sender.send(to, &watch(sender.me(), n)).await.unwrap().gone.is_empty())
            })
            .buffer_unordered(AT_ONCE)
            .for_each(|()| async {});
    let receiving = async {
        let mut got = 0;
        while got < MANY {
            got += reader.receive().await.unwrap().len() as u64;
        }
    };
    tokio::join!(sending, receiving);
    MANY as f64 / start.elapsed().as_secs_f64()
}

/// A queue on a topic, used as simply as the SDK allows.
struct Queue {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl Queue {
    async fn make(site: &Site, name: &str) -> Self {
        let sqs = site.clients.sqs.clone();
        let url = sqs.create_queue().queue_name(name).send().await.unwrap().queue_url.unwrap();
        let topic = &site.topic;
        let arn = format!("arn:aws:sqs:{}:{}:{name}", topic.region(), topic.account());
        let subscribe = site.clients.sns.subscribe().topic_arn(topic.to_string()).protocol("sqs");
        let subscribe = subscribe.endpoint(arn).attributes("RawMessageDelivery", "true");
        let only_bare = subscribe.attributes("FilterPolicy", r#"{"to":["bare"]}"#);
        only_bare.send().await.unwrap();
        Queue { sqs, url }
    }

    async fn one_way(&self) -> Duration {
        let receiving = self.sqs.receive_message().queue_url(&self.url).wait_time_seconds(20).send();
        let sending = async {
            at_any_moment().await;
            let start = Instant::now();
            self.sqs.send_message().queue_url(&self.url).message_body("x".repeat(200)).send().await.unwrap();
            start
        };
        let (start, received) = tokio::join!(sending, async { (receiving.await.unwrap(), Instant::now()) });
        self.delete(&received.0).await;
        received.1 - start
    }

    /// A sender that publishes and a receiver that receives and deletes, each one message at a time.
    async fn one_by_one(&self, site: &Site) -> f64 {
        use aws_sdk_sns::types::MessageAttributeValue;

        let start = Instant::now();
        let sending = async {
            for _ in 0..ONE_BY_ONE {
                let to = MessageAttributeValue::builder().data_type("String").string_value("bare").build();
                let publish = site.clients.sns.publish().topic_arn(site.topic.to_string());
                let publish = publish.message("x".repeat(200)).message_attributes("to", to.unwrap());
                publish.send().await.unwrap();
            }
        };
        let receiving = async {
            let mut got = 0;
            while got < ONE_BY_ONE {
                let receive = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(1);
                let received = receive.wait_time_seconds(20).send().await.unwrap();
                self.delete(&received).await;
                got += received.messages().len();
            }
        };
        tokio::join!(sending, receiving);
        ONE_BY_ONE as f64 / start.elapsed().as_secs_f64()
    }

    async fn delete(&self, received: &aws_sdk_sqs::operation::receive_message::ReceiveMessageOutput) {
        for message in received.messages() {
            let delete = self.sqs.delete_message().queue_url(&self.url);
            delete.receipt_handle(message.receipt_handle().unwrap()).send().await.unwrap();
        }
    }
}
