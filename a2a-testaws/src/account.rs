//! An account on the endpoint: emulators take a twelve-digit access key for an account of its own.

use std::env;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::{Aws, Service};

const REGION: &str = "us-east-1";

/// Credentials for one test, and where to use them.
#[derive(Debug, Clone)]
pub struct Account {
    aws: Aws,
    access_key: String,
    secret_key: String,
    region: String,
}

impl Aws {
    /// Returns an account that no other test uses, so that tests neither see nor disturb each other.
    ///
    /// With credentials in the environment it is the account of those: then tests share it.
    pub fn account(&self) -> Account {
        Account::fresh(self.clone())
    }
}

impl Account {
    fn fresh(aws: Aws) -> Self {
        let region = env::var("AWS_REGION").unwrap_or_else(|_| REGION.to_owned());
        let from_environment = || {
            let named = |name| env::var(name).ok().filter(|value| !value.is_empty());
            Some((named("AWS_ACCESS_KEY_ID")?, named("AWS_SECRET_ACCESS_KEY")?))
        };
        let (access_key, secret_key) = match (aws.emulated, from_environment()) {
            (false, Some(keys)) => keys,
            _ => (unused_account(), "test".to_owned()),
        };
        Account { aws, access_key, secret_key, region }
    }

    /// Names an account that another process has and told about: where SNS and SQS are, and its access key.
    pub fn at(sns: String, sqs: String, access_key: String) -> Self {
        let aws = Aws { dynamodb: sns.clone(), sns, sqs, emulated: true };
        Account { access_key, ..Account::fresh(aws) }
    }

    /// Returns a client configuration for one service, as the service crates' `Config::from` takes it.
    pub fn sdk_config(&self, service: Service) -> SdkConfig {
        let credentials = Credentials::new(&self.access_key, &self.secret_key, None, None, "endpoint");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .region(Region::new(self.region.clone()))
            .endpoint_url(self.aws.url(service))
            .build()
    }

    /// Returns what a process finds in its environment to work in this account, with any of AWS's SDKs.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let set = |name, value: &str| (name, value.to_owned());
        vec![
            set("AWS_ACCESS_KEY_ID", &self.access_key),
            set("AWS_SECRET_ACCESS_KEY", &self.secret_key),
            set("AWS_REGION", &self.region),
            set("AWS_ENDPOINT_URL_DYNAMODB", self.aws.url(Service::DynamoDb)),
            set("AWS_ENDPOINT_URL_SNS", self.aws.url(Service::Sns)),
            set("AWS_ENDPOINT_URL_SQS", self.aws.url(Service::Sqs)),
            // What a machine of AWS says about itself is not asked for.
            set("AWS_EC2_METADATA_DISABLED", "true"),
        ]
    }

    /// Returns the same account where the services are reached by other URLs, such as those of a proxy: DynamoDB by
    /// the first, SNS and SQS by the second.
    #[must_use]
    pub fn through(self, tables: &str, messages: &str) -> Self {
        let aws = Aws { dynamodb: tables.to_owned(), ..Aws::at(messages.to_owned(), self.aws.emulated) };
        Account { aws, ..self }
    }

    /// Returns the access key. On an emulator it is also the account's number.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }

    /// Returns the region.
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// Twelve digits that no other account of this machine has: a server may outlive a test process.
fn unused_account() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    static START: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    let start = *START.get_or_init(|| {
        let mut hasher = std::hash::DefaultHasher::new();
        std::hash::Hash::hash(&(process::id(), format!("{:?}", Instant::now())), &mut hasher);
        std::hash::Hasher::finish(&hasher)
    });
    let number = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 900_000_000_000;
    format!("{:012}", number + 100_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_has_its_own_twelve_digits() {
        let aws = Aws::at("http://127.0.0.1:1".to_owned(), true);
        let (one, other) = (aws.account(), aws.account());
        assert_ne!(one.access_key(), other.access_key());
        assert_eq!(one.access_key().len(), 12);
        assert!(one.access_key().bytes().all(|byte| byte.is_ascii_digit()));
    }
}
