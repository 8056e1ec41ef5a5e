//! Members: one small item each in one partition, which their ids sort; and the tasks of an executor.

use a2a_core::{BackendError, Beat, Eviction, InstanceId, Member, MemberState, Membership, Result, TaskKey};
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;

use crate::DynamoDbStore;
use crate::attributes::{Attributes, Item, PK, SK, number, text};
use crate::calls::Written;
use crate::head::Head;
use crate::keys;
use crate::table::BY_EXECUTOR;

/// The beat counter.
const BEAT: &str = "b";
/// What the member does.
const STATE: &str = "st";
/// Its name for people.
const LABEL: &str = "l";

/// How many entries of the index one answer looks at before it checks them.
const EXECUTING_PAGE: i32 = 100;

#[async_trait]
impl Membership for DynamoDbStore {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        keys::check("label", me.label.as_deref().unwrap_or_default())?;
        let condition = match me.beat {
            0 => "attribute_not_exists(pk) OR (st <> :evicted AND b <= :b)",
            _ => "st <> :evicted AND b <= :b",
        };
        let update = self
            .member(&me.id)
            .condition_expression(condition)
            .expression_attribute_values(":evicted", text(name_of(MemberState::Evicted)))
            .expression_attribute_values(":b", number(me.beat))
            .expression_attribute_values(":st", text(name_of(me.state)));
        let update = match &me.label {
            Some(label) => update
                .update_expression("SET b = :b, st = :st, l = :l")
                .expression_attribute_values(":l", text(label)),
            None => update.update_expression("SET b = :b, st = :st REMOVE l"),
        };
        match self.calls.send_update(update).await? {
            Written::Done => Ok(Beat::Alive),
            Written::Unmet(None) => Ok(Beat::Evicted),
            Written::Unmet(Some(item)) => match read(&item)?.state {
                MemberState::Evicted => Ok(Beat::Evicted),
                // A later beat was written already; this one must not take the counter back.
                MemberState::Serving | MemberState::Draining => Ok(Beat::Alive),
            },
        }
    }

    async fn roster(&self, after: Option<&InstanceId>, limit: usize) -> Result<Vec<Member>> {
        let mut members = Vec::new();
        if limit == 0 {
            return Ok(members);
        }
        let query = self.calls.query().consistent_read(true);
        let query = query.expression_attribute_values(":pk", text(keys::MEMBERS));
        let query = match after {
            Some(id) => query
                .key_condition_expression("pk = :pk AND sk > :after")
                .expression_attribute_values(":after", text(id.to_string())),
            None => query.key_condition_expression("pk = :pk"),
        };
        let mut from = None;
        loop {
            let missing = i32::try_from(limit - members.len()).unwrap_or(i32::MAX);
            let page = query.clone().limit(missing).set_exclusive_start_key(from);
            let (items, next) = self.calls.page(page).await?;
            for item in &items {
                members.push(read(item)?);
            }
            if next.is_none() || members.len() >= limit {
                return Ok(members);
            }
            from = next;
        }
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        let update = self
            .member(who)
            .update_expression("SET st = :evicted")
            .condition_expression("b = :at OR st = :evicted")
            .expression_attribute_values(":evicted", text(name_of(MemberState::Evicted)))
            .expression_attribute_values(":at", number(at_beat));
        match self.calls.send_update(update).await? {
            Written::Done => Ok(Eviction::Evicted),
            Written::Unmet(None) => Ok(Eviction::Absent),
            Written::Unmet(Some(item)) => Ok(Eviction::Moved { beat: item.parse(BEAT)? }),
        }
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        let delete = self.calls.delete(keys::MEMBERS, &who.to_string());
        match self.calls.send_delete(delete).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }

    async fn executing(&self, who: &InstanceId) -> Result<Vec<TaskKey>> {
        let query = self
            .calls
            .query()
            .index_name(BY_EXECUTOR)
            .key_condition_expression("ex = :who")
            .expression_attribute_values(":who", text(who.to_string()))
            .limit(EXECUTING_PAGE);
        let mut from = None;
        loop {
            let (items, next) = self.calls.page(query.clone().set_exclusive_start_key(from)).await?;
            let tasks = self.executed_by(who, &items).await?;
            // An index that lags may show only tasks that are done; those of interest may come after.
            if !tasks.is_empty() || next.is_none() {
                return Ok(tasks);
            }
            from = next;
        }
    }
}

impl DynamoDbStore {
    fn member(&self, id: &InstanceId) -> UpdateItemFluentBuilder {
        self.calls.update(keys::MEMBERS, &id.to_string())
    }

    /// Those of these index entries whose executor it is in truth.
    async fn executed_by(&self, who: &InstanceId, items: &[Item]) -> Result<Vec<TaskKey>> {
        let partitions = items.iter().map(|item| item.text(PK)).collect::<Result<Vec<_>>>()?;
        let now = self.now();
        let mut tasks = Vec::new();
        for head in self.calls.get_each(&partitions, keys::HEAD).await? {
            let read = Head::read(&head)?;
            if read.is_visible(now) && read.facts.executor.is_some_and(|executor| executor.instance == *who) {
                tasks.push(keys::task_of(head.text(PK)?)?);
            }
        }
        Ok(tasks)
    }
}

fn name_of(state: MemberState) -> &'static str {
    match state {
        MemberState::Serving => "serving",
        MemberState::Draining => "draining",
        MemberState::Evicted => "evicted",
    }
}

fn read(item: &Item) -> Result<Member> {
    let state = match item.text(STATE)? {
        "serving" => MemberState::Serving,
        "draining" => MemberState::Draining,
        "evicted" => MemberState::Evicted,
        _ => return Err(BackendError::corrupt("the state of a member")),
    };
    Ok(Member {
        id: item.parse(SK)?,
        beat: item.parse(BEAT)?,
        state,
        label: item.find_text(LABEL)?.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_member_reads_back() {
        for state in [MemberState::Serving, MemberState::Draining, MemberState::Evicted] {
            let id = InstanceId::from_uuid(Uuid::from_u128(7));
            let item: Item = HashMap::from([
                (SK.to_owned(), text(id.to_string())),
                (BEAT.to_owned(), number(3)),
                (STATE.to_owned(), text(name_of(state))),
                (LABEL.to_owned(), text("pod-1")),
            ]);
            let member = Member { id, beat: 3, state, label: Some("pod-1".into()) };
            assert_eq!(read(&item).unwrap(), member);
        }
    }
}
