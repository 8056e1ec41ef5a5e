//! What a service's refusal says, for an operator.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::report::with_causes;

/// The service's code and message, or why it could not be asked. Only for calls that carry no task content.
pub(super) fn explain<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match error.as_service_error() {
        Some(refused) => {
            let code = refused.code().unwrap_or("an unknown error");
            refused.message().map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"))
        }
        None => match std::error::Error::source(error) {
            Some(cause) => with_causes(cause),
            None => error.to_string(),
        },
    }
}
