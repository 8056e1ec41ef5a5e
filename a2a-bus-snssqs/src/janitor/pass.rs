//! One pass: list, compare, look closer, remove.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use a2a_core::{InstanceId, Member, MemberState, Membership, Result};
use tokio::time::{Interval, MissedTickBehavior, interval};
use tracing::{info, warn};
use uuid::Uuid;

use super::plan::{Case, Cause, plan};
use super::{Rules, evidence, inventory};
use crate::error::Failure;
use crate::{Clients, Deployment, Leftover, removal};

const CALL_WITHIN: Duration = Duration::from_secs(10);
const PAGE: usize = 500;

/// An account may ask for tags five times a second, for all purposes.
const TAGS_EVERY: Duration = Duration::from_millis(250);

/// Until then a queue that looks absent may have been made a moment ago.
const SETTLED: Duration = Duration::from_secs(60);

/// The most orphans that one pass looks at closely, each with up to three calls. The next pass goes on there.
const LOOKED_AT: usize = 100;

/// The resources of one instance that a pass removed, or would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The instance.
    pub instance: InstanceId,
    /// Why.
    pub cause: Cause,
    /// The URL of its queue, where there was one.
    pub queue_url: Option<String>,
    /// The ARNs of its subscriptions.
    pub subscriptions: Vec<String>,
}

/// What a pass did.
#[derive(Debug, Default)]
pub struct Pass {
    /// What was removed; in a dry run, what would have been.
    pub removed: Vec<Removal>,
    /// Evicted members that have no queue and no subscription any more. Their records need not be kept for the
    /// janitor's sake.
    pub released: Vec<InstanceId>,
    /// What could not be looked at or removed. The next pass tries again.
    pub left: Vec<Leftover>,
    /// Whether there may be more to remove than one pass does.
    pub is_incomplete: bool,
}

/// Removes queues and subscriptions of evicted instances, and orphans.
///
/// Any number of janitors may run at once: what another one removed counts as removed.
#[derive(Debug)]
pub struct Janitor {
    clients: Clients,
    deployment: Deployment,
    members: Arc<dyn Membership>,
    rules: Rules,
    /// The last orphan that was looked at.
    looked_at: Mutex<Option<InstanceId>>,
}

impl Janitor {
    /// Prepares passes over a deployment, whose members `members` knows. Calls nothing.
    pub fn new(clients: Clients, deployment: Deployment, members: Arc<dyn Membership>, rules: Rules) -> Self {
        Janitor { clients, deployment, members, rules, looked_at: Mutex::default() }
    }

    /// Removes what dead instances left behind, within the [`Rules`].
    ///
    /// Idempotent. When cancelled, the rest is for the next pass.
    ///
    /// # Errors
    ///
    /// Where queues, subscriptions or members could not be listed; then nothing was removed. What went wrong
    /// with a single resource is in [`Pass::left`].
    pub async fn pass(&self) -> Result<Pass> {
        // In this order: whoever makes a queue after the list is not in it, and whoever joins before the
        // roster is read is known.
        let queues = inventory::queues(&self.clients, &self.deployment, CALL_WITHIN).await?;
        let subscriptions = inventory::subscriptions(&self.clients, &self.deployment, CALL_WITHIN).await?;
        let plan = plan(queues, subscriptions, &self.roster().await?);
        let mut pass = Pass { released: plan.released, ..Pass::default() };
        let (mut cases, orphans): (Vec<_>, Vec<_>) =
            plan.cases.into_iter().partition(|case| case.cause == Cause::Evicted);
        if plan.somebody_is_alive || self.rules.of_the_dead {
            let (orphans, are_all) = self.next_orphans(orphans);
            pass.is_incomplete = !are_all;
            cases.extend(orphans);
        } else if !orphans.is_empty() {
            warn!(instances = orphans.len(), "no member is alive: orphans are not judged");
        }
        self.clean(&mut pass, cases).await;
        Ok(pass)
    }

    async fn roster(&self) -> Result<BTreeMap<InstanceId, MemberState>> {
        let mut known = BTreeMap::new();
        let mut last = None;
        loop {
            let page = self.members.roster(last.as_ref(), PAGE).await?;
            known.extend(page.iter().map(|Member { id, state, .. }| (*id, *state)));
            match page.last() {
                Some(member) => last = Some(member.id),
                None => return Ok(known),
            }
        }
    }

