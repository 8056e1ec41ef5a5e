//! Members: one small item each in one partition, which their ids sort; and the tasks of an executor.

use std::collections::HashMap;

use a2a_core::{
    BackendError, Beat, Eviction, ExecutingPage, InstanceId, Member, MemberState, Membership, Reach, Result,
    TaskKey,
};
use async_trait::async_trait;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use futures::FutureExt;
use futures::future::try_join_all;

use crate::DynamoDbStore;
use crate::items::attributes::{Attributes, EXPIRES, Item, PK, SK, is_expired, number, text};
use crate::items::claim;
use crate::items::head::Head;
use crate::items::keys;
use crate::items::shards;
use crate::items::unreadable::read_or_leave_out;
use crate::requests::calls::Written;
use crate::table::BY_EXECUTOR;

/// The beat counter.
const BEAT: &str = "b";
/// What the member does.
const STATE: &str = "st";
/// How others reach it.
const REACH: &str = "r";
/// Its name for people.
const LABEL: &str = "l";

/// How many entries of the index make a page: as many heads as one request reads.
const EXECUTING_PAGE: i32 = 100;

/// How many tasks that are nobody's are looked after at each look.
const NOBODYS_AT_ONCE: i32 = 20;

/// The states in which a member's record stays as it is.
const NOT_FINAL: &str = "NOT (st IN (:left, :evicted))";

#[async_trait]
impl Membership for DynamoDbStore {
    async fn beat(&self, me: &Member) -> Result<Beat> {
        keys::check("label", me.label.as_deref().unwrap_or_default())?;
        let condition = match me.beat {
            0 => format!("attribute_not_exists(pk) OR ({NOT_FINAL} AND b <= :b)"),
            _ => format!("{NOT_FINAL} AND b <= :b"),
        };
        let update = self
            .final_states(self.record(&me.id))
            .condition_expression(condition)
            .expression_attribute_values(":b", number(me.beat))
            .expression_attribute_values(":st", text(name_of(me.state)))
            .expression_attribute_values(":r", text(way(me.reach)));
        let update = match &me.label {
            Some(label) => update
                .update_expression("SET b = :b, st = :st, r = :r, l = :l")
                .expression_attribute_values(":l", text(label)),
            None => update.update_expression("SET b = :b, st = :st, r = :r REMOVE l"),
        };
        match self.calls.of_beats().send_update(update).await? {
            Written::Done => Ok(Beat::Alive),
            Written::Unmet(None) => Ok(Beat::Evicted),
            Written::Unmet(Some(item)) if read(&item)?.state.is_final() => Ok(Beat::Evicted),
            // A later beat was written already; this one must not take the counter back.
            Written::Unmet(Some(_)) => Ok(Beat::Alive),
        }
    }

    async fn member(&self, who: &InstanceId) -> Result<Option<Member>> {
        self.calls.get(keys::MEMBERS, &who.to_string()).await?.as_ref().map(read).transpose()
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
                members.extend(read_or_leave_out(item, read)?);
            }
            if next.is_none() || members.len() >= limit {
                return Ok(members);
            }
            from = next;
        }
    }

    async fn evict(&self, who: &InstanceId, at_beat: u64) -> Result<Eviction> {
        let update = self
            .final_states(self.record(who))
            .update_expression("SET st = :evicted")
            .condition_expression(format!("b = :at AND {NOT_FINAL}"))
            .expression_attribute_values(":at", number(at_beat));
        match self.calls.send_update(update).await? {
            Written::Done => Ok(Eviction::Evicted),
            Written::Unmet(None) => Ok(Eviction::Absent),
            Written::Unmet(Some(item)) => {
                let member = read(&item)?;
                Ok(if member.state.is_final() {
                    Eviction::Evicted
                } else {
                    Eviction::Moved { beat: member.beat }
                })
            }
        }
    }

    async fn remove(&self, who: &InstanceId) -> Result<()> {
        let delete = self.calls.delete(keys::MEMBERS, &who.to_string());
        match self.calls.send_delete(delete).await? {
            Written::Done | Written::Unmet(_) => Ok(()),
        }
    }

    async fn executing(&self, who: &InstanceId, after: Option<&TaskKey>) -> Result<ExecutingPage> {
        let (items, next) = self.index_of_executor(who, after).await?;
        if after.is_none()
            && let Err(error) = self.look_after_nobodys().await
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "tasks that lack a snapshot are not looked for");
        }
        // The index may lag and show tasks that others execute by now, or nobody: hence pages without tasks.
        let tasks = self.executed_by(who, &items).await?;
        let next = next.map(|last| keys::task_of(last.text(PK)?)).transpose()?;
        Ok(ExecutingPage { tasks, next })
    }
}

impl DynamoDbStore {
    fn record(&self, id: &InstanceId) -> UpdateItemFluentBuilder {
        self.calls.update(keys::MEMBERS, &id.to_string())
    }

    fn final_states(&self, update: UpdateItemFluentBuilder) -> UpdateItemFluentBuilder {
        update
            .expression_attribute_values(":left", text(name_of(MemberState::Left)))
            .expression_attribute_values(":evicted", text(name_of(MemberState::Evicted)))
    }

