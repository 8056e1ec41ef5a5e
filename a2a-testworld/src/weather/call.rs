//! Which service and which operation a request is, and which actions of IAM it needs.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::{Map, Value};

use super::endpoint::Head;
use super::messaging::form::Form;

const TARGET: &str = "x-amz-target";
const DYNAMODB: &str = "DynamoDB_20120810.";
const SQS: &str = "AmazonSQS.";
/// The version of SNS's Query protocol, by which its requests are known.
const SNS_VERSION: &str = "2010-03-31";

/// A service that the weather plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Service {
    DynamoDb,
    Sns,
    Sqs,
}

impl Service {
    /// How IAM begins the names of its actions.
    fn prefix(self) -> &'static str {
        match self {
            Service::DynamoDb => "dynamodb",
            Service::Sns => "sns",
            Service::Sqs => "sqs",
        }
    }
}

/// An operation of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) service: Service,
    /// Such as `PutItem`.
    pub(super) operation: String,
}

impl Call {
    /// Reads it from a request; `None` where it is of no service that is played. DynamoDB and SQS name it in a header, SNS in
    /// its body.
    pub(super) fn of(head: &Head, body: &Bytes) -> Option<Self> {
        let call = |service, operation: &str| Some(Call { service, operation: operation.to_owned() });
        if let Some(target) = text(&head.headers, TARGET) {
            return match (target.strip_prefix(DYNAMODB), target.strip_prefix(SQS)) {
                (Some(operation), _) => call(Service::DynamoDb, operation),
                (_, Some(operation)) => call(Service::Sqs, operation),
                _ => None,
            };
        }
        if !text(&head.headers, CONTENT_TYPE.as_str())?.starts_with("application/x-www-form-urlencoded") {
            return None;
        }
        let form = Form::parse(body);
        (form.get("Version") == Some(SNS_VERSION)).then(|| call(Service::Sns, form.get("Action")?))?
    }

    /// Whether a list names it, as `PutItem`, `dynamodb:PutItem` or `dynamodb:*`; an empty one names all.
    pub(super) fn is_meant(&self, operations: &[String]) -> bool {
        let qualified = self.action(&self.operation);
        let names = |named: &String| named == &self.operation || matches(named, &qualified);
        operations.is_empty() || operations.iter().any(names)
    }

    /// The first action that the request needs and that none of these patterns allows.
    pub(super) fn forbidden(&self, allowed: &[String], body: &Bytes) -> Option<String> {
        let missing = |action: &String| !allowed.iter().any(|pattern| matches(pattern, action));
        self.actions(body).into_iter().find(missing)
    }

    /// The actions that the request needs. Batches of messages need what a single message needs, a transaction what its parts
    /// need, and tags at the creation of a queue or a topic need their own.
    fn actions(&self, body: &Bytes) -> Vec<String> {
        let json = || serde_json::from_slice::<Map<String, Value>>(body).unwrap_or_default();
        match (self.service, self.operation.as_str()) {
            (Service::DynamoDb, "TransactWriteItems" | "TransactGetItems") => {
                let parts = json().remove("TransactItems").unwrap_or_default();
                let parts = parts.as_array().cloned().unwrap_or_default();
                let names = parts.iter().filter_map(Value::as_object).flat_map(|part| part.keys().cloned());
                // `Put` needs `PutItem`, `ConditionCheck` needs `ConditionCheckItem`.
                names.map(|name| self.action(&format!("{name}Item"))).collect()
            }
            (Service::Sqs, "CreateQueue") if json().contains_key("tags") => {
                vec![self.action("CreateQueue"), self.action("TagQueue")]
            }
            (Service::Sns, "CreateTopic") if Form::parse(body).get("Tags.member.1.Key").is_some() => {
                vec![self.action("CreateTopic"), self.action("TagResource")]
            }
            (Service::Sqs | Service::Sns, operation) => {
                vec![self.action(operation.strip_suffix("Batch").unwrap_or(operation))]
            }
            (Service::DynamoDb, operation) => vec![self.action(operation)],
        }
    }

    fn action(&self, name: &str) -> String {
        format!("{}:{name}", self.service.prefix())
    }
}

/// The access key of a request. Emulators have an account for each; quotas of an account are counted by it.
pub(super) fn access_key(headers: &HeaderMap) -> String {
    let key = text(headers, AUTHORIZATION.as_str())
        .and_then(|header| header.split_once("Credential="))
        .and_then(|(_, credential)| credential.split('/').next());
    key.unwrap_or_default().to_owned()
}

/// Names another operation of a service that speaks JSON.
pub(super) fn set_operation(headers: &mut HeaderMap, service: Service, operation: &str) {
    let prefix = if service == Service::Sqs { SQS } else { DYNAMODB };
    if let Ok(target) = HeaderValue::from_str(&format!("{prefix}{operation}")) {
        headers.insert(TARGET, target);
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a pattern of IAM, with `*` and `?` and without regard to case, matches an action.
fn matches(pattern: &str, action: &str) -> bool {
    fn from(pattern: &[u8], action: &[u8]) -> bool {
        match (pattern.split_first(), action.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), None) => from(rest, action),
            (Some((b'*', rest)), Some((_, later))) => from(rest, action) || from(pattern, later),
            (Some((b'?', rest)), Some((_, later))) => from(rest, later),
            (Some((one, rest)), Some((other, later))) => one.eq_ignore_ascii_case(other) && from(rest, later),
            _ => false,
        }
    }
    from(pattern.as_bytes(), action.as_bytes())
}

#[cfg(test)]
mod tests;