    /// Those that this pass looks at, from where the last one stopped, and whether those are all.
    fn next_orphans(&self, mut orphans: Vec<Case>) -> (Vec<Case>, bool) {
        let looked_at = *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = orphans.partition_point(|case| Some(case.instance) <= looked_at);
        orphans.rotate_left(seen);
        let are_all = orphans.len() <= LOOKED_AT;
        orphans.truncate(LOOKED_AT);
        (orphans, are_all)
    }

    async fn clean(&self, pass: &mut Pass, cases: Vec<Case>) {
        let mut tried = 0;
        let mut pace = interval(TAGS_EVERY);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for case in cases {
            if tried >= self.rules.at_most {
                pass.is_incomplete = true;
                return;
            }
            if case.cause == Cause::Orphaned {
                *self.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(case.instance);
            }
            match self.may_go(&case, &mut pace).await {
                Ok(true) => {
                    tried += 1;
                    self.remove(pass, case).await;
                }
                Ok(false) => {}
                Err(error) => {
                    let resource = self.deployment.queue_arn(case.instance);
                    warn!(resource, error = %error, "could not be judged and is left alone");
                    pass.left.push(Leftover { resource, error });
                }
            }
        }
    }

    /// Looks closer: every doubt speaks for leaving it.
    async fn may_go(&self, case: &Case, pace: &mut Interval) -> Result<bool> {
        let Case { instance, cause, queue_url, .. } = case;
        let sqs = &self.clients.sqs;
        match queue_url {
            Some(url) => {
                if *cause == Cause::Orphaned {
                    let age = evidence::age(sqs, url, CALL_WITHIN).await?;
                    if age.is_none_or(|age| age < self.rules.orphan_age) {
                        return Ok(false);
                    }
                }
                pace.tick().await;
                let deployment = evidence::deployment_of(sqs, url, CALL_WITHIN).await?;
                if deployment.as_deref() != Some(&*self.deployment.name) {
                    return Ok(false);
                }
            }
            None => {
                let name = self.deployment.queue_name(*instance);
                let age = evidence::age_without_queue(sqs, &name, *instance, CALL_WITHIN).await?;
                let settled = SETTLED.min(self.rules.orphan_age);
                if age.is_none_or(|age| *cause == Cause::Orphaned && age < settled) {
                    return Ok(false);
                }
            }
        }
        Ok(match self.member(*instance).await? {
            Some(MemberState::Evicted) => true,
            Some(_) => false,
            None => *cause == Cause::Orphaned,
        })
    }

    /// What the membership says about an instance right now.
    async fn member(&self, instance: InstanceId) -> Result<Option<MemberState>> {
        let number = instance.uuid().as_u128();
        let before = number.checked_sub(1).map(|before| InstanceId::from_uuid(Uuid::from_u128(before)));
        let next = self.members.roster(before.as_ref(), 1).await?;
        Ok(next.first().filter(|member| member.id == instance).map(|member| member.state))
    }

    /// Removes subscriptions first: a queue that is left is found by its name, a subscription only by its queue.
    async fn remove(&self, pass: &mut Pass, case: Case) {
        let Case { instance, cause, queue_url, subscriptions } = case;
        let left = pass.left.len();
        if !self.rules.dry_run {
            let mut note = |resource: &str, done: Result<(), Failure>| {
                if let Err(failure) = done {
                    warn!(resource, error = %failure, "could not be removed");
                    pass.left.push(Leftover { resource: resource.to_owned(), error: failure.into() });
                }
            };
            for arn in &subscriptions {
                note(arn, removal::unsubscribe(&self.clients.sns, arn, CALL_WITHIN).await);
            }
            if let Some(url) = &queue_url {
                note(url, removal::delete_queue(&self.clients.sqs, url, CALL_WITHIN).await);
            }
        }
        if pass.left.len() == left {
            let dry_run = self.rules.dry_run;
            info!(%instance, ?cause, dry_run, queue = queue_url.is_some(), "resources of a dead instance removed");
            if cause == Cause::Evicted && !dry_run {
                pass.released.push(instance);
            }
            pass.removed.push(Removal { instance, cause, queue_url, subscriptions });
        }
    }
}
