//! Membership in which a dead instance's queue is removed before its record is.
//!
//! Whoever has taken over the tasks of a dead instance removes its membership record. From then on nobody would know
//! that its queue and subscription are nobody's; so those go first, and as long as they cannot be removed the record
//! stays and is tried again by whoever observes it. That costs nothing until somebody dies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use a2a_bus_snssqs::{Janitor, Pass};
use a2a_core::{BackendError, Beat, EventBus, Eviction, InstanceId, Member, Membership, Result, TaskKey};
use async_trait::async_trait;
use tokio::time::Instant;

use super::sightings::{Pace, Sightings};
use crate::report::with_causes;

/// How often the resources of one instance are tried to be removed before its record goes without. The queue is an
/// orphan then, which a later [`sweep`](Caretaker::sweep) removes.
const TRIES: u32 = 5;

/// Members, and the care for what they leave behind.
#[derive(Debug)]
pub(crate) struct Caretaker {
    pub(super) members: Arc<dyn Membership>,
    /// `None` where instances have no queues.
    pub(super) janitor: Option<Janitor>,
    pub(super) pace: Pace,
    sightings: Mutex<Sightings>,
    /// Instances of this process that were not evicted, with their ends of the bus.
    ours: Mutex<BTreeMap<InstanceId, Weak<dyn EventBus>>>,
    /// What is known to have no resources any more. Held during a pass, so that many deaths make few passes.
    releases: tokio::sync::Mutex<Releases>,
}

#[derive(Debug, Default)]
struct Releases {
    done: Vec<InstanceId>,
    tries: BTreeMap<InstanceId, u32>,
}

impl Caretaker {
    pub(super) fn new(members: Arc<dyn Membership>, janitor: Option<Janitor>, pace: Pace) -> Self {
        Self {
            members,
            janitor,
            pace,
            sightings: Mutex::new(Sightings::new(pace)),
            ours: Mutex::default(),
            releases: tokio::sync::Mutex::default(),
        }
    }

    /// Takes note that an instance of this process has this end of the bus.
    pub(super) fn is_ours(&self, me: InstanceId, bus: &Arc<dyn EventBus>) {
        lock(&self.ours).insert(me, Arc::downgrade(bus));
    }

    pub(super) fn sightings(&self) -> MutexGuard<'_, Sightings> {
        lock(&self.sightings)
    }

    /// Removes queue and subscription of an evicted instance.
    ///
    /// # Errors
    ///
    /// `Unavailable` where that should be tried again.
    pub(super) async fn release(&self, dead: &InstanceId) -> Result<()> {
        let Some(janitor) = &self.janitor else { return Ok(()) };
        let mut releases = self.releases.lock().await;
        // A record that is gone was removed by somebody who has seen to its queue before.
        if releases.done.contains(dead) || !self.is_member(dead).await? {
            return Ok(());
        }
        let tries = releases.tries.entry(*dead).or_default();
        *tries += 1;
        let is_last = *tries >= TRIES;
        match janitor.pass().await {
            Ok(Pass { released, left, is_incomplete, .. }) => {
                let is_released = released.contains(dead);
                releases.tries.retain(|id, _| !released.contains(id));
                // A pass names all that have nothing any more, so those of earlier passes need not be kept.
                releases.done = released;
                if !is_released && !is_last && (is_incomplete || !left.is_empty()) {
                    return Err(BackendError::Unavailable(
                        "the queue of a dead instance is still there".into(),
                    ));
                }
                if !is_released {
                    tracing::warn!(instance = %dead, "the queue of a dead instance is left to a later sweep");
                }
            }
            Err(error) if error.is_transient() && !is_last => return Err(error),
            Err(error) => {
                let error = with_causes(&error);
                tracing::warn!(instance = %dead, error, "the queue of a dead instance is left to `a2a-node reap`");
            }
        }
        releases.tries.remove(dead);
        Ok(())
    }

    async fn is_member(&self, who: &InstanceId) -> Result<bool> {
        let before =
            who.uuid().as_u128().checked_sub(1).map(uuid::Uuid::from_u128).map(InstanceId::from_uuid);
        let next = self.members.roster(before.as_ref(), 1).await?;
        Ok(next.first().is_some_and(|member| member.id == *who))
    }
}

#[async_trait]
impl Membership for Caretaker {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        let beat = self.members.beat(me).await?;
        if beat == Beat::Evicted {
            // What it leaves is cared for like that of any other.
            lock(&self.ours).remove(&me.id);
        }
        Ok(beat)
    }

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        let members = self.members.roster(after, limit).await?;
        // What the cluster reads anyway tells this process, when it leaves, who else is there.
        self.sightings().note(&members, Instant::now());
        Ok(members)
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        self.members.evict(who, at_beat).await
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        let own = lock(&self.ours).get(who).cloned();
        match own {
            // Closed already, unless that failed: then once more, for without the record nobody would know.
            Some(bus) => {
                if let Some(bus) = bus.upgrade() {
                    bus.close().await?;
                }
            }
            None => self.release(who).await?,
        }
        self.members.remove(who).await
    }

    async fn executing(&self, who: &InstanceId) -> Result<Vec<TaskKey>> {
        self.members.executing(who).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
