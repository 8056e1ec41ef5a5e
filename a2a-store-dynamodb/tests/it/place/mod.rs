//! A table for one test: in a server inside the test process, or wherever `AWS_ENDPOINT_URL` points.

pub(crate) mod after;
pub(crate) mod clock;
pub(crate) mod faults;
pub(crate) mod meter;
pub(crate) mod permissions;
pub(crate) mod raw;
pub(crate) mod refusals;
pub(crate) mod remote;
pub(crate) mod stream;
mod words;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use a2a_core::Store;
use a2a_store_dynamodb::{DynamoDbConfig, DynamoDbStore, SnapshotPolicy, table};
use a2a_testkit::{Fixture, StoreFixture, async_trait};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_dynamodb::types::{AttributeValue, BillingMode, GlobalSecondaryIndex, TimeToLiveSpecification};
use dynoxide::{Database, server};
use faults::BadNetwork;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// A table, and the server that holds it where that is ours.
pub(crate) struct Place {
    endpoint: Option<String>,
    pub(crate) table: String,
    others: Mutex<Vec<String>>,
    server: Option<JoinHandle<()>>,
}

/// How a handle is opened, in whichever process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// The server inside the test process; `None` is what the environment names.
    endpoint: Option<String>,
    table: String,
    /// The seed of a bad network, from which the handle neither shields its caller nor hides snapshots.
    bad_network: Option<u64>,
}

impl Setup {
    pub(crate) fn at(endpoint: &str, table: &str) -> Self {
        Setup { endpoint: Some(endpoint.to_owned()), table: table.to_owned(), bad_network: None }
    }

    pub(crate) async fn client(&self) -> Client {
        self.client_with(|builder| builder).await
    }

    pub(crate) async fn open(&self) -> DynamoDbStore {
        let Some(seed) = self.bad_network else {
            return DynamoDbStore::with_client(self.client().await, &self.table);
        };
        let network = BadNetwork::new(seed, 3, 5);
        let client = self.client_with(|builder| builder.interceptor(network)).await;
        let often = SnapshotPolicy::default().min_log_units(16).log_per_snapshot(2);
        let config = DynamoDbConfig::default().snapshots(often).attempts(2);
        DynamoDbStore::with_client(client, &self.table).with_config(config)
    }

    async fn client_with(&self, change: impl FnOnce(Builder) -> Builder) -> Client {
        Client::from_conf(change(aws_sdk_dynamodb::config::Builder::from(&self.shared().await)).build())
    }

    /// What the environment says of region, credentials and endpoint.
    pub(crate) async fn shared(&self) -> aws_config::SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(Duration::from_secs(30))
            .build();
        let loader = aws_config::defaults(BehaviorVersion::v2026_01_12());
        let loader = match &self.endpoint {
            Some(endpoint) => loader
                .endpoint_url(endpoint)
                .region(Region::new("eu-central-1"))
                .credentials_provider(Credentials::new("test", "test", None, None, "test")),
            None => loader,
        };
        loader.timeout_config(timeouts).load().await
    }
}

#[async_trait]
impl Fixture for Place {
    /// A list that lags by two seconds is read page by page, each from many ranges.
    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }

    async fn open() -> Option<Self> {
        Some(Place::new().await)
    }

    async fn close(&self) {
        let client = self.client().await;
        for table in self.others.lock().await.iter().chain([&self.table]) {
            match client.delete_table().table_name(table).send().await {
                Ok(_) => {}
                Err(error)
                    if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {}
                Err(error) => eprintln!("the table {table} was not removed: {error}"),
            }
        }
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

#[async_trait]
impl StoreFixture for Place {
    async fn handle(&self) -> Arc<dyn Store> {
        Arc::new(self.store(|config| config).await)
    }

    async fn failing_handle(&self) -> Option<Arc<dyn Store>> {
        let store = DynamoDbStore::with_client(self.client().await, "no-such-table");
        Some(Arc::new(store.with_config(DynamoDbConfig::default().attempts(2))))
    }

    async fn unprepared_handle(&self) -> Option<Arc<dyn Store>> {
        let (client, name) = (self.client().await, self.another("unprepared").await);
        by_hand(&client, &self.table, &name).await;
        Some(Arc::new(DynamoDbStore::with_client(client, name)))
    }
}

impl Place {
    pub(crate) async fn new() -> Self {
        let table = format!("a2a-test-{}", uuid::Uuid::new_v4());
        let place = if named_endpoint() {
            Place { endpoint: None, table, others: Mutex::default(), server: None }
        } else {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("http://{}", listener.local_addr().unwrap());
            let serve = server::serve_on(listener, Database::memory().unwrap());
            #[allow(clippy::disallowed_methods, reason = "the server is aborted in `close`")]
            let server = tokio::spawn(serve);
            Place { endpoint: Some(endpoint), table, others: Mutex::default(), server: Some(server) }
        };
        let client = place.client().await;
        table::create_table(&client, &place.table, table::Protection::default(), table::Replicas::Refused)
            .await
            .unwrap();
        place
    }

    /// A new client of the server.
    pub(crate) async fn client(&self) -> Client {
        self.client_with(|builder| builder).await
    }

    /// A new client with something changed.
    pub(crate) async fn client_with(&self, change: impl FnOnce(Builder) -> Builder) -> Client {
        self.setup(None).client_with(change).await
    }

    /// The server inside the test process, unless the environment names one.
    pub(crate) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// How to open a handle, with the seed of a bad network where it is to have one.
    pub(crate) fn setup(&self, bad_network: Option<u64>) -> Setup {
        Setup { endpoint: self.endpoint.clone(), table: self.table.clone(), bad_network }
    }

    /// What is in the table, beside its format.
    pub(crate) async fn items(&self) -> Vec<HashMap<String, AttributeValue>> {
        let scan = self.client().await.scan().table_name(&self.table).send().await.unwrap();
        let items = scan.items.unwrap_or_default().into_iter();
        items.filter(|item| item["pk"] != AttributeValue::S("F".into())).collect()
    }

    /// Names one more table, which [`Fixture::close`] removes as well.
    pub(crate) async fn another(&self, suffix: &str) -> String {
        let name = format!("{}-{suffix}", self.table);
        self.others.lock().await.push(name.clone());
        name
    }

    /// A new handle with some settings changed.
    pub(crate) async fn store(&self, change: impl FnOnce(DynamoDbConfig) -> DynamoDbConfig) -> DynamoDbStore {
        let config = change(DynamoDbConfig::default());
        DynamoDbStore::with_client(self.client().await, &self.table).with_config(config)
    }
}

/// Makes a table with the schema of another one, as a template of Terraform or CloudFormation does, and nothing in it.
pub(crate) async fn by_hand(client: &Client, like: &str, name: &str) {
    let like = client.describe_table().table_name(like).send().await.unwrap().table.unwrap();
    let indexes = like.global_secondary_indexes().iter().map(|index| {
        let made = GlobalSecondaryIndex::builder().set_index_name(index.index_name.clone());
        let made = made.set_key_schema(index.key_schema.clone()).set_projection(index.projection.clone());
        made.build().unwrap()
    });
    let create = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(like.attribute_definitions.clone())
        .set_key_schema(like.key_schema.clone())
        .set_global_secondary_indexes(Some(indexes.collect()));
    create.send().await.unwrap();
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name("x").build().unwrap();
    client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send().await.unwrap();
}

/// Whether the environment names a server.
pub(crate) fn named_endpoint() -> bool {
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"].iter().any(|name| std::env::var_os(name).is_some())
}
