//! A table in a server inside the test process, the weather before it, and a clock that stands still until the test
//! advances it.

use std::collections::HashMap;
use std::sync::mpsc;
use std::time::Duration;

use a2a_testworld::weather::{Counts, WeatherProxy};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType,
};
use dynoxide::{Database, server};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use tokio_util::task::TaskTracker;

pub(crate) const TABLE: &str = "things";
/// Its keys are `owner` and `at`; it holds `state`.
pub(crate) const BY_OWNER: &str = "by-owner";
/// Its key is `kind`, and it holds keys only.
pub(crate) const BY_KIND: &str = "by-kind";

pub(crate) type Item = HashMap<String, AttributeValue>;

/// A table with the weather before it.
pub(crate) struct Place {
    pub(crate) proxy: WeatherProxy,
    /// Behind the weather, without retries or timeouts.
    pub(crate) client: Client,
    /// Around the weather.
    pub(crate) direct: Client,
    pub(crate) endpoint: String,
    _server: AbortOnDropHandle<()>,
    _standing: mpsc::Sender<()>,
}

impl Place {
    /// Opens one, on a runtime whose clock is paused.
    pub(crate) async fn new() -> Self {
        Self::seeded(7).await
    }

    pub(crate) async fn seeded(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let serve = server::serve_on(listener, Database::memory().unwrap());
        let server = AbortOnDropHandle::new(TaskTracker::new().spawn(serve));
        let proxy = WeatherProxy::before(&endpoint, seed).await.unwrap();
        let (client, direct) =
            (client(&proxy.url(), |builder| builder), client(&endpoint, |builder| builder));
        create(&direct).await;
        Place { proxy, client, direct, endpoint, _server: server, _standing: standing() }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.proxy.counts()
    }

    /// Puts an item; returns what the SDK says.
    pub(crate) async fn put(&self, item: Item) -> Result<(), Failed> {
        let put = self.client.put_item().table_name(TABLE).set_item(Some(item));
        put.send().await.map(drop).map_err(|error| Failed::of(error.into()))
    }

    /// What the table has, whatever the weather.
    pub(crate) async fn has(&self, pk: &str, sk: &str) -> Option<Item> {
        let get = self.direct.get_item().table_name(TABLE).consistent_read(true).set_key(Some(key(pk, sk)));
        get.send().await.unwrap().item
    }

    /// Waits in real time until the counts say so.
    pub(crate) async fn until(&self, seen: impl Fn(&Counts) -> bool) {
        while !seen(&self.counts()) {
            tokio::task::yield_now().await;
        }
    }
}

/// While it is there, the paused clock does not go on by itself when all wait for a socket.
pub(crate) fn standing() -> mpsc::Sender<()> {
    let (standing, end) = mpsc::channel::<()>();
    drop(tokio::task::spawn_blocking(move || end.recv()));
    standing
}

/// What an error says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed {
    /// Its code; `None` where there was no answer.
    pub(crate) code: Option<String>,
    /// Reasons and resources of throttling.
    pub(crate) throttled: Vec<(String, String)>,
}

impl Failed {
    pub(crate) fn of(error: aws_sdk_dynamodb::Error) -> Self {
        use aws_sdk_dynamodb::Error::{ProvisionedThroughputExceededException, ThrottlingException};
        use aws_sdk_dynamodb::error::ProvideErrorMetadata;
        let reasons = match &error {
            ThrottlingException(error) => error.throttling_reasons(),
            ProvisionedThroughputExceededException(error) => error.throttling_reasons(),
            _ => &[],
        };
        let told = |part: &Option<String>| part.clone().unwrap_or_default();
        let throttled = reasons.iter().map(|one| (told(&one.reason), told(&one.resource))).collect();
        Failed { code: error.code().map(str::to_owned), throttled }
    }
}

/// A client of an endpoint, with something changed.
pub(crate) fn client(endpoint: &str, change: impl FnOnce(Builder) -> Builder) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled());
    Client::from_conf(change(config).build())
}

pub(crate) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn key(pk: &str, sk: &str) -> Item {
    [("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))].into()
}

/// An item with some more attributes.
pub(crate) fn item(pk: &str, sk: &str, more: &[(&str, &str)]) -> Item {
    let mut item = key(pk, sk);
    item.extend(more.iter().map(|(name, value)| ((*name).to_owned(), s(*value))));
    item
}

pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

async fn create(client: &Client) {
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let attribute = |name: &str| {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        attribute.attribute_type(ScalarAttributeType::S).build().unwrap()
    };
    let some = Projection::builder().projection_type(ProjectionType::Include).non_key_attributes("state");
    let by_owner = GlobalSecondaryIndex::builder()
        .index_name(BY_OWNER)
        .key_schema(key("owner", KeyType::Hash))
        .key_schema(key("at", KeyType::Range))
        .projection(some.build());
    let by_kind = GlobalSecondaryIndex::builder()
        .index_name(BY_KIND)
        .key_schema(key("kind", KeyType::Hash))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
    let mut create = client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(by_owner.build().unwrap())
        .global_secondary_indexes(by_kind.build().unwrap());
    for name in ["pk", "sk", "owner", "at", "kind"] {
        create = create.attribute_definitions(attribute(name));
    }
    create.send().await.unwrap();
}
