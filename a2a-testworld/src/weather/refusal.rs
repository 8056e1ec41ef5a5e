//! What the service refuses by itself: permissions, credentials, keys, and its own faults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::millis;

/// An answer that says no, for some operations and some time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// What is answered.
    pub error: ServiceError,
    /// The operations that are refused, such as `PutItem` or `sns:Publish`, or `sqs:*`; none are all.
    #[serde(default)]
    pub operations: Vec<String>,
    /// The share of attempts, from 0 to 1; 1.
    #[serde(default = "always")]
    pub chance: f64,
    /// How long after the weather was set; `None`, from then on.
    #[serde(default, rename = "lasts_ms", with = "millis::optional")]
    pub lasts: Option<Duration>,
}

fn always() -> f64 {
    1.0
}

impl Refusal {
    /// Refuses everything from now on.
    pub fn of(error: ServiceError) -> Self {
        Refusal { error, operations: Vec::new(), chance: 1.0, lasts: None }
    }

    /// Only these operations.
    pub fn on<'a>(mut self, operations: impl IntoIterator<Item = &'a str>) -> Self {
        self.operations.extend(operations.into_iter().map(str::to_owned));
        self
    }

    /// Only a share of attempts, from 0 to 1.
    pub fn with_chance(mut self, chance: f64) -> Self {
        self.chance = chance;
        self
    }

    /// Only for a while after the weather was set.
    pub fn lasting(mut self, lasts: Duration) -> Self {
        self.lasts = Some(lasts);
        self
    }
}

/// Errors as DynamoDB names them; SNS and SQS have names of their own for what they have in common with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServiceError {
    /// 400 `AccessDeniedException`: a policy does not allow the action, or does no longer. SNS: 403 `AuthorizationError`; SQS:
    /// 403 `AccessDenied`.
    AccessDenied,
    /// 400 `ExpiredTokenException`: the session of the credentials has ended. SNS and SQS: 403 `ExpiredToken`.
    ExpiredToken,
    /// 400 `UnrecognizedClientException`: the access key is unknown, or was deleted. SNS and SQS: 403 `InvalidClientTokenId`.
    UnrecognizedClient,
    /// 400 `AccessDeniedException` with a message that names KMS: the table's key may not be used. SNS: 400
    /// `KMSAccessDenied`; SQS: 400 `KMS.AccessDeniedException`.
    KmsAccessDenied,
    /// 400 `KMSDisabledException`: the table's key is disabled. Assumed: DynamoDB's documents name no code for it. SNS: 400
    /// `KMSDisabled`; SQS: 400 `KMS.DisabledException`.
    KmsDisabled,
    /// 400 `ThrottlingException` with a message that names KMS. Assumed: DynamoDB's documents name no code for it. SNS: 400
    /// `KMSThrottling`; SQS: 400 `KMS.ThrottlingException`.
    KmsThrottled,
    /// 400 `ResourceNotFoundException`: the table is not there. SNS: 404 `NotFound`; SQS: 400
    /// `AWS.SimpleQueueService.NonExistentQueue`, which is `QueueDoesNotExist`.
    NotFound,
    /// 500 `InternalServerError`. Half of the requests that it answers were applied, which AWS leaves open. SNS: 500
    /// `InternalError`; SQS: 500 `InternalFailure`.
    InternalServerError,
    /// 503 `ServiceUnavailable`.
    ServiceUnavailable,
    /// 400 `ThrottlingException`, whatever was consumed; transactions are cancelled with `ThrottlingError`. SNS: 400
    /// `Throttling`; SQS: 400 `RequestThrottled`.
    Throttling,
    /// DynamoDB only: 400 `ProvisionedThroughputExceededException`, whatever was consumed; transactions are cancelled.
    ProvisionedThroughputExceeded,
    /// DynamoDB only: 400 `RequestLimitExceeded`: the account's throughput is used up.
    RequestLimitExceeded,
    /// DynamoDB only: 400 `TransactionConflictException`; transactions are cancelled with `TransactionConflict`.
    TransactionConflict,
}

/// How one error is written.
pub(super) struct Form {
    pub(super) status: u16,
    pub(super) name: &'static str,
    /// What stands before the name, up to `#`.
    pub(super) namespace: &'static str,
    /// The code by which a cancelled transaction names it.
    pub(super) reason: Option<&'static str>,
    pub(super) message: &'static str,
}

const COMMON: &str = "com.amazon.coral.service";
const OWN: &str = "com.amazonaws.dynamodb.v20120810";

impl ServiceError {
    pub(super) fn form(self) -> Form {
        let form =
            |status, namespace, name, reason, message| Form { status, name, namespace, reason, message };
        match self {
            Self::AccessDenied => {
                form(400, COMMON, "AccessDeniedException", None, "the weather: no policy allows this action")
            }
            Self::ExpiredToken => form(
                400,
                COMMON,
                "ExpiredTokenException",
                None,
                "the weather: the security token has expired",
            ),
            Self::UnrecognizedClient => form(
                400,
                COMMON,
                "UnrecognizedClientException",
                None,
                "the weather: the security token is invalid",
            ),
            Self::KmsAccessDenied => {
                form(400, COMMON, "AccessDeniedException", None, "the weather: KMS key access denied")
            }
            Self::KmsDisabled => {
                form(400, OWN, "KMSDisabledException", None, "the weather: the table's KMS key is disabled")
            }
            Self::KmsThrottled => {
                form(400, OWN, "ThrottlingException", None, "the weather: KMS is throttled")
            }
            Self::NotFound => {
                form(400, OWN, "ResourceNotFoundException", None, "the weather: the table is not there")
            }
            Self::InternalServerError => {
                form(500, OWN, "InternalServerError", None, "the weather: an internal error")
            }
            Self::ServiceUnavailable => {
                form(503, OWN, "ServiceUnavailable", None, "the weather: the service is unavailable")
            }
            Self::Throttling => {
                form(400, OWN, "ThrottlingException", Some("ThrottlingError"), "the weather: throttled")
            }
            Self::ProvisionedThroughputExceeded => form(
                400,
                OWN,
                "ProvisionedThroughputExceededException",
                Some("ProvisionedThroughputExceeded"),
                "the weather: throttled",
            ),
            Self::RequestLimitExceeded => form(
                400,
                OWN,
                "RequestLimitExceeded",
                None,
                "the weather: the account's throughput is used up",
            ),
            Self::TransactionConflict => form(
                400,
                OWN,
                "TransactionConflictException",
                Some("TransactionConflict"),
                "the weather: another transaction is under way for the item",
            ),
        }
    }
}
