//! Who may use topic and queues, as their policies say.

use std::collections::BTreeSet;
use std::io;

use a2a_bus_snssqs::SnsSqsBus;
use a2a_core::{BackendError, InstanceId, Membership};
use futures::{StreamExt, stream};

use super::checkup::Checkup;
use crate::aws::members::roster;
use crate::report::with_causes;

/// Of so many queues the policies are read, and so many at once.
const MOST: usize = 200;
const AT_ONCE: usize = 8;
/// So many faults of queues are named.
const NAMED: usize = 8;

/// Checks the policy of the topic, and those of the queues of all members and of `own`, which are this check's.
pub(super) async fn check(
    checkup: &mut Checkup,
    bus: &SnsSqsBus,
    members: &dyn Membership,
    own: &[InstanceId],
) -> io::Result<()> {
    let advice = "delete the topic's policy and run `a2a-node provision` with the same names, or add what deploy/ declares";
    match Box::pin(bus.topic_lets_through()).await {
        Ok(through) if through.is_empty() => {
            checkup.ok("topic policy", "refuses who must not publish or subscribe")?
        }
        Ok(through) => {
            checkup.failed("topic policy", format!("lets through {}", through.join(", ")), advice)?
        }
        Err(error) => unread(checkup, "topic policy", &error, "sns:GetTopicAttributes")?,
    }
    // Where the members cannot be read, other lines say so.
    let found = roster(members).await.unwrap_or_default();
    let live = found.iter().filter(|member| !member.state.is_final()).map(|member| member.id);
    let asked: Vec<_> = own.iter().copied().chain(live).take(MOST).collect();
    let answers: Vec<_> = stream::iter(asked)
        .map(|id| async move { (id, bus.queue_lets_through(id).await) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut through = BTreeSet::new();
    let mut looked = 0_usize;
    for (id, answer) in answers {
        match answer {
            Ok(None) => {}
            Ok(Some(of_one)) => {
                looked += 1;
                through.extend(of_one.into_iter().map(|what| (what, id)));
            }
            Err(error) => return unread(checkup, "queue policy", &error, "sqs:GetQueueAttributes"),
        }
    }
    if through.is_empty() {
        return checkup.ok("queue policy", format!("{looked} queues refuse who must not send or receive"));
    }
    // After a change of what is refused, all queues may let the same through.
    let some = through.iter().take(NAMED);
    let mut told: Vec<_> =
        some.map(|(what, id)| format!("{} lets through {what}", bus.topic().queue_name(*id))).collect();
    if through.len() > NAMED {
        told.push(format!("and {} more", through.len() - NAMED));
    }
    let advice = "stop the instances whose queues these are, one by one: new ones make theirs anew. Where the roles of instances \
                  have changed, tell `serve` and `doctor` the same --instance-roles";
    checkup.failed("queue policy", told.join("; "), advice)
}

/// A policy that cannot be read may be as it should be.
fn unread(checkup: &mut Checkup, what: &'static str, error: &BackendError, action: &str) -> io::Result<()> {
    checkup.skipped(what, format!("cannot be read, which {action} would allow: {}", with_causes(error)))
}
