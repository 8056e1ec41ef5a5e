//! Which endpoint it is: what the environment names, LocalStack, or MiniStack.

use std::env;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::OnceLock;

use crate::say::say;
use crate::service::Service;
use crate::{engine, localstack, localstack_in_python, ministack};

/// Where the services are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    pub(crate) dynamodb: String,
    pub(crate) sns: String,
    pub(crate) sqs: String,
    pub(crate) emulated: bool,
}

impl Aws {
    /// Returns the URL of a service.
    pub fn url(&self, service: Service) -> &str {
        match service {
            Service::DynamoDb => &self.dynamodb,
            Service::Sns => &self.sns,
            Service::Sqs => &self.sqs,
        }
    }

    /// Returns the address of the endpoint, where it is one socket for all services and speaks no TLS.
    pub fn socket(&self) -> Option<SocketAddr> {
        let one = self.dynamodb == self.sns && self.sns == self.sqs;
        let authority = self.sqs.strip_prefix("http://")?.trim_end_matches('/');
        one.then(|| authority.to_socket_addrs().ok()?.next()).flatten()
    }

    pub(crate) fn at(url: String, emulated: bool) -> Self {
        Aws { dynamodb: url.clone(), sns: url.clone(), sqs: url, emulated }
    }

    fn from_environment() -> Option<Self> {
        let named =
            |service: &str| env::var(format!("AWS_ENDPOINT_URL{service}")).ok().filter(|url| !url.is_empty());
        let of = |service| named(service).or_else(|| named(""));
        Some(Aws { dynamodb: of("_DYNAMODB")?, sns: of("_SNS")?, sqs: of("_SQS")?, emulated: false })
    }
}

/// Finds or starts the endpoint of this test process. The first call may take seconds and blocks.
///
/// Returns `None` where there is no endpoint, after saying why.
///
/// # Panics
///
/// Where there is none although `CI` is set.
pub fn aws() -> Option<&'static Aws> {
    static FOUND: OnceLock<Result<Aws, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| match env::var("A2A_ENDPOINT") {
        Ok(wish) if !wish.is_empty() => the_one(&wish),
        _ => first(Aws::from_environment(), engine::answers, localstack::url, ministack::url),
    });
    wanted("AWS endpoint", found.as_ref())
}

/// Starts the one that was asked for, and no other.
fn the_one(wish: &str) -> Result<Aws, String> {
    match wish {
        "ministack" => ministack::url().map(|url| Aws::at(url, true)),
        "localstack" if engine::answers() => localstack::url().map(|url| Aws::at(url, true)),
        "localstack" => {
            let (dynamodb, messages) = (ministack::url()?, localstack_in_python::url()?);
            Ok(Aws { dynamodb, sns: messages.clone(), sqs: messages, emulated: true })
        }
        other => Err(format!("A2A_ENDPOINT is {other:?}, not localstack or ministack")),
    }
}

/// Takes the first that there is, and starts nothing that comes after it.
fn first(
    named: Option<Aws>,
    docker: impl FnOnce() -> bool,
    localstack: impl FnOnce() -> Result<String, String>,
    ministack: impl FnOnce() -> Result<String, String>,
) -> Result<Aws, String> {
    if let Some(aws) = named {
        return Ok(aws);
    }
    if docker() {
        match localstack() {
            Ok(url) => return Ok(Aws::at(url, true)),
            Err(why) => say(&format!("no LocalStack, so MiniStack instead: {why}")),
        }
    }
    ministack().map(|url| Aws::at(url, true))
}

/// What a test cannot do without: where it is missing, says so, and that the test is skipped.
///
/// # Panics
///
/// Where it is missing although `CI` is set.
#[expect(clippy::panic, reason = "a test without the service that it is about must fail where `CI` is set")]
pub fn wanted<T>(what: &str, found: Result<T, impl std::fmt::Display>) -> Option<T> {
    match found {
        Ok(found) => Some(found),
        Err(why) if env::var_os("CI").is_some() => panic!("no {what} for tests: {why}"),
        Err(why) => {
            say(&format!("SKIPPED, no {what} for tests: {why}"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
