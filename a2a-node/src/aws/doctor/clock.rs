//! The machine's clock beside AWS's, as the date of an answer tells it.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use a2a_core::{Env, SystemEnv};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use chrono::{DateTime, TimeDelta};

use super::checkup::Checkup;
use crate::aws::clients::Aws;

/// From five minutes on AWS refuses what is signed by such a clock. A date has whole seconds, and a call takes some.
const MOST: TimeDelta = TimeDelta::seconds(60);

/// Asks for the table, whether there is one or not, and compares the answer's date with the clock.
pub(super) async fn check(checkup: &mut Checkup, aws: &Aws, table: &str) -> io::Result<()> {
    let dates = Dates::default();
    let ask = aws.store(table).client().describe_table().table_name(table);
    // What becomes of it is told by other lines.
    let _ = Box::pin(ask.customize().interceptor(dates.clone()).send()).await;
    let ahead = *dates.ahead.lock().unwrap_or_else(PoisonError::into_inner);
    match ahead {
        None => checkup.skipped("clock", "no answer told a date"),
        Some(ahead) if ahead.abs() <= MOST => {
            checkup.ok("clock", format!("within {} s of AWS's", ahead.num_seconds().abs().max(1)))
        }
        Some(ahead) => {
            let (seconds, way) =
                (ahead.num_seconds().abs(), if ahead > TimeDelta::zero() { "ahead of" } else { "behind" });
            let advice = "set it by NTP: AWS refuses what is signed more than five minutes off, and what tasks and messages \
                          expire by would be wrong";
            checkup.failed("clock", format!("it is {seconds} s {way} AWS's"), advice)
        }
    }
}

/// How far this machine's clock is ahead of the dates of answers; of several, the last.
#[derive(Debug, Clone, Default)]
struct Dates {
    ahead: Arc<Mutex<Option<TimeDelta>>>,
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        if let Some(Ok(date)) = date.map(DateTime::parse_from_rfc2822) {
            let ahead = SystemEnv.now() - date.to_utc();
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
        Ok(())
    }
}
