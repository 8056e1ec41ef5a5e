//! The last instance to leave removes what the dead have left: after it, nobody is there to do so.

use a2a_core::{Eviction, InstanceId, Member, MemberState, Result};

use super::caretaker::Caretaker;
use super::roster::roster;
use super::sightings::Life;
use crate::report::with_causes;

/// How often in a row the store may fail before the rest is left to the next fleet.
const FAILURES: u32 = 3;

/// What a look at the other members says.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// Somebody stays, or nothing is left to do.
    Done,
    /// Somebody may be dead, or not.
    Unsure,
}

impl Caretaker {
    /// Waits, for the lease time at most, until it is clear whether any member is left that lives. If none is, evicts
    /// those that are dead, and removes the queues, subscriptions and records of those that leave no tasks.
    ///
    /// Call it when the instances of this process have removed their own records: of several that leave at once, the
    /// last one to do so then sees no other. Returns at once where nobody else is there, or somebody is known to live.
    pub(crate) async fn farewell(&self) {
        let mut failures = 0;
        let mut waits = false;
        loop {
            match self.look().await {
                Ok(Look::Done) => return,
                Ok(Look::Unsure) => {
                    failures = 0;
                    if !waits {
                        let lease = self.pace.lease;
                        tracing::info!(
                            ?lease,
                            "other members have not moved lately: waits to see whether they live"
                        );
                    }
                    waits = true;
                }
                Err(error) => {
                    failures += 1;
                    tracing::warn!(error = with_causes(&error), "cannot look for what dead instances left");
                    if failures >= FAILURES {
                        return;
                    }
                }
            }
            tokio::time::sleep(self.pace.beat).await;
        }
    }

    async fn look(&self) -> Result<Look> {
        let members = roster(self).await?;
        let lives: Vec<(Member, Life)> = {
            let sightings = self.sightings();
            members
                .into_iter()
                .map(|member| (sightings.life(&member.id), member))
                .map(|(l, m)| (m, l))
                .collect()
        };
        let is_alive =
            |(member, life): &(Member, Life)| member.state != MemberState::Evicted && *life == Life::Moves;
        if lives.iter().any(is_alive) {
            return Ok(Look::Done);
        }
        let mut look = Look::Done;
        for (member, life) in lives {
            let is_dead = match (member.state, life) {
                (MemberState::Evicted, _) => true,
                (_, Life::Still) => match self.members.evict(&member.id, member.beat).await? {
                    Eviction::Evicted => true,
                    Eviction::Moved { .. } => return Ok(Look::Done),
                    Eviction::Absent => continue,
                },
                _ => false,
            };
            if is_dead {
                self.bury(&member.id).await?;
            } else {
                look = Look::Unsure;
            }
        }
        Ok(look)
    }

    /// Removes the record of an evicted member and what else is left of it; not where tasks wait for somebody who
    /// takes them over, because the record is how that one finds them.
    pub(super) async fn bury(&self, dead: &InstanceId) -> Result<bool> {
        self.release(dead).await?;
        let waiting = self.members.executing(dead).await?.len();
        if waiting > 0 {
            tracing::warn!(instance = %dead, waiting, "tasks of a dead instance wait for the next instance to start");
            return Ok(false);
        }
        self.members.remove(dead).await?;
        tracing::info!(instance = %dead, "removed what a dead instance left");
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
