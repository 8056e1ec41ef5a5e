//! A table for one test: in a server inside the test process, or wherever `AWS_ENDPOINT_URL` points.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "this is test code")]

pub(crate) mod faults;
pub(crate) mod meter;
pub(crate) mod stream;

use std::sync::Arc;
use std::time::Duration;

use a2a_core::Store;
use a2a_store_dynamodb::{Config, DynamoDbStore, table};
use a2a_testkit::{Fixture, StoreFixture, async_trait};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
use dynoxide::{Database, server};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A table, and the server that holds it where that is ours.
pub(crate) struct Place {
    endpoint: Option<String>,
    pub(crate) table: String,
    server: Option<JoinHandle<()>>,
}

#[async_trait]
impl Fixture for Place {
    async fn open() -> Option<Self> {
        Some(Place::new().await)
    }

    async fn close(&self) {
        let removed = self.client().await.delete_table().table_name(&self.table).send().await;
        if let Err(error) = removed {
            eprintln!("the table {} was not removed: {error}", self.table);
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
        let config = Config::new("no-such-table").attempts(2);
        Some(Arc::new(DynamoDbStore::new(self.client().await, config)))
    }
}

impl Place {
    pub(crate) async fn new() -> Self {
        let table = format!("a2a-test-{}", uuid::Uuid::new_v4());
        let place = if named_endpoint() {
            Place { endpoint: None, table, server: None }
        } else {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("http://{}", listener.local_addr().unwrap());
            let serve = server::serve_on(listener, Database::memory().unwrap());
            #[allow(clippy::disallowed_methods, reason = "the server is aborted in `close`")]
            let server = tokio::spawn(serve);
            Place { endpoint: Some(endpoint), table, server: Some(server) }
        };
        let client = place.client().await;
        table::create_table(&client, &place.table, table::Protection::default()).await.unwrap();
        place
    }

    /// A new client of the server.
    pub(crate) async fn client(&self) -> Client {
        self.client_with(|builder| builder).await
    }

    /// A new client with something changed.
    pub(crate) async fn client_with(&self, change: impl FnOnce(Builder) -> Builder) -> Client {
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
        let shared = loader.timeout_config(timeouts).load().await;
        Client::from_conf(change(aws_sdk_dynamodb::config::Builder::from(&shared)).build())
    }

    /// A new handle with some settings changed.
    pub(crate) async fn store(&self, change: impl FnOnce(Config) -> Config) -> DynamoDbStore {
        DynamoDbStore::new(self.client().await, change(Config::new(&self.table)))
    }
}

fn named_endpoint() -> bool {
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"].iter().any(|name| std::env::var_os(name).is_some())
}
