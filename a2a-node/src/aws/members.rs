//! What an operator reads of members, page by page.

use a2a_core::{InstanceId, Member, Membership, Result};

const PAGE: usize = 500;

/// Reads every record.
///
/// # Errors
///
/// As [`Membership::roster`].
pub(super) async fn roster(members: &dyn Membership) -> Result<Vec<Member>> {
    let mut all: Vec<Member> = Vec::new();
    loop {
        let last = all.last().map(|member| member.id);
        let page = members.roster(last.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Counts the tasks that a member executes, and reads no further pages once there are `enough`.
///
/// # Errors
///
/// As [`Membership::executing`].
pub(super) async fn tasks_of(members: &dyn Membership, who: &InstanceId, enough: usize) -> Result<usize> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = members.executing(who, after.as_ref()).await?;
        count += page.tasks.len();
        after = page.next;
        if after.is_none() || count >= enough {
            return Ok(count);
        }
    }
}
