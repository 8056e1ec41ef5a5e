//! An error, read from the form that its binding has for it; what the form lacks fails the test.

use a2a::error_reason;
use a2a::errordetails::{ERROR_INFO_TYPE, PROTOCOL_DOMAIN};
use a2a::reason_to_error_code;
use http::StatusCode;
use serde_json::Value;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// What every binding says of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The A2A error code.
    pub code: i32,
    /// What people read.
    pub message: String,
    /// The HTTP status; `None` by gRPC.
    pub http: Option<StatusCode>,
    /// The gRPC status; `None` by HTTP.
    pub grpc: Option<Code>,
}

impl Failure {
    pub(super) fn of_json_rpc(status: StatusCode, envelope: &Value, error: &Value) -> Self {
        let code = i32::try_from(error["code"].as_i64().unwrap()).unwrap();
        let id = &envelope["id"];
        assert!(envelope.get("id").is_some(), "the id is missing: {envelope}");
        assert!(id.is_null() || *id == super::request::ID, "another's id: {envelope}");
        assert_eq!(reason(&error["data"]), error_reason(code), "{envelope}");
        Self { code, message: message(&error["message"]), http: Some(status), grpc: None }
    }

    pub(super) fn of_rest(status: StatusCode, content_type: &str, body: &Value) -> Self {
        assert_eq!(content_type, "application/a2a+json", "{status} {body}");
        let error = &body["error"];
        assert_eq!(error["code"], status.as_u16(), "{body}");
        assert!(error["status"].is_string(), "{body}");
        let code = reason_to_error_code(&reason(&error["details"])).unwrap();
        Self { code, message: message(&error["message"]), http: Some(status), grpc: None }
    }

    pub(super) fn of_status(status: &Status) -> Self {
        let info = status.get_details_error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
        assert_eq!(info.domain, PROTOCOL_DOMAIN, "{status:?}");
        let code = reason_to_error_code(&info.reason).unwrap();
        assert!(!status.message().is_empty(), "{status:?}");
        Self { code, message: status.message().to_owned(), http: None, grpc: Some(status.code()) }
    }
}

fn message(value: &Value) -> String {
    let message = value.as_str().unwrap_or_default();
    assert!(!message.is_empty(), "an error without a message");
    message.to_owned()
}

fn reason(details: &Value) -> String {
    let mut details = details.as_array().into_iter().flatten();
    let info = details.find(|detail| detail["@type"] == ERROR_INFO_TYPE);
    let info = info.unwrap_or_else(|| panic!("no ErrorInfo"));
    assert_eq!(info["domain"], PROTOCOL_DOMAIN, "{info}");
    info["reason"].as_str().unwrap().to_owned()
}
