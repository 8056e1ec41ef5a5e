//! Reads the time of the service from its answer, so that no clock of ours judges an age.

use std::sync::{Arc, OnceLock};

use aws_sdk_sqs::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sqs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// Catches the `Date` of a response.
#[derive(Debug, Clone, Default)]
pub(super) struct ServiceTime(Arc<OnceLock<i64>>);

impl ServiceTime {
    /// The seconds since 1970 at which the service answered, where it told.
    pub(super) fn seconds(&self) -> Option<i64> {
        self.0.get().copied()
    }
}

impl Intercept for ServiceTime {
    fn name(&self) -> &'static str {
        "ServiceTime"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let date = context.response().headers().get("date");
        if let Some(date) = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok()) {
            // A retried call was answered before; the first answer is as good.
            let _ = self.0.set(date.secs());
        }
        Ok(())
    }
}
