//! All members of a cluster, page by page.

use a2a_core::{Member, Membership, Result};

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
