//! What DynamoDB's failures mean to a caller: one table from its error codes to [`BackendError`].

use std::fmt::Write;
use std::io;

use a2a_core::BackendError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use thiserror::Error;

/// A failed call, as far as a log may know it: no item, no key, no text of ours is in it.
///
/// It is the source of the errors of this crate.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{operation} failed: {reason}")]
pub struct Fault {
    /// The operation of DynamoDB's API.
    pub operation: &'static str,
    /// What went wrong, in words.
    pub reason: String,
    /// The service's code, where it answered.
    pub code: Option<String>,
    /// The service's name for the request, where it answered.
    pub request_id: Option<String>,
}

/// What one failed attempt says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing was applied, and the same request may succeed soon.
    Busy,
    /// Nothing was applied, and the same request never succeeds.
    Refused,
    /// An item would be larger than DynamoDB keeps. Nothing was applied.
    Oversized,
    /// It may have been applied.
    Doubtful,
}

/// The largest item, in bytes.
const ITEM_LIMIT: usize = 400 * 1024;

/// Codes with which DynamoDB says that it did nothing and would do it later.
const BUSY: &[&str] = &[
    "ProvisionedThroughputExceededException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    "LimitExceededException",
    "TransactionConflictException",
    "ReplicatedWriteConflictException",
    "ResourceInUseException",
    // The credentials are renewed by whoever provides them.
    "ExpiredTokenException",
    "ExpiredToken",
    "RequestExpired",
];

/// Codes with which DynamoDB says that it did nothing and never will.
const REFUSED: &[&str] = &[
    "ValidationException",
    "AccessDeniedException",
    "AccessDenied",
    "ResourceNotFoundException",
    "ItemCollectionSizeLimitExceededException",
    "IdempotentParameterMismatchException",
    "ConditionalCheckFailedException",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "MissingAuthenticationToken",
    "NotAuthorized",
    "OptInRequired",
    "SerializationException",
    "UnknownOperationException",
    "InvalidEndpointException",
    "PolicyNotFoundException",
    "IndexNotFoundException",
    "TableNotFoundException",
];

/// Codes whose message names only resources and permissions, which an operator needs.
const TELLING: &[&str] =
    &["AccessDeniedException", "AccessDenied", "ResourceNotFoundException", "OptInRequired"];

/// Operations that carry no content, so that no message about them can either.
const ABOUT_TABLES: &[&str] = &[
    "CreateTable",
    "DescribeTable",
    "DescribeTimeToLive",
    "UpdateContinuousBackups",
    "UpdateTable",
    "UpdateTimeToLive",
];

/// Judges one failed attempt.
pub(crate) fn judge<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Verdict {
    match error {
        SdkError::ConstructionFailure(_) => Verdict::Refused,
        SdkError::DispatchFailure(failure) if failure.is_user() => Verdict::Refused,
        SdkError::DispatchFailure(failure)
            if nobody_listens(failure.as_connector_error().map(|error| error as _)) =>
        {
            Verdict::Busy
        }
        SdkError::ServiceError(failure) => judge_code(failure.err().code(), failure.err().message()),
        // Unsent, sent without an answer, or answered in words that nobody understands: who knows.
        _ => Verdict::Doubtful,
    }
}

/// Tells whether no connection was made at all, so that nothing can have been sent.
fn nobody_listens(mut cause: Option<&(dyn std::error::Error + 'static)>) -> bool {
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn judge_code(code: Option<&str>, message: Option<&str>) -> Verdict {
    match code {
        Some("ValidationException") if message.is_some_and(|text| text.contains("tem size")) => {
            Verdict::Oversized
        }
        Some("RequestEntityTooLarge" | "RequestEntityTooLargeException") => Verdict::Oversized,
        Some(code) if BUSY.contains(&code) => Verdict::Busy,
        Some(code) if REFUSED.contains(&code) => Verdict::Refused,
        _ => Verdict::Doubtful,
    }
}

/// Judges a failed attempt of a transaction, by the reasons for which it was cancelled.
pub(crate) fn judge_transaction(error: &SdkError<TransactWriteItemsError>) -> Verdict {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            judge_reasons(cancelled.cancellation_reasons())
        }
        _ => judge(error),
    }
}

