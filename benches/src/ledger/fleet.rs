//! Instances on DynamoDB, SNS and SQS, all of whose calls one meter counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use a2a::AgentCard;
use a2a_bus_snssqs::{Clients, SnsSqsBus, create_topic};
use a2a_cluster::BusState;
use a2a_cluster::{Cluster, ClusterHandler, Config};
use a2a_core::{InstanceId, SystemEnv};
use a2a_node::meter::{Bill, Meter};
use a2a_store_dynamodb::{DynamoDbStore, table};
use a2a_testaws::{Account, Service};
use a2a_testkit::ScriptedAgent;
use futures::future::{join_all, try_join_all};
use tokio::time::{Instant, sleep};

use crate::Error;

/// Longer than a delete waits for others, and than lists lag behind a status.
const QUIET: Duration = Duration::from_millis(2500);

/// Instances that only do what they are asked to: what idle ones do is counted apart.
pub(super) fn silent() -> Config {
    let never = Duration::from_secs(24 * 3600);
    Config::default().beat_interval(never).lease(never * 4)
}

fn card() -> AgentCard {
    let mut card = a2a_testkit::card("ledger");
    card.capabilities.push_notifications = None;
    card
}

/// A cluster with a table and a topic of its own.
#[derive(Debug)]
pub(super) struct Fleet {
    clusters: Vec<Cluster>,
    meter: Meter,
    agent: ScriptedAgent,
    next: AtomicU64,
}

impl Fleet {
    pub(super) async fn start(account: &Account, instances: usize, config: Config) -> Result<Self, Error> {
        let meter = Meter::default();
        let dynamodb = aws_sdk_dynamodb::config::Builder::from(&account.sdk_config(Service::DynamoDb));
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(dynamodb.interceptor(meter.clone()).build());
        let sns = aws_sdk_sns::config::Builder::from(&account.sdk_config(Service::Sns));
        let sqs = aws_sdk_sqs::config::Builder::from(&account.sdk_config(Service::Sqs));
        let clients = Clients {
            sns: aws_sdk_sns::Client::from_conf(sns.interceptor(meter.clone()).build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.interceptor(meter.clone()).build()),
        };
        let name = format!("ledger-{}", InstanceId::generate(&SystemEnv));
        table::create_table(&dynamodb, &name, table::Protection::default(), table::Replicas::Refused).await?;
        let topic = create_topic(&clients.sns, &name).await?;
        let agent = ScriptedAgent::default();
        let start = async || {
            let bus = SnsSqsBus::with_clients(clients.clone(), topic.clone())?;
            let store = DynamoDbStore::with_client(dynamodb.clone(), &name);
            let builder = Cluster::builder(Arc::new(agent.clone()), card());
            let builder = builder.store(Arc::new(store)).bus(Arc::new(bus)).config(config.clone());
            Ok::<_, Error>(builder.start().await?)
        };
        let clusters = try_join_all((0..instances).map(|_| start())).await?;
        let is_connected = |one: &Cluster| one.readiness().bus() == BusState::Connected;
        while !clusters.iter().all(is_connected) {
            sleep(Duration::from_millis(50)).await;
        }
        let fleet = Fleet { clusters, meter, agent, next: AtomicU64::new(1) };
        fleet.quiet().await;
        Ok(fleet)
    }

    /// The handler of the instance with this number, the first one being that which runs the agents.
    pub(super) fn handler(&self, number: usize) -> Result<Arc<ClusterHandler>, Error> {
        Ok(self.clusters.get(number).ok_or("there are fewer instances")?.handler())
    }

    pub(super) fn size(&self) -> usize {
        self.clusters.len()
    }

    /// The name of a latch at which nobody has waited yet.
    pub(super) fn latch(&self) -> String {
        self.next.fetch_add(1, Ordering::Relaxed).to_string()
    }

    /// Lets the agent go on that waits at a latch.
    pub(super) fn open(&self, latch: &str) {
        self.agent.latches().open(latch);
    }

    pub(super) fn bill(&self) -> Bill {
        self.meter.bill()
    }

    /// Waits until nobody calls AWS any more, open polls aside.
    pub(super) async fn quiet(&self) {
        let (mut last, mut since) = (self.meter.bill().requests, Instant::now());
        while since.elapsed() < QUIET {
            sleep(Duration::from_millis(50)).await;
            let now = self.meter.bill().requests;
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }

    pub(super) async fn stop(self) {
        join_all(self.clusters.iter().map(|cluster| cluster.shutdown(Duration::ZERO))).await;
    }
}