    /// Reads a page of an executor's partitions of the index, one after the other: its entries, and the last of them where
    /// there are more. Most executors have few tasks, so the first look is at all partitions at once.
    async fn index_of_executor(
        &self,
        who: &InstanceId,
        after: Option<&TaskKey>,
    ) -> Result<(Vec<Item>, Option<Item>)> {
        let first = after.map_or(0, |after| shards::executor_shard_of(&after.task_id));
        let mut from = after.map(|after| position(who, after)).transpose()?;
        let query = |shard| {
            let query = self.calls.query().index_name(BY_EXECUTOR).key_condition_expression("ex = :ex");
            query.expression_attribute_values(":ex", text(shards::executor_shard(who, shard)))
        };
        let mut found = Vec::new();
        if after.is_none() {
            let looks =
                (0..shards::OF_EXECUTOR).map(|shard| self.calls.page(query(shard).limit(EXECUTING_PAGE)));
            let pages = try_join_all(looks.map(FutureExt::boxed)).await?;
            let is_all = pages.iter().all(|(_, next)| next.is_none());
            found.extend(pages.into_iter().flat_map(|(items, _)| items));
            if is_all && found.len() <= EXECUTING_PAGE as usize {
                return Ok((found, None));
            }
            found.truncate(EXECUTING_PAGE as usize);
            return Ok((found.clone(), found.pop()));
        }
        for shard in first..shards::OF_EXECUTOR {
            let room = EXECUTING_PAGE.saturating_sub(i32::try_from(found.len()).unwrap_or(i32::MAX));
            let page = query(shard).set_exclusive_start_key(from.take()).limit(room);
            let (items, next) = self.calls.page(page).await?;
            found.extend(items);
            if next.is_some() || found.len() >= EXECUTING_PAGE as usize {
                return Ok((found.clone(), found.pop()));
            }
        }
        Ok((found, None))
    }

    /// Has the snapshots written that tasks lack which are nobody's. Everybody looks; who comes first has done it.
    async fn look_after_nobodys(&self) -> Result<()> {
        let query = self.calls.query().index_name(BY_EXECUTOR).key_condition_expression("ex = :ex");
        let query =
            query.expression_attribute_values(":ex", text(shards::of_nobody())).limit(NOBODYS_AT_ONCE);
        for item in self.calls.page(query).await?.0 {
            self.repair_some_time(item.text(PK)?);
        }
        Ok(())
    }

    /// Those of these index entries whose executor it is in truth.
    async fn executed_by(&self, who: &InstanceId, items: &[Item]) -> Result<Vec<TaskKey>> {
        let partitions = items.iter().map(|item| item.text(PK)).collect::<Result<Vec<_>>>()?;
        let now = self.now();
        let mut tasks = Vec::new();
        for head in self.calls.get_each(&partitions, keys::HEAD).await? {
            // What is wrong with a task that cannot be understood shows when it is taken over.
            let is_executed = match read_or_leave_out(&head, Head::read)? {
                Some(found) => {
                    found.is_visible(now) && found.facts.claim.is_some_and(|claim| claim.instance == *who)
                }
                None => {
                    let expires = head.find(EXPIRES).ok().flatten();
                    claim::executor(&head)? == Some(*who) && !is_expired(expires, now)
                }
            };
            if is_executed {
                tasks.push(keys::task_of(head.text(PK)?)?);
            }
        }
        Ok(tasks)
    }
}

/// The position of a task in the index: it tells where the next entries are, whether the task still is there or not.
fn position(who: &InstanceId, task: &TaskKey) -> Result<Item> {
    Ok(HashMap::from([
        (claim::EXECUTOR.to_owned(), text(shards::of_executor(who, &task.task_id))),
        (PK.to_owned(), text(keys::partition(task)?)),
        (SK.to_owned(), text(keys::HEAD)),
    ]))
}

fn name_of(state: MemberState) -> &'static str {
    match state {
        MemberState::Starting => "starting",
        MemberState::Left => "left",
        MemberState::Serving => "serving",
        MemberState::Draining => "draining",
        MemberState::Evicted => "evicted",
    }
}

fn way(reach: Reach) -> &'static str {
    match reach {
        Reach::Nowhere => "nowhere",
        Reach::Direct => "direct",
        Reach::Topic => "topic",
    }
}

fn read(item: &Item) -> Result<Member> {
    let reach = match item.text(REACH)? {
        "nowhere" => Reach::Nowhere,
        "direct" => Reach::Direct,
        "topic" => Reach::Topic,
        _ => return Err(BackendError::corrupt("how a member is reached")),
    };
    let state = match item.text(STATE)? {
        "starting" => MemberState::Starting,
        "left" => MemberState::Left,
        "serving" => MemberState::Serving,
        "draining" => MemberState::Draining,
        "evicted" => MemberState::Evicted,
        _ => return Err(BackendError::corrupt("the state of a member")),
    };
    Ok(Member {
        id: item.parse(SK)?,
        beat: item.parse(BEAT)?,
        state,
        reach,
        label: item.find_text(LABEL)?.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_member_reads_back() {
        use MemberState::{Draining, Evicted, Left, Serving, Starting};
        use Reach::{Direct, Nowhere, Topic};
        let states = [Starting, Serving, Draining, Left, Evicted];
        for (state, reach) in states.into_iter().zip([Nowhere, Direct, Topic].into_iter().cycle()) {
            let id = InstanceId::from_uuid(Uuid::from_u128(7));
            let item: Item = HashMap::from([
                (SK.to_owned(), text(id.to_string())),
                (BEAT.to_owned(), number(3)),
                (STATE.to_owned(), text(name_of(state))),
                (REACH.to_owned(), text(way(reach))),
                (LABEL.to_owned(), text("pod-1")),
            ]);
            let member = Member { id, beat: 3, state, reach, label: Some("pod-1".into()) };
            assert_eq!(read(&item).unwrap(), member);
        }
    }
}
