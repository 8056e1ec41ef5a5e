//! Observing the few members that follow this one in the ring.

use std::sync::Arc;

use a2a_core::{Eviction, InstanceId, Member, Result};
use tokio::time::Instant;

use super::recover;
use super::ring::{OBSERVED, Sightings, Still};
use crate::error::Chain;
use crate::instance::Instance;

/// How many records one read returns at most: what DynamoDB reads for one unit. A run of dead members that is no
/// longer is found at once.
const WINDOW: usize = 24;

/// Observes until the instance closes.
pub(crate) async fn observe(instance: Arc<Instance>) {
    let mut sightings = Sightings::new(instance.config.beat_interval * 2);
    let mut reach = Reach::Ring;
    loop {
        tokio::select! {
            biased;
            () = instance.closing.cancelled() => return,
            () = tokio::time::sleep(instance.config.beat_interval) => {}
        }
        match reach.followers(&instance).await {
            Ok(seen) => {
                for still in sightings.update(&seen, Instant::now(), instance.config.lease) {
                    judge(&instance, still).await;
                }
            }
            Err(error) => tracing::warn!(error = %Chain(&error), "other instances cannot be observed"),
        }
    }
}

/// What one read shows of the ring: an observation costs one read in a cluster of any size.
#[derive(Debug, Clone, Copy)]
enum Reach {
    /// All members.
    Ring,
    /// Those that follow this one.
    Arc,
}

impl Reach {
    /// Reads the members that follow this one, the nearest first.
    async fn followers(&mut self, instance: &Instance) -> Result<Vec<Member>> {
        if let Reach::Ring = self {
            let ring = instance.members.roster(None, WINDOW).await?;
            if ring.len() < WINDOW {
                return Ok(around(ring, &instance.id));
            }
            *self = Reach::Arc;
        }
        let mut seen = instance.members.roster(Some(&instance.id), WINDOW).await?;
        let live = seen.iter().filter(|member| !member.state.is_final()).count();
        if seen.len() < WINDOW && live < OBSERVED {
            let first = instance.members.roster(None, WINDOW).await?;
            if first.len() < WINDOW {
                *self = Reach::Ring;
                return Ok(around(first, &instance.id));
            }
            seen.extend(first.into_iter().take_while(|member| member.id < instance.id));
        }
        Ok(seen)
    }
}

/// Puts a whole ring in the order in which it follows one of its members, without that one.
fn around(mut ring: Vec<Member>, me: &InstanceId) -> Vec<Member> {
    let before = ring.partition_point(|member| member.id < *me);
    ring.rotate_left(before);
    ring.retain(|member| member.id != *me);
    ring
}

async fn judge(instance: &Arc<Instance>, still: Still) {
    // An instance that may be dead itself judges nobody.
    if !instance.liveness.is_fresh(instance.config.lease) {
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
