//! The first commit: where it is small, one item, the head, which holds it as an entry of the log would; else the head
//! and the entry in one transaction.
//!
//! Either way the condition on the head decides which of two creations wins, so an entry in the head and one beside it
//! never meet. The entry stays in the head for as long as that.

use a2a_core::{CommitId, Outcome, Result};

use crate::DynamoDbStore;
use crate::commit::head_write;
use crate::commit::outcome::Fate;
use crate::commit::prepared::PreparedCommit;
use crate::items::head::Head;
use crate::items::shards;
use crate::log_stats::LogStats;
use crate::requests::calls::Written;

/// How often a creation meets what is left of an earlier task.
const TRIES: usize = 3;

impl DynamoDbStore {
    /// Creates a task.
    pub(crate) async fn create(&self, prepared: &PreparedCommit<'_>) -> Result<Outcome> {
        let now = self.now();
        let caller = shards::caller(&prepared.key.tenant, prepared.commit.principal());
        let mut incarnation = incarnation_of(prepared.id());
        let mut replaced = None;
        let (mut seen, mut written) = (None, None);
        for _ in 0..TRIES {
            let stats = LogStats::empty(incarnation, caller.clone(), now);
            let fate = match prepared.fits_head() {
                true => self.write_in_head(prepared, stats, replaced).await?,
                false => self.write_with_head(prepared, stats, Some(replaced)).await?,
            };
            let (entry, head, snapshot) = match fate {
                Fate::Applied(stats) => return Ok(self.applied(prepared, stats).await),
                Fate::AppliedBefore(incarnation) => return self.applied_before(prepared, incarnation).await,
                Fate::Lost { entry, head, snapshot } => (entry, head, snapshot),
                Fate::Gone => (None, None, None),
            };
            (seen, written) = (entry, snapshot.or(written));
            match head.as_ref().map(Head::read).transpose()? {
                // What is left of a deleted or expired task gives way to a later life of it.
                Some(head) if !head.is_visible(now) => {
                    incarnation = incarnation.max(head.incarnation + 1);
                    replaced = Some(head.incarnation);
                }
                _ => break,
            }
        }
        self.lost(prepared, seen, written).await
    }

    /// Writes the head with the entry in it, in the place of the head of an earlier life where that is named.
    async fn write_in_head(
        &self,
        prepared: &PreparedCommit<'_>,
        mut stats: LogStats,
        replaced: Option<u64>,
    ) -> Result<Fate> {
        let entry = self.entry(prepared, &mut stats).await?;
        stats.in_head(prepared.version());
        let times = self.times(prepared.task(), None);
        let mut head = head_write::new_head(prepared, &stats, &times);
        head.extend(entry.in_head_attributes()?);
        let (condition, values) = head_write::vacancy(replaced, &times);
        let put =
            self.calls.put(head).condition_expression(condition).set_expression_attribute_values(values);
        match self.calls.send_put(put).await? {
            Written::Done => {
                if prepared.ends_turn() {
                    self.expire_configs(&prepared.pk, &times, false).await;
                }
                Ok(Fate::Applied(Some(stats)))
            }
            Written::Unmet(head) => self.own_or_lost(prepared, None, head, None).await,
        }
    }
}

/// The life of a task that a commit begins: the millisecond in which the commit got its name. So a commit that is sent
/// again begins no other life.
fn incarnation_of(id: CommitId) -> u64 {
    (id.uuid().as_u128() >> 80) as u64
}
