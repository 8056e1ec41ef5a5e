//! The table of what each failure means.

use aws_sdk_sqs::operation::send_message::SendMessageError;
use aws_sdk_sqs::types::error::QueueDoesNotExist;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::ErrorMetadata;

use super::*;

fn response(status: u16) -> Response {
    Response::new(status.try_into().unwrap(), SdkBody::from("secret response body"))
}

fn generic(code: &str) -> SendMessageError {
    SendMessageError::generic(ErrorMetadata::builder().code(code).message("secret message").build())
}

#[test]
fn codes_are_judged_by_this_table() {
    use Verdict::{Indeterminate, Rejected, Unavailable};
    for (code, status, verdict) in [
        ("RequestThrottled", 400, Unavailable),
        ("com.amazonaws.sqs#RequestThrottled", 403, Unavailable),
        ("ThrottlingException", 400, Unavailable),
        ("Throttling", 400, Unavailable),
        ("OverLimit", 403, Unavailable),
        ("AWS.SimpleQueueService.QueueDeletedRecently", 400, Unavailable),
        ("KMSThrottlingException", 400, Unavailable),
        ("ServiceUnavailable", 503, Unavailable),
        ("Whatever", 503, Unavailable),
        ("Whatever", 429, Unavailable),
        ("InternalError", 500, Indeterminate),
        ("InternalFailure", 500, Indeterminate),
        ("Whatever", 502, Indeterminate),
        ("AccessDenied", 403, Rejected),
        ("AuthorizationError", 403, Rejected),
        ("QueueDoesNotExist", 400, Rejected),
        ("QueueNameExists", 400, Rejected),
        ("InvalidMessageContents", 400, Rejected),
        ("InvalidParameter", 400, Rejected),
        ("Whatever", 400, Rejected),
    ] {
        let error = SdkError::service_error(generic(code), response(status));
        assert_eq!(Failure::of("SendMessage", &error).verdict, verdict, "{code} {status}");
    }
}

#[test]
fn entries_of_a_batch_have_no_status() {
    let of = |code| Failure::answered("PublishBatch", code, None, None).verdict;
    assert_eq!(of("InternalError"), Verdict::Indeterminate);
    assert_eq!(of("Throttled"), Verdict::Unavailable);
    assert_eq!(of("InvalidParameter"), Verdict::Rejected);
}

#[test]
fn transport_failures_are_indeterminate_unless_nothing_left() {
    use std::io::{Error as IoError, ErrorKind};
    type Failed = SdkError<SendMessageError, Response>;
    let io = |kind| ConnectorError::io(Box::new(IoError::from(kind)));
    for (error, verdict) in [
        (Failed::dispatch_failure(io(ErrorKind::ConnectionRefused)), Verdict::Unavailable),
        (Failed::dispatch_failure(io(ErrorKind::ConnectionReset)), Verdict::Indeterminate),
        (Failed::dispatch_failure(ConnectorError::timeout("late".into())), Verdict::Indeterminate),
        (Failed::timeout_error("late"), Verdict::Indeterminate),
        (Failed::response_error("unreadable", response(200)), Verdict::Indeterminate),
        (Failed::construction_failure("no region"), Verdict::Rejected),
    ] {
        assert_eq!(Failure::of("SendMessage", &error).verdict, verdict, "{error:?}");
    }
}

#[test]
fn no_failure_quotes_a_response_or_a_message() {
    let refused = SdkError::service_error(generic("SignatureDoesNotMatch"), response(403));
    let garbled = SdkError::<SendMessageError, _>::response_error("secret parse error", response(200));
    for error in [refused, garbled] {
        let error = BackendError::from(Failure::of("SendMessage", &error));
        assert!(!format!("{error:?} {error}").contains("secret"), "{error:?}");
    }
}

#[test]
fn a_missing_permission_is_told_in_full() {
    let metadata =
        ErrorMetadata::builder().code("AccessDenied").message("role x may not sqs:SendMessage").build();
    let error = SdkError::service_error(SendMessageError::generic(metadata), response(403));
    let told = BackendError::from(Failure::of("SendMessage", &error)).to_string();
    assert!(told.contains("role x may not sqs:SendMessage"), "{told}");
}

#[test]
fn a_gone_queue_is_a_variant_whatever_its_code() {
    let error = SendMessageError::QueueDoesNotExist(QueueDoesNotExist::builder().build());
    assert!(error.is_queue_does_not_exist());
}
