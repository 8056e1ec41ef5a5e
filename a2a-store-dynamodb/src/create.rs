//! The first commit: where it is small, one item, the head, which holds it as an entry of the log would; else the head
//! and the entry in one transaction.
//!
//! Either way the condition on the head decides which of two creations wins, so an entry in the head and one beside it
//! never meet. The entry stays in the head for as long as that.

use a2a_core::{CommitId, Outcome, Result};

use crate::DynamoDbStore;
use crate::calls::Written;
use crate::commit::Fate;
use crate::draft::Draft;
use crate::head::Head;
use crate::standing::Standing;
use crate::{headwrite, shards};

/// How often a creation meets what is left of an earlier task.
const TRIES: usize = 3;

impl DynamoDbStore {
    /// Creates a task.
    pub(crate) async fn create(&self, draft: &Draft<'_>) -> Result<Outcome> {
        let now = self.now();
        let caller = shards::caller(&draft.key.tenant, draft.commit.principal());
        let mut incarnation = incarnation_of(draft.id());
        let mut replaced = None;
        let (mut seen, mut written) = (None, None);
        for _ in 0..TRIES {
            let standing = Standing::empty(incarnation, caller.clone(), now);
            let fate = match draft.fits_head() {
                true => self.write_in_head(draft, standing, replaced).await?,
                false => self.write_with_head(draft, standing, Some(replaced)).await?,
            };
            let (entry, head, snapshot) = match fate {
                Fate::Applied(standing) => return Ok(self.applied(draft, standing).await),
                Fate::AppliedBefore(incarnation) => return self.applied_before(draft, incarnation).await,
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
        self.lost(draft, seen, written).await
    }

    /// Writes the head with the entry in it, in the place of the head of an earlier life where that is named.
    async fn write_in_head(
        &self,
        draft: &Draft<'_>,
        mut standing: Standing,
        replaced: Option<u64>,
    ) -> Result<Fate> {
        let entry = self.entry(draft, &mut standing).await?;
        standing.in_head(draft.version());
        let times = self.times(draft.task(), None);
        let mut head = headwrite::new_head(draft, &standing, &times);
        head.extend(entry.in_head_attributes()?);
        let (condition, values) = headwrite::vacancy(replaced, &times);
        let put =
            self.calls.put(head).condition_expression(condition).set_expression_attribute_values(values);
        match self.calls.send_put(put).await? {
            Written::Done => {
                if draft.ends_turn() {
                    self.expire_configs(&draft.pk, &times).await;
                }
                Ok(Fate::Applied(Some(standing)))
            }
            Written::Unmet(head) => self.own_or_lost(draft, None, head, None).await,
        }
    }
}

/// The life of a task that a commit begins: the millisecond in which the commit got its name. So a commit that is sent
/// again begins no other life.
fn incarnation_of(id: CommitId) -> u64 {
    (id.uuid().as_u128() >> 80) as u64
}
