//! What DynamoDB's failures mean to a caller: from an attempt that failed to a [`BackendError`].

mod codes;
mod fault;
mod reasons;

use std::error::Error;
use std::io;

use a2a_core::{BackendError, Trouble};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;

pub(crate) use fault::Described;
pub use fault::Fault;

/// What one failed attempt says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing was applied, and the same request may succeed soon.
    Passing(Trouble),
    /// Nothing was applied, for this instance was not let in, or there is no table. A wrong configuration if it was always
    /// so; where the store was reached before, it passes when somebody mends it.
    Denied,
    /// Nothing was applied, for a condition did not hold. That is an answer.
    Unmet,
    /// Nothing was applied, and the same request never succeeds.
    Refused,
    /// An item would be larger than DynamoDB keeps. Nothing was applied.
    Oversized,
    /// It may have been applied.
    Doubtful,
}

impl Verdict {
    /// The trouble, where it passes. `None` for what never does.
    pub(crate) fn trouble(self) -> Option<Trouble> {
        match self {
            Verdict::Passing(trouble) => Some(trouble),
            Verdict::Denied => Some(Trouble::Denied),
            Verdict::Doubtful => Some(Trouble::Away),
            Verdict::Unmet | Verdict::Refused | Verdict::Oversized => None,
        }
    }
}

/// The largest item, in bytes.
const ITEM_LIMIT: usize = 400 * 1024;

/// Judges one failed attempt.
pub(crate) fn judge<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E>) -> Verdict {
    match error {
        SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) if lacks_credentials(error) => {
            Verdict::Denied
        }
        SdkError::ConstructionFailure(_) => Verdict::Refused,
        SdkError::DispatchFailure(failure) if failure.is_user() => Verdict::Refused,
        SdkError::DispatchFailure(failure)
            if nobody_listens(failure.as_connector_error().map(|error| error as _)) =>
        {
            Verdict::Passing(Trouble::Away)
        }
        SdkError::ServiceError(failure) => codes::judge(failure.err().code(), failure.err().message()),
        // Unsent, sent without an answer, or answered in words that nobody understands: who knows.
        _ => Verdict::Doubtful,
    }
}

/// Tells whether nothing was sent because there are no credentials now.
fn lacks_credentials<E: Error + 'static>(error: &SdkError<E>) -> bool {
    links(fault::cause_of(error)).any(|error| error.is::<CredentialsError>())
}

/// Tells whether no connection was made at all, so that nothing can have been sent.
fn nobody_listens(cause: Option<&(dyn Error + 'static)>) -> bool {
    links(cause).any(|error| {
        error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
    })
}

/// An error and its sources.
fn links<'a>(first: Option<&'a (dyn Error + 'static)>) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = first;
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
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
    let has = |wanted: &[&str]| {
        reasons.iter().filter_map(CancellationReason::code).any(|code| wanted.contains(&code))
    };
    if has(&["ValidationError", "ItemCollectionSizeLimitExceeded"]) {
        let oversized =
            reasons.iter().filter_map(CancellationReason::message).any(|m| m.contains("tem size"));
        return if oversized { Verdict::Oversized } else { Verdict::Refused };
    }
    if has(&["ConditionalCheckFailed"]) {
        Verdict::Unmet
    } else if has(&["AccessDenied"]) {
        Verdict::Denied
    } else if has(&["ThrottlingError", "ProvisionedThroughputExceeded"]) {
        Verdict::Passing(Trouble::Throttled)
    } else if has(&["TransactionConflict"]) {
        Verdict::Passing(Trouble::Contended)
    } else {
        Verdict::Passing(Trouble::Away)
    }
}

/// Tells a caller of a read what its failure means, to a handle that has `served` before or has not.
pub(crate) fn read_failed(verdict: Verdict, served: bool, fault: Fault) -> BackendError {
    match verdict {
        Verdict::Doubtful => told(Verdict::Passing(Trouble::Away), false, served, fault),
        verdict => told(verdict, false, served, fault),
    }
}

/// Tells a caller of a write what its failure means; `doubt` where an earlier attempt may have been applied.
pub(crate) fn write_failed(verdict: Verdict, doubt: bool, served: bool, fault: Fault) -> BackendError {
    told(verdict, doubt, served, fault)
}

/// Tells what the failure of a question about a table means. Such questions come before anything is served.
pub(crate) fn describing_failed<E>(operation: &'static str, error: &SdkError<E>) -> BackendError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    read_failed(judge(error), false, Described::of(operation, error).fault)
}

/// Tells what the failure of a change of a table means. Such changes come before anything is served.
pub(crate) fn changing_failed<E>(operation: &'static str, error: &SdkError<E>) -> BackendError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    write_failed(judge(error), false, false, Described::of(operation, error).fault)
}

fn told(verdict: Verdict, doubt: bool, served: bool, fault: Fault) -> BackendError {
    let trouble = verdict.trouble().unwrap_or(Trouble::Away);
    match verdict {
        _ if doubt => BackendError::indeterminate(trouble, fault),
        Verdict::Doubtful => BackendError::indeterminate(trouble, fault),
        Verdict::Passing(_) => BackendError::unavailable(trouble, fault),
        Verdict::Denied if served => BackendError::unavailable(trouble, fault),
        Verdict::Denied | Verdict::Unmet | Verdict::Refused => {
            BackendError::Rejected { reason: fault.to_string(), cause: Some(Box::new(fault)) }
        }
        Verdict::Oversized => {
            // DynamoDB does not say how large it was: larger than the limit, by at least one byte.
            BackendError::TooLarge { what: "an item", actual: ITEM_LIMIT + 1, limit: ITEM_LIMIT }
        }
    }
}

#[cfg(test)]
mod tests;
