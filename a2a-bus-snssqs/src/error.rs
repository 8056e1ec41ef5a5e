//! What the SDK's errors mean for a caller, without anything that must not be logged.
//!
//! The SDK's own errors are not kept as causes: their texts can hold receipt handles, signed requests and
//! whole responses.

use std::error::Error;
use std::fmt;

use a2a_core::BackendError;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::http::Response;

/// Codes with which a service says that it did nothing and that a later call may succeed.
const NOTHING_APPLIED: [&str; 13] = [
    "KMSThrottling",
    "KMSThrottlingException",
    "KmsThrottled",
    "OverLimit",
    "QueueDeletedRecently",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "SlowDown",
    "Throttled",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// Codes whose messages help an operator and hold nothing else than names and ARNs.
const TELLING: [&str; 8] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "FilterPolicyLimitExceeded",
    "InvalidAttributeName",
    "QueueDeletedRecently",
    "QueueNameExists",
    "SubscriptionLimitExceeded",
];

/// What the caller may do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Unavailable,
    Indeterminate,
    Rejected,
}

/// A failed call to AWS, told without content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) verdict: Verdict,
    call: &'static str,
    what: String,
}

impl Failure {
    /// Judges an error of the SDK.
    pub(crate) fn of<E>(call: &'static str, error: &SdkError<E, Response>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(refused) => {
                let code = refused.err().code().unwrap_or("unknown");
                let status = refused.raw().status().as_u16();
                Failure::answered(call, code, Some(status), refused.err().message())
            }
            SdkError::ConstructionFailure(_) => Failure::new(Verdict::Rejected, call, chain(error)),
            SdkError::DispatchFailure(failure)
                if failure.is_user() || never_left(failure.as_connector_error()) =>
            {
                Failure::new(Verdict::Unavailable, call, chain(error))
            }
            SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
                Failure::new(Verdict::Indeterminate, call, chain(error))
            }
            // Its chain may quote the response.
            _ => Failure::new(Verdict::Indeterminate, call, "the response was not understood"),
        }
    }

    /// Judges a code that a service answered with, for a whole call or for an entry of a batch.
    pub(crate) fn answered(
        call: &'static str,
        code: &str,
        status: Option<u16>,
        message: Option<&str>,
    ) -> Self {
        let name = code.rsplit(['.', '#']).next().unwrap_or(code).trim_end_matches("Exception");
        let is_one_of = |list: &[&str]| list.iter().any(|one| one.trim_end_matches("Exception") == name);
        let verdict = match status {
            _ if is_one_of(&NOTHING_APPLIED) => Verdict::Unavailable,
            Some(429 | 503) => Verdict::Unavailable,
            Some(500..) => Verdict::Indeterminate,
            _ if name.contains("Internal") => Verdict::Indeterminate,
            _ => Verdict::Rejected,
        };
        let what = match message {
            Some(message) if is_one_of(&TELLING) => format!("{code}: {message}"),
            _ => code.to_owned(),
        };
        Failure::new(verdict, call, what)
    }

    /// The call took longer than it may.
    pub(crate) fn late(call: &'static str) -> Self {
        Failure::new(Verdict::Indeterminate, call, "no answer in time")
    }

    /// The answer lacked what it must have.
    pub(crate) fn incomplete(call: &'static str, what: &str) -> Self {
        Failure::new(Verdict::Indeterminate, call, format!("the answer has no {what}"))
    }

    /// The call cannot be made like this.
    pub(crate) fn refused(call: &'static str, what: impl Into<String>) -> Self {
        Failure::new(Verdict::Rejected, call, what)
    }

    fn new(verdict: Verdict, call: &'static str, what: impl Into<String>) -> Self {
        Failure { verdict, call, what: what.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.call, self.what)
    }
}

impl Error for Failure {}

impl From<Failure> for BackendError {
    fn from(failure: Failure) -> Self {
        match failure.verdict {
            Verdict::Unavailable => BackendError::Unavailable(failure.into()),
            Verdict::Indeterminate => BackendError::Indeterminate(failure.into()),
            Verdict::Rejected => {
                BackendError::Rejected { reason: failure.to_string(), cause: Some(failure.into()) }
            }
        }
    }
}

/// Tells whether the request surely did not reach the service.
fn never_left(error: Option<&aws_smithy_runtime_api::client::result::ConnectorError>) -> bool {
    let refused = |error: &(dyn Error + 'static)| {
        error.downcast_ref::<std::io::Error>().is_some_and(|io| {
            matches!(io.kind(), std::io::ErrorKind::ConnectionRefused | std::io::ErrorKind::NotFound)
        })
    };
    let mut cause = error.map(|error| error as &(dyn Error + 'static));
    while let Some(error) = cause {
        if refused(error) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The texts of an error and its causes. Only for errors that arise before a response is read.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
