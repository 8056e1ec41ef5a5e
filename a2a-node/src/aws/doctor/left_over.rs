//! What crashes left that no instance will find any more.

use std::io;

use a2a_bus_snssqs::SnsSqsBus;
use a2a_core::{InstanceId, Membership};

use super::checkup::Checkup;
use crate::report::with_causes;

/// So many instances are named.
const NAMED: usize = 5;

/// Looks for queues and subscriptions of instances without a record. Those with one are found by whoever lives.
pub(super) async fn check(
    checkup: &mut Checkup,
    bus: &SnsSqsBus,
    members: &dyn Membership,
) -> io::Result<()> {
    let inventory = match Box::pin(bus.inventory(members)).await {
        Ok(inventory) => inventory,
        Err(error) => {
            let why = "queues and subscriptions cannot be listed, which sqs:ListQueues, sqs:ListQueueTags and \
                       sns:ListSubscriptionsByTopic would allow";
            return checkup.skipped("left over", format!("{why}: {}", with_causes(&error)));
        }
    };
    let orphans = inventory.orphans;
    if orphans.is_empty() {
        return checkup.ok("left over", "each queue and subscription is of an instance that has a record");
    }
    let named: Vec<_> = orphans.iter().take(NAMED).map(InstanceId::to_string).collect();
    let more = match orphans.len() - named.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let why =
        format!("queues or subscriptions of instances that no record knows: {}{more}", named.join(", "));
    let advice =
        "is this their table? then `a2a-node reap` shows what it would remove, and with --apply removes it";
    checkup.failed("left over", why, advice)
}
