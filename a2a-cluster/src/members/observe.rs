//! Observing the few members that follow this one in the ring.

use std::sync::Arc;

use a2a_core::{Eviction, Member, Result};
use tokio::time::Instant;

use super::recover;
use super::ring::{Sightings, Still};
use crate::error::Chain;
use crate::instance::Instance;

/// How many live members each one observes: so many may die together and all are still found.
const OBSERVED: usize = 3;
/// How many records one read returns at most. Evicted ones, which nobody counts, stand among them.
const PAGE: usize = 2 * OBSERVED;

/// Observes until the instance closes.
pub(crate) async fn observe(instance: Arc<Instance>) {
    let mut sightings = Sightings::new(instance.config.beat_interval * 2);
    loop {
        tokio::select! {
            biased;
            () = instance.closing.cancelled() => return,
            () = tokio::time::sleep(instance.config.beat_interval) => {}
        }
        match followers(&instance).await {
            Ok(seen) => {
                for still in sightings.update(&seen, Instant::now(), instance.config.lease) {
                    judge(&instance, still).await;
                }
            }
            Err(error) => tracing::warn!(error = %Chain(&error), "other instances cannot be observed"),
        }
    }
}

/// Reads the members that follow this one, wrapping around at the end.
async fn followers(instance: &Instance) -> Result<Vec<Member>> {
    let mut seen = instance.members.roster(Some(&instance.id), PAGE).await?;
    if seen.len() < PAGE {
        let first = instance.members.roster(None, PAGE).await?;
        seen.extend(first.into_iter().take_while(|member| member.id < instance.id));
        seen.truncate(PAGE);
    }
    Ok(seen)
}

async fn judge(instance: &Arc<Instance>, still: Still) {
    // An instance that may be dead itself judges nobody.
    if !instance.liveness.is_fresh(Instant::now(), instance.config.lease) {
        return;
    }
    if !still.evicted {
        match instance.members.evict(&still.id, still.beat).await {
            Ok(Eviction::Evicted) => {
                instance.meters.evictions.increment(1);
                tracing::warn!(instance = %still.id, "an instance did not move for the lease time: evicted");
            }
            Ok(Eviction::Moved { .. } | Eviction::Absent) => return,
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "an instance could not be evicted");
                return;
            }
        }
    }
    recover::begin(instance, still.id);
}
