//! Observing the few members that follow this one in the ring, once with each of its own beats.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{Eviction, InstanceId, Member, MemberState, Result};
use futures::stream::{self, StreamExt};

use super::Members;
use super::failure_detector::{Dead, Ended, FailureDetector, Verdict};
use super::recovery;
use super::take_over::Gone;
use crate::ground::{Chain, Retry, bounded, warn_of};

/// How many records one read returns at most: what DynamoDB reads for one unit.
const WINDOW: usize = 24;

/// How many members are evicted at once.
const AT_ONCE: usize = 8;

/// Observes until the instance closes.
pub(crate) async fn observe(members: Arc<Members>) {
    let observing = async {
        let mut clock = members.ground.liveness.clock();
        // Whoever is dead already is found a beat sooner: what is seen now may be held against it from the first beat on.
        clock.mark_changed();
        let mut detector = FailureDetector::new(members.ground.config.lease);
        // Nobody knows yet how large the ring is: what follows this instance in a large one is one read.
        let mut ring = Ring { fits: false };
        while clock.changed().await.is_ok() {
            let now = *clock.borrow_and_update();
            match bounded(members.ground.config.beat_interval, ring.read(&members, &detector, now)).await {
                // What took longer than to the next beat tells nothing of the time that was asked about.
                Ok(_) if clock.has_changed().unwrap_or(true) => {}
                Ok(seen) => act(&members, detector.observe(now, &seen)).await,
                Err(error) => warn_of!(error, error = %Chain(&error), "other instances cannot be observed"),
            }
        }
    };
    let _: Option<()> = members.ground.stop.closing.run_until_cancelled(observing).await;
}

/// Reads the members that follow this one, the nearest first.
#[derive(Debug)]
struct Ring {
    /// The whole ring fits in one read, as far as is known: then an observation costs no more than that.
    fits: bool,
}

impl Ring {
    /// Reads until the detector has enough, or the ring is closed.
    async fn read(
        &mut self,
        members: &Members,
        detector: &FailureDetector,
        now: Duration,
    ) -> Result<Vec<Member>> {
        let me = members.ground.id;
        let page = async |after: Option<InstanceId>| {
            patiently(members).run(|| members.ground.members.roster(after.as_ref(), WINDOW)).await
        };
        if self.fits {
            let ring = page(None).await?;
            if ring.len() < WINDOW {
                return Ok(around(ring, me));
            }
            self.fits = false;
        }
        let mut ring = Vec::new();
        let mut after = Some(me);
        while after.is_some() {
            let members = page(after).await?;
            after = members.last().map(|last| last.id).filter(|_| members.len() == WINDOW);
            ring.extend(members);
            if detector.is_enough(now, &ring) {
                return Ok(ring);
            }
        }
        loop {
            let members = page(after).await?;
            after = members.last().map(|last| last.id).filter(|last| members.len() == WINDOW && *last < me);
            ring.extend(members.into_iter().take_while(|member| member.id < me));
            if after.is_none() {
                self.fits = ring.len() + 1 < WINDOW;
                return Ok(ring);
            }
            if detector.is_enough(now, &ring) {
                return Ok(ring);
            }
        }
    }
}

/// Puts a whole ring in the order in which it follows one of its members, without that one.
fn around(mut ring: Vec<Member>, me: InstanceId) -> Vec<Member> {
    let before = ring.partition_point(|member| member.id < me);
    ring.rotate_left(before);
    ring.retain(|member| member.id != me);
    ring
}

async fn act(members: &Arc<Members>, verdict: Verdict) {
    for Ended { id, state, part } in verdict.ended {
        recovery::begin(members, Gone { id, state }, part);
    }
    stream::iter(verdict.dead).for_each_concurrent(AT_ONCE, |dead| evict(members, dead)).await;
}

/// A retry that lasts until the next observation.
fn patiently(members: &Members) -> Retry<'_> {
    Retry::new(&members.ground, &members.ground.stop.closing, Some(members.ground.config.beat_interval))
}

async fn evict(members: &Arc<Members>, dead: Dead) {
    // An instance that may be dead itself evicts nobody.
    if !members.ground.liveness.is_fresh(members.ground.config.lease) {
        return;
    }
    match patiently(members).run(|| members.ground.members.evict(&dead.id, dead.beat)).await {
        Ok(Eviction::Evicted) => {
            members.ground.meters.evictions.increment(1);
            tracing::warn!(instance = %dead.id, "an instance did not move for the lease time: evicted");
            recovery::begin(members, Gone { id: dead.id, state: MemberState::Evicted }, dead.part);
        }
        Ok(Eviction::Moved { .. } | Eviction::Absent) => {}
        Err(error) => warn_of!(error, error = %Chain(&error), "an instance could not be evicted"),
    }
}
