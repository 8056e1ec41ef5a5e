//! Leaving the cluster, so that nobody has to find out.

use a2a_core::{InstanceId, Member, MemberState, Result};
use tokio_util::sync::CancellationToken;

use super::recover::member;
use crate::instance::Instance;
use crate::retry::Retry;

/// Closes the bus, which is idempotent, for as long as a request may last.
pub(crate) async fn close_bus(instance: &Instance) -> Result<()> {
    let never = CancellationToken::new();
    let retry = Retry::new(instance, &never, Some(instance.config.request_patience));
    retry.run(|| instance.bus.close()).await
}

/// Removes the membership record; where tasks are left to be resumed, or webhooks to be called, marks it
/// instead, so that survivors take them over at once and remove it then.
///
/// Nothing of this instance runs any more. Each call may be repeated for as long as a request may last.
pub(crate) async fn leave(instance: &Instance) -> Result<()> {
    let Instance { members: records, id, label, .. } = instance;
    let never = CancellationToken::new();
    let retry = || Retry::new(instance, &never, Some(instance.config.request_patience));
    let evict = async |at_beat| retry().run(|| records.evict(id, at_beat)).await.map(drop);
    let leaves_something = retry().run(|| still_executes(instance)).await?;
    match retry().run(|| member(instance, *id)).await? {
        // Survivors remove the record of whom they evicted.
        Some(me) if me.state == MemberState::Evicted => Ok(()),
        // Nobody else beats for this instance, so the counter cannot have moved.
        Some(me) if leaves_something => evict(me.beat).await,
        Some(_) => retry().run(|| records.remove(id)).await,
        None if leaves_something => {
            // It was evicted, its tasks were looked after, and it was forgotten; what it left since then,
            // nobody would look for.
            let me = Member { id: *id, beat: 0, state: MemberState::Draining, label: label.clone() };
            let _ = retry().run(|| records.beat(&me)).await?;
            evict(me.beat).await
        }
        None => Ok(()),
    }
}

/// Tells whether a task has this instance as its executor. The list of them may lag behind; the tasks do not.
async fn still_executes(instance: &Instance) -> Result<bool> {
    let me: InstanceId = instance.id;
    for key in instance.members.executing(&me).await? {
        let head = instance.tasks.head(&key).await?;
        if head.and_then(|head| head.executor).is_some_and(|executor| executor.instance == me) {
            return Ok(true);
        }
    }
    Ok(false)
}
