//! How SNS and SQS write errors: SNS in XML, SQS in JSON with the code of its older protocol in a header.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::json;

use super::xml::escaped;
use crate::weather::call::Service;
use crate::weather::refusal::ServiceError;
use crate::weather::wire::{self, Answer};

/// An error of SNS or SQS.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    status: u16,
    /// As the Query protocol names it; SQS says it in the header `x-amzn-query-error`.
    code: &'static str,
    /// As the JSON protocol names it; SNS does not speak it.
    shape: &'static str,
    message: &'static str,
}

const fn sns(status: u16, code: &'static str, message: &'static str) -> Fault {
    Fault { status, code, shape: "", message }
}

const fn sqs(status: u16, code: &'static str, shape: &'static str, message: &'static str) -> Fault {
    Fault { status, code, shape, message }
}

pub(super) const FILTER_POLICY_LIMIT: Fault = sns(
    403,
    "FilterPolicyLimitExceeded",
    "the weather: the topic has as many filter policies as it may have",
);

pub(super) const QUEUE_DOES_NOT_EXIST: Fault = sqs(
    400,
    "AWS.SimpleQueueService.NonExistentQueue",
    "com.amazonaws.sqs#QueueDoesNotExist",
    "the weather: the specified queue does not exist",
);

pub(super) const QUEUE_DELETED_RECENTLY: Fault = sqs(
    400,
    "AWS.SimpleQueueService.QueueDeletedRecently",
    "com.amazonaws.sqs#QueueDeletedRecently",
    "the weather: a queue of this name was deleted a short time ago",
);

const DENIED: &str = "the weather: no policy allows this action";
const EXPIRED: &str = "the weather: the security token has expired";
const UNKNOWN: &str = "the weather: the security token is invalid";
const KMS_DENIED: &str = "the weather: KMS key access denied";
const KMS_DISABLED: &str = "the weather: the KMS key is disabled";
const KMS_THROTTLED: &str = "the weather: KMS is throttled";
const INTERNAL: &str = "the weather: an internal error";
const UNAVAILABLE: &str = "the weather: the service is unavailable";

/// How a service says an error; `None` where it is none of its errors.
pub(super) fn of(service: Service, error: ServiceError) -> Option<Fault> {
    match service {
        Service::DynamoDb => None,
        Service::Sns => of_sns(error),
        Service::Sqs => of_sqs(error),
    }
}

fn of_sns(error: ServiceError) -> Option<Fault> {
    Some(match error {
        ServiceError::AccessDenied => sns(403, "AuthorizationError", DENIED),
        ServiceError::ExpiredToken => sns(403, "ExpiredToken", EXPIRED),
        ServiceError::UnrecognizedClient => sns(403, "InvalidClientTokenId", UNKNOWN),
        ServiceError::KmsAccessDenied => sns(400, "KMSAccessDenied", KMS_DENIED),
        ServiceError::KmsDisabled => sns(400, "KMSDisabled", KMS_DISABLED),
        ServiceError::KmsThrottled => sns(400, "KMSThrottling", KMS_THROTTLED),
        ServiceError::InternalServerError => sns(500, "InternalError", INTERNAL),
        ServiceError::ServiceUnavailable => sns(503, "ServiceUnavailable", UNAVAILABLE),
        ServiceError::Throttling => sns(400, "Throttling", "Rate exceeded"),
        ServiceError::NotFound => sns(404, "NotFound", "the weather: the topic does not exist"),
        ServiceError::ProvisionedThroughputExceeded
        | ServiceError::RequestLimitExceeded
        | ServiceError::TransactionConflict => return None,
    })
}

fn of_sqs(error: ServiceError) -> Option<Fault> {
    Some(match error {
        ServiceError::AccessDenied => {
            sqs(403, "AccessDenied", "com.amazon.coral.service#AccessDeniedException", DENIED)
        }
        ServiceError::ExpiredToken => {
            sqs(403, "ExpiredToken", "com.amazon.coral.service#ExpiredTokenException", EXPIRED)
        }
        ServiceError::UnrecognizedClient => {
            let shape = "com.amazon.coral.service#UnrecognizedClientException";
            sqs(403, "InvalidClientTokenId", shape, UNKNOWN)
        }
        ServiceError::KmsAccessDenied => {
            sqs(400, "KMS.AccessDeniedException", "com.amazonaws.sqs#KmsAccessDenied", KMS_DENIED)
        }
        ServiceError::KmsDisabled => {
            sqs(400, "KMS.DisabledException", "com.amazonaws.sqs#KmsDisabled", KMS_DISABLED)
        }
        ServiceError::KmsThrottled => {
            sqs(400, "KMS.ThrottlingException", "com.amazonaws.sqs#KmsThrottled", KMS_THROTTLED)
        }
        ServiceError::InternalServerError => {
            sqs(500, "InternalFailure", "com.amazon.coral.service#InternalFailure", INTERNAL)
        }
        ServiceError::ServiceUnavailable => {
            let shape = "com.amazon.coral.service#ServiceUnavailableException";
            sqs(503, "ServiceUnavailable", shape, UNAVAILABLE)
        }
        ServiceError::Throttling => {
            sqs(400, "RequestThrottled", "com.amazonaws.sqs#RequestThrottled", "Request is throttled.")
        }
        ServiceError::NotFound => QUEUE_DOES_NOT_EXIST,
        ServiceError::ProvisionedThroughputExceeded
        | ServiceError::RequestLimitExceeded
        | ServiceError::TransactionConflict => return None,
    })
}

impl Fault {
    /// The error as an answer.
    pub(super) fn answer(self) -> Answer {
        self.saying(self.message)
    }

    /// The error as an answer with another message.
    pub(super) fn saying(self, message: &str) -> Answer {
        let side = if self.status < 500 { "Sender" } else { "Receiver" };
        if self.shape.is_empty() {
            let (code, message) = (self.code, escaped(message));
            let error =
                format!("<Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>");
            return xml(self.status, &document("ErrorResponse", &error, "<RequestId>weather</RequestId>"));
        }
        let mut answer = wire::answer(self.status, &json!({ "__type": self.shape, "message": message }));
        if let Ok(told) = HeaderValue::from_str(&format!("{};{side}", self.code)) {
            answer.headers_mut().insert("x-amzn-query-error", told);
        }
        answer
    }
}

/// An answer of SNS with a result.
pub(super) fn result(operation: &str, content: &str) -> Answer {
    let content = format!("<{operation}Result>{content}</{operation}Result>");
    let metadata = "<ResponseMetadata><RequestId>weather</RequestId></ResponseMetadata>";
    xml(200, &document(&format!("{operation}Response"), &content, metadata))
}

fn document(root: &str, content: &str, end: &str) -> String {
    format!("<{root} xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">{content}{end}</{root}>")
}

fn xml(status: u16, body: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_owned())));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    headers.insert("x-amzn-requestid", HeaderValue::from_static("weather"));
    answer
}
