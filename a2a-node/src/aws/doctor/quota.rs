//! How many instances one topic can tell apart, and how many there are.

use std::io;

use a2a_bus_snssqs::SnsSqsBus;

use super::checkup::Checkup;
use crate::aws::fault::explain;

/// How many filters a topic may have where AWS has granted no more.
const FILTERS: u64 = 200;

/// Counts the topic's subscriptions, each of which has a filter.
pub(super) async fn check(checkup: &mut Checkup, bus: &SnsSqsBus) -> io::Result<()> {
    let ask = bus.clients().sns.get_topic_attributes().topic_arn(bus.topic().to_string());
    let answer = match Box::pin(ask.send()).await {
        Ok(answer) => answer,
        Err(error) => {
            let why =
                format!("cannot be read, which sns:GetTopicAttributes would allow: {}", explain(&error));
            return checkup.skipped("topic quota", why);
        }
    };
    let attributes = answer.attributes.unwrap_or_default();
    let confirmed = attributes.get("SubscriptionsConfirmed").and_then(|count| count.parse::<u64>().ok());
    match confirmed {
        None => checkup.skipped("topic quota", "the topic does not tell its subscriptions"),
        Some(count) if count < FILTERS => checkup
            .ok("topic quota", format!("{count} of {FILTERS} filters are used, unless AWS grants more")),
        Some(count) => {
            let why = format!("{count} filters are used, and {FILTERS} are what AWS grants by default");
            let advice = "instances beyond are told one by one, which costs more: have the quota \"Filter policies per topic\" \
                          raised; for a deployment that has it, this is no fault";
            checkup.failed("topic quota", why, advice)
        }
    }
}
