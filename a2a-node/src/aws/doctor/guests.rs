//! The records under which the checkup makes queues: who lives finds by them what it leaves if it is killed.

use std::sync::Arc;
use std::time::Duration;

use a2a_core::{InstanceId, Member, MemberState, Membership, Reach, Result};
use futures::future::try_join_all;
use tokio::task::JoinSet;

/// A third of the shortest beat interval that instances have by default.
const BEAT: Duration = Duration::from_secs(2);

/// Members that take no work and take nothing over, until they leave. Where the process is killed they stand still, and
/// survivors declare them dead and release their queues, as an instance's.
pub(super) struct Guests<M> {
    members: Arc<M>,
    ids: Vec<InstanceId>,
    beats: JoinSet<()>,
}

impl<M: Membership> Guests<M> {
    /// Joins, and beats from now on.
    ///
    /// # Errors
    ///
    /// Where a record cannot be written.
    pub(super) async fn join(members: Arc<M>, ids: &[InstanceId]) -> Result<Self> {
        let mut guests = Guests { members, ids: ids.to_vec(), beats: JoinSet::new() };
        let joined = try_join_all(guests.records(0).iter().map(|record| guests.members.beat(record))).await;
        if let Err(error) = joined {
            guests.leave().await?;
            return Err(error);
        }
        let (members, ids) = (Arc::clone(&guests.members), guests.ids.clone());
        guests.beats.spawn(async move {
            for beat in 1.. {
                tokio::time::sleep(BEAT).await;
                for record in records(&ids, beat) {
                    // The next one may get through; else somebody releases the queues early, which a line then tells.
                    let _ = members.beat(&record).await;
                }
            }
        });
        Ok(guests)
    }

    fn records(&self, beat: u64) -> Vec<Member> {
        records(&self.ids, beat)
    }

    /// Leaves without a trace.
    ///
    /// # Errors
    ///
    /// Where a record cannot be removed: it stands still from now on.
    pub(super) async fn leave(mut self) -> Result<()> {
        self.beats.shutdown().await;
        try_join_all(self.ids.iter().map(|id| self.members.remove(id))).await.map(drop)
    }
}

fn records(ids: &[InstanceId], beat: u64) -> Vec<Member> {
    let record = |id: &InstanceId| Member {
        id: *id,
        beat,
        state: MemberState::Draining,
        reach: Reach::Nowhere,
        label: Some("doctor".to_owned()),
    };
    ids.iter().map(record).collect()
}
