//! What a webhook's answer means: for the event that it was told, and for whoever tells.

use http::StatusCode;

use super::request::Failure;
use crate::ground::telemetry::Attempt;

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It does not take this event, now or later; another it may take.
    EventRefused,
    /// It does not take events from us.
    ReceiverRefused,
    /// It is away for now.
    Away,
}

impl Verdict {
    /// What a call that did not succeed means.
    pub(super) fn of(failure: &Failure) -> Self {
        let status = failure.status.and_then(|status| StatusCode::from_u16(status).ok());
        match (failure.attempt, status) {
            (Attempt::Blocked, _) => Verdict::ReceiverRefused,
            (
                _,
                Some(
                    StatusCode::BAD_REQUEST
                    | StatusCode::PAYLOAD_TOO_LARGE
                    | StatusCode::UNPROCESSABLE_ENTITY,
                ),
            ) => Verdict::EventRefused,
            (
                _,
                Some(
                    StatusCode::UNAUTHORIZED
                    | StatusCode::FORBIDDEN
                    | StatusCode::NOT_FOUND
                    | StatusCode::GONE,
                ),
            ) => Verdict::ReceiverRefused,
            // Where a redirect leads was not checked.
            (_, Some(status)) if status.is_redirection() => Verdict::ReceiverRefused,
            _ => Verdict::Away,
        }
    }
}