/// A cancelled transaction has applied nothing; the question is only whether it ever will.
fn judge_reasons(reasons: &[CancellationReason]) -> Verdict {
    let codes = || reasons.iter().filter_map(|reason| reason.code());
    if codes().any(|code| matches!(code, "ValidationError" | "ItemCollectionSizeLimitExceeded")) {
        let oversized =
            reasons.iter().filter_map(CancellationReason::message).any(|m| m.contains("tem size"));
        return if oversized { Verdict::Oversized } else { Verdict::Refused };
    }
    if codes().any(|code| code == "ConditionalCheckFailed") {
        return Verdict::Refused;
    }
    // `TransactionConflict`, `ThrottlingError`, `ProvisionedThroughputExceeded`, and what is yet to come.
    Verdict::Busy
}

/// Tells a caller of a read what its failure means.
pub(crate) fn read_failed<E: ProvideErrorMetadata>(
    operation: &'static str,
    error: &SdkError<E>,
) -> BackendError {
    let verdict = match judge(error) {
        Verdict::Doubtful => Verdict::Busy,
        verdict => verdict,
    };
    told(verdict, false, describe(operation, error))
}

/// Tells a caller of a write what its failure means; `doubt` where an earlier attempt may have been applied.
pub(crate) fn write_failed<E: ProvideErrorMetadata>(
    operation: &'static str,
    error: &SdkError<E>,
    verdict: Verdict,
    doubt: bool,
) -> BackendError {
    told(verdict, doubt, describe(operation, error))
}

fn told(verdict: Verdict, doubt: bool, fault: Fault) -> BackendError {
    match verdict {
        _ if doubt => BackendError::Indeterminate(Box::new(fault)),
        Verdict::Doubtful => BackendError::Indeterminate(Box::new(fault)),
        Verdict::Busy => BackendError::Unavailable(Box::new(fault)),
        Verdict::Refused => {
            BackendError::Rejected { reason: fault.to_string(), cause: Some(Box::new(fault)) }
        }
        Verdict::Oversized => {
            // DynamoDB does not say how large it was: larger than the limit, by at least one byte.
            BackendError::TooLarge { what: "an item", actual: ITEM_LIMIT + 1, limit: ITEM_LIMIT }
        }
    }
}

fn describe<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> Fault {
    let mut fault = Fault { operation, reason: String::new(), code: None, request_id: None };
    match error {
        SdkError::ConstructionFailure(_) => "the request could not be built".clone_into(&mut fault.reason),
        SdkError::TimeoutError(_) => "no answer in time".clone_into(&mut fault.reason),
        SdkError::ResponseError(_) => "an answer that cannot be read".clone_into(&mut fault.reason),
        SdkError::DispatchFailure(failure) => {
            "no answer".clone_into(&mut fault.reason);
            // Where the network fails the chain names addresses and system errors, never a request.
            let mut cause: Option<&dyn std::error::Error> =
                failure.as_connector_error().map(|error| error as &dyn std::error::Error);
            while let Some(error) = cause {
                let _ = write!(fault.reason, ": {error}");
                cause = error.source();
            }
        }
        SdkError::ServiceError(failure) => {
            let meta = failure.err().meta();
            let code = meta.code().unwrap_or("an error without a code");
            code.clone_into(&mut fault.reason);
            if TELLING.contains(&code) || ABOUT_TABLES.contains(&operation) {
                let _ = write!(fault.reason, ": {}", meta.message().unwrap_or_default());
            }
            fault.code = meta.code().map(str::to_owned);
            fault.request_id = meta.extra("aws_request_id").map(str::to_owned);
        }
        _ => "for an unknown reason".clone_into(&mut fault.reason),
    }
    fault
}

#[cfg(test)]
mod tests;
