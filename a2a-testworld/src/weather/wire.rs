//! The JSON protocol: how an error of DynamoDB is written.

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::Full;
use serde_json::{Value, json};

use super::refusal::ServiceError;

/// What a client is answered.
pub(super) type Answer = Response<Full<Bytes>>;

const CONTENT: &str = "application/x-amz-json-1.0";

/// One throttled resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Throttled {
    /// Such as `TableWriteKeyRangeThroughputExceeded`.
    pub(super) reason: String,
    /// The ARN of the table or the index.
    pub(super) resource: String,
}

/// Says why requests are throttled: the one exception writes its member with a small letter, the others with a capital.
pub(super) fn throttled(error: ServiceError, reasons: &[Throttled]) -> Answer {
    let member = if error == ServiceError::Throttling { "throttlingReasons" } else { "ThrottlingReasons" };
    let list = |of: &Throttled| json!({ "reason": of.reason, "resource": of.resource });
    let mut body = body(error);
    body[member] = reasons.iter().map(list).collect();
    answer(error.form().status, &body)
}

/// Says an error, with a message of its own where there is one.
pub(super) fn refused(error: ServiceError, message: Option<&str>) -> Answer {
    let mut body = body(error);
    if let Some(message) = message {
        body["message"] = json!(message);
    }
    answer(error.form().status, &body)
}

fn body(error: ServiceError) -> Value {
    let form = error.form();
    json!({ "__type": format!("{}#{}", form.namespace, form.name), "message": form.message })
}

/// Says that a transaction was cancelled: a code for each action, `None` for those that are innocent.
pub(super) fn cancelled(codes: &[Option<&'static str>]) -> Answer {
    let reason = |code: &Option<&str>| match code {
        Some(code) => json!({ "Code": code, "Message": "the weather" }),
        None => json!({ "Code": "None" }),
    };
    let named: Vec<&str> = codes.iter().map(|code| code.unwrap_or("None")).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        named.join(", ")
    );
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": message,
        "CancellationReasons": codes.iter().map(reason).collect::<Vec<_>>(),
    });
    answer(400, &body)
}

/// An answer of the weather itself.
pub(super) fn answer(status: u16, body: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT));
    headers.insert("x-amzn-requestid", HeaderValue::from_static("weather"));
    answer
}

/// The name of an error that an endpoint answered.
pub(super) fn error_name(body: &Value) -> Option<&str> {
    let kind = body.get("__type")?.as_str()?;
    Some(kind.rsplit_once('#').map_or(kind, |(_, name)| name))
}
