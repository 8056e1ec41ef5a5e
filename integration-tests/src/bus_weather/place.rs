//! Instances on a store in memory that reach each other over SNS and SQS, with the weather between.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_snssqs::{Clients, SnsSqsBus, SnsSqsConfig, TopicArn, create_topic};
use a2a_cluster::{BusState, Cluster, Config};
use a2a_store_memory::MemoryStore;
use a2a_testaws::{Account, Service};
use a2a_testkit::ScriptedAgent;
use a2a_testworld::weather::WeatherProxy;
use a2a_testworld::world::{Node, card, webhooks};
use aws_types::SdkConfig;
use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};

/// A start, or a shutdown, that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(180);
/// How long agents and streams of an instance that leaves may go on.
const GRACE: Duration = Duration::from_secs(20);

/// One topic, and whoever shares it.
#[derive(Debug)]
pub struct Place {
    /// What stands between.
    pub proxy: WeatherProxy,
    /// The instances, the oldest first.
    pub nodes: Vec<Arc<Node>>,
    config: SdkConfig,
    topic: TopicArn,
    around: Clients,
    store: Arc<MemoryStore>,
}

impl Place {
    /// A topic in an account, in clear weather, and nobody there yet.
    ///
    /// # Panics
    ///
    /// Where the endpoint of the account fails.
    pub async fn make(account: &Account, seed: u64) -> Self {
        let direct = account.sdk_config(Service::Sqs);
        let proxy = WeatherProxy::before(direct.endpoint_url().unwrap(), seed).await.unwrap();
        let name = format!("weather-{:016x}", fastrand::u64(..));
        let topic = create_topic(&aws_sdk_sns::Client::new(&direct), &name).await.unwrap();
        let config = direct.to_builder().endpoint_url(proxy.url()).build();
        let around = Clients::new(&direct, &topic);
        Place { proxy, nodes: Vec::new(), config, topic, around, store: Arc::default() }
    }

    /// Starts so many instances at once, and returns once they serve: none waits for its queue.
    ///
    /// # Panics
    ///
    /// Where one does not start.
    pub async fn join(&mut self, instances: usize) {
        let starts = (0..instances).map(|_| {
            // Each has clients of its own, like a process.
            let bus = SnsSqsBus::new(&self.config, self.topic.clone()).unwrap();
            let bus = bus.config(SnsSqsConfig::default().probe_every(Duration::from_secs(10)));
            let builder = Cluster::builder(Arc::new(ScriptedAgent::default()), card());
            let builder = builder.webhooks(webhooks()).store(self.store.clone()).bus(Arc::new(bus));
            builder.config(Config::default()).start()
        });
        let started = timeout(PATIENCE, join_all(starts)).await.unwrap();
        self.nodes.extend(started.into_iter().map(|cluster| Arc::new(Node::of(cluster.unwrap()))));
    }

    /// Waits until all are connected; returns how long that took.
    ///
    /// # Panics
    ///
    /// Where one does not get its queue.
    pub async fn connected(&self) -> Duration {
        let began = Instant::now();
        for node in &self.nodes {
            while node.cluster.readiness().bus() != BusState::Connected {
                assert!(
                    began.elapsed() < PATIENCE,
                    "an instance gets no queue: {}",
                    node.cluster.readiness()
                );
                sleep(Duration::from_millis(20)).await;
            }
        }
        began.elapsed()
    }

    /// Takes the oldest out; they are to be shut down.
    pub fn oldest(&mut self, instances: usize) -> Vec<Arc<Node>> {
        self.nodes.drain(..instances).collect()
    }

    /// How many queues and subscriptions of the topic there are, whatever the weather.
    ///
    /// # Panics
    ///
    /// Where the endpoint of the account fails.
    pub async fn left_over(&self) -> [usize; 2] {
        let listed = self.around.sqs.list_queues().queue_name_prefix(self.topic.name()).max_results(1000);
        let queues = listed.into_paginator().send().try_collect().await.unwrap();
        let queues = queues.iter().map(|page| page.queue_urls().len()).sum();
        let listed = self.around.sns.list_subscriptions_by_topic().topic_arn(self.topic.to_string());
        let pages = listed.into_paginator().send().try_collect().await.unwrap();
        [queues, pages.iter().map(|page| page.subscriptions().len()).sum()]
    }
}

/// Shuts instances down, all at once.
///
/// # Panics
///
/// Where one hangs.
pub(super) async fn leave(nodes: Vec<Arc<Node>>) {
    let shutdowns = nodes.iter().map(|node| node.cluster.shutdown(GRACE));
    timeout(PATIENCE, join_all(shutdowns)).await.unwrap();
}
