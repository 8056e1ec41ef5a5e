//! A failed attempt in words and in labels, without any content.

use std::error::Error;
use std::fmt::Write;

use a2a_core::FailedAttempt;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use thiserror::Error;

use super::{Verdict, codes, reasons};

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

/// A fault with what is counted of it.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) fault: Fault,
    /// The service's code, or what kept it from answering: one of few.
    code: &'static str,
    reason: String,
    resource: String,
}

/// Operations that carry no content, so that no message about them can either.
const ABOUT_TABLES: &[&str] = &[
    "CreateTable",
    "DescribeTable",
    "DescribeTimeToLive",
    "UpdateContinuousBackups",
    "UpdateTable",
    "UpdateTimeToLive",
];

impl Described {
    pub(crate) fn of<E>(operation: &'static str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let mut fault = Fault { operation, reason: String::new(), code: None, request_id: None };
        let (mut reason, mut resource) = (String::new(), String::new());
        let code = match error {
            SdkError::TimeoutError(_) => {
                "no answer in time".clone_into(&mut fault.reason);
                "timeout"
            }
            SdkError::ResponseError(_) => {
                "an answer that cannot be read".clone_into(&mut fault.reason);
                "unreadable"
            }
            SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_)
                if super::lacks_credentials(error) =>
            {
                "there are no credentials".clone_into(&mut fault.reason);
                tell_chain(&mut fault.reason, error);
                "credentials"
            }
            SdkError::ConstructionFailure(_) => {
                "the request could not be built".clone_into(&mut fault.reason);
                "unbuilt"
            }
            SdkError::DispatchFailure(_) => {
                "no answer".clone_into(&mut fault.reason);
                tell_chain(&mut fault.reason, error);
                "connection"
            }
            SdkError::ServiceError(failure) => {
                let meta = failure.err().meta();
                let code = meta.code().unwrap_or("an error without a code");
                code.clone_into(&mut fault.reason);
                if codes::is_telling(code) || ABOUT_TABLES.contains(&operation) {
                    let _ = write!(fault.reason, ": {}", meta.message().unwrap_or_default());
                }
                fault.code = meta.code().map(str::to_owned);
                fault.request_id = meta.extra("aws_request_id").map(str::to_owned);
                (reason, resource) = failure.err().source().map(reasons::of).unwrap_or_default();
                codes::label(code)
            }
            _ => {
                "for an unknown reason".clone_into(&mut fault.reason);
                "unknown"
            }
        };
        Described { fault, code, reason, resource }
    }

    /// What is told of it to whoever counts failed attempts.
    pub(crate) fn attempt<'a>(&'a self, verdict: Verdict, why: &'a str) -> FailedAttempt<'a> {
        FailedAttempt {
            operation: self.fault.operation,
            code: self.code,
            reason: &self.reason,
            resource: &self.resource,
            trouble: verdict.trouble(),
            // Deletions tidy up, but for those of configs and members, which fail alone.
            is_vital: self.fault.operation != "DeleteItem",
            why,
        }
    }
}

/// What kept a request from being sent or answered.
pub(super) fn cause_of<E: Error + 'static>(error: &SdkError<E>) -> Option<&(dyn Error + 'static)> {
    match error {
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => error.source(),
        _ => None,
    }
}

/// Where the network or the credentials' provider fails, the chain names addresses, files and system errors, never a
/// request.
fn tell_chain<E: Error + 'static>(reason: &mut String, error: &SdkError<E>) {
    for error in super::links(cause_of(error)) {
        let _ = write!(reason, ": {error}");
    }
}
