//! An instance's own heartbeat.

use std::sync::Arc;

use a2a_core::{Beat, Member, MemberState};
use tokio::time::Instant;

use crate::error::Chain;
use crate::instance::Instance;

/// Beats until the instance closes or is evicted.
///
/// An instance that could not beat for the lease time may have been declared dead: it takes no new work until
/// a beat tells it that it lives.
pub(crate) async fn beat(instance: Arc<Instance>) {
    let mut me =
        Member { id: instance.id, beat: 0, state: MemberState::Serving, label: instance.label.clone() };
    let mut last = Instant::now();
    loop {
        let next = last + instance.config.beat_interval;
        tokio::select! {
            biased;
            () = instance.closing.cancelled() => return,
            () = tokio::time::sleep_until(next.max(Instant::now())) => {}
        }
        me.beat += 1;
        if instance.draining.is_cancelled() {
            me.state = MemberState::Draining;
        }
        let sent = Instant::now();
        if !instance.liveness.is_fresh(sent, instance.config.lease) {
            tracing::warn!("this instance could not beat for the lease time; it takes no new work");
        }
        match instance.members.beat(&me).await {
            Ok(Beat::Alive) => {
                instance.liveness.beaten(sent);
                instance.health.members.succeeded();
            }
            Ok(Beat::Evicted) => {
                instance.evicted();
                return;
            }
            // The same counter is written again, so that an unknown outcome does no harm.
            Err(error) => {
                me.beat -= 1;
                instance.health.members.failed(instance.config.unready_after);
                tracing::warn!(error = %Chain(&error), "a heartbeat failed");
            }
        }
        last = sent;
    }
}
