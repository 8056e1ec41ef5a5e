//! A task that begins and ends with one small commit: one item, the head, which holds its only log entry.
//!
//! The entry that creates any other task lies beside its head, and both are put in one transaction. Either way the
//! condition on the head decides which of two creations wins, so an entry in the head and one beside it never meet.

use a2a_core::Result;

use crate::DynamoDbStore;
use crate::calls::Written;
use crate::commit::Fate;
use crate::draft::Draft;
use crate::headwrite;
use crate::tally::Tally;

impl DynamoDbStore {
    /// Writes the head with the entry in it, in the place of the head of an earlier life where that is named.
    pub(crate) async fn write_whole(
        &self,
        draft: &Draft<'_>,
        mut tally: Tally,
        replaced: Option<u64>,
    ) -> Result<Fate> {
        let entry = self.shelve(draft, &mut tally).await?;
        let times = self.times(draft);
        let mut head = headwrite::new_head(draft, &tally, &times);
        head.extend(entry.attributes()?);
        let (condition, values) = headwrite::vacancy(replaced, &times);
        let put =
            self.calls.put(head).condition_expression(condition).set_expression_attribute_values(values);
        let (written, configs) = futures::join!(self.calls.send_put(put), self.configs_to_expire(draft));
        let fate = match written? {
            Written::Done => Fate::Applied(tally),
            Written::Unmet(head) => self.settle(draft, tally, None, head, None).await?,
        };
        if matches!(fate, Fate::Applied(_)) {
            self.expire_configs(draft, configs).await;
        }
        Ok(fate)
    }
}
