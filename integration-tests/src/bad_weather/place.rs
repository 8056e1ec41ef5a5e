//! Some instances on one table, and the weather between them.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_memory::MemoryBus;
use a2a_cluster::Config;
use a2a_store_dynamodb::{DynamoDbStore, table};
use a2a_testworld::backends::roster;
use a2a_testworld::weather::WeatherProxy;
use a2a_testworld::world::{Node, eventually, node};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_types::SdkConfig;
use aws_types::sdk_config::SharedCredentialsProvider;
use dynoxide::{Database, server};
use tokio::net::TcpListener;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

/// The name of the table.
pub(super) const TABLE: &str = "tasks";

/// Instances in this process, on a server of DynamoDB in this process.
#[derive(Debug)]
pub struct Place {
    /// What stands between.
    pub proxy: WeatherProxy,
    /// The instances.
    pub nodes: Vec<Arc<Node>>,
    /// The same table, whatever the weather.
    pub(super) around: Arc<DynamoDbStore>,
    _server: AbortOnDropHandle<()>,
}

impl Place {
    /// Starts so many instances, in clear weather.
    ///
    /// # Panics
    ///
    /// Where one does not start.
    pub async fn start(instances: usize, seed: u64, config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serve = server::serve_on(listener, Database::memory().unwrap());
        let server = AbortOnDropHandle::new(TaskTracker::new().spawn(serve));
        let (none, refused) = (table::Protection::default(), table::Replicas::Refused);
        table::create_table(&Client::new(&account(&endpoint)), TABLE, none, refused).await.unwrap();
        let proxy = WeatherProxy::before(&endpoint, seed).await.unwrap();
        let (bus, mut nodes) = (Arc::new(MemoryBus::new()), Vec::new());
        for _ in 0..instances {
            let store = Arc::new(DynamoDbStore::new(&account(&proxy.url()), TABLE));
            nodes.push(Arc::new(node(store, bus.clone(), |builder| builder.config(config.clone())).await));
        }
        Place {
            proxy,
            nodes,
            around: Arc::new(DynamoDbStore::new(&account(&endpoint), TABLE)),
            _server: server,
        }
    }

    /// How many members were declared dead, whether they know or not.
    pub(super) async fn evicted(&self) -> usize {
        let moved = self.nodes.iter().filter(|node| node.cluster.id() != node.first_id).count();
        let members = roster(&*self.around).await;
        let known = self.nodes.iter().filter(|node| {
            members.iter().any(|member| member.id == node.first_id && !member.state.is_final())
        });
        moved.max(self.nodes.len() - known.count())
    }

    /// Waits until all instances are ready.
    ///
    /// # Panics
    ///
    /// Where they do not become ready.
    pub(super) async fn ready(&self) {
        eventually("all are ready", async || self.nodes.iter().all(|node| node.cluster.is_ready())).await;
    }

    /// Stops all instances.
    pub async fn stop(self) {
        for node in &self.nodes {
            node.cluster.shutdown(Duration::from_secs(1)).await;
        }
    }
}

fn account(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("test", "test", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}
