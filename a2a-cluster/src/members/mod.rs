//! Who is alive, and what happens to the tasks of those who are not.
//!
//! Each instance beats its own record and observes the few that follow it in id order, a ring, so that reads
//! grow with the fleet and not with its square. A member whose counter does not move for the lease time, on
//! the observer's own monotonic clock, is evicted by compare-and-set; then its tasks are taken over by commit.

mod beat;
mod failure_detector;
mod index;
mod keys;
mod leave;
mod observe;
mod reconcile;
mod recovery;
mod shuffle;
mod suspicion;
mod take_over;
mod unwatch;

use std::sync::Arc;

use a2a_core::{InstanceId, MemberState};

pub(crate) use beat::beat;
pub(crate) use keys::{read_keys, renew_keys};
pub(crate) use leave::leave;
pub(crate) use observe::observe;
pub(crate) use reconcile::reconcile;
pub(crate) use suspicion::{suspect, suspect_if_old};
pub(crate) use unwatch::unwatch_all;

use crate::actor::Actors;
use crate::ground::Ground;
use crate::webhook::Dispatchers;
use failure_detector::{OBSERVED, Part};
use suspicion::Suspects;
use take_over::Gone;

/// What one instance knows of the others, and does about them.
pub(crate) struct Members {
    ground: Arc<Ground>,
    actors: Arc<Actors>,
    dispatchers: Arc<Dispatchers>,
    suspects: Suspects,
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Members").field("me", &self.ground.id).finish_non_exhaustive()
    }
}

impl Members {
    pub(crate) fn new(actors: &Arc<Actors>, dispatchers: &Arc<Dispatchers>) -> Arc<Self> {
        Arc::new(Members {
            ground: Arc::clone(&actors.ground),
            actors: Arc::clone(actors),
            dispatchers: Arc::clone(dispatchers),
            suspects: Suspects::default(),
        })
    }
}

/// Recovers what an earlier incarnation of an instance left. Its observers do so, too; but where there is none, or none
/// knows of it any more, the next incarnation does.
pub(crate) fn recover_earlier(members: &Arc<Members>, earlier: InstanceId) {
    let gone = Gone { id: earlier, state: MemberState::Evicted };
    recovery::begin(members, gone, Part { rank: 0, of: OBSERVED });
}
