//! A membership in memory, for janitors.

use std::sync::Arc;

use a2a_core::{InstanceId, Member, MemberState, Membership};
use a2a_store_memory::MemoryStore;

/// Who is a member.
pub(crate) struct Members(pub(crate) Arc<dyn Membership>);

impl Members {
    /// With one live member, so that orphans are judged.
    pub(crate) async fn with_somebody() -> Self {
        let members = Members(Arc::new(MemoryStore::default()));
        members.join(super::new_instance(), MemberState::Serving).await;
        members
    }

    pub(crate) async fn join(&self, id: InstanceId, state: MemberState) {
        let member = Member { id, beat: 0, state: MemberState::Serving, label: None };
        let _ = self.0.beat(&member).await.unwrap();
        match state {
            MemberState::Evicted => assert!(self.0.evict(&id, 0).await.is_ok()),
            MemberState::Draining => {
                let member = Member { beat: 1, state, ..member };
                let _ = self.0.beat(&member).await.unwrap();
            }
            MemberState::Serving => {}
        }
    }
}
