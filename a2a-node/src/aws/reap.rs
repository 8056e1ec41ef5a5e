//! `a2a-node reap`: removes what dead instances left, for an operator; shows it unless told to do it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use a2a_bus_snssqs::{ConfigError, Inventory, SnsSqsBus};
use a2a_core::{BackendError, EventBus, Eviction, InstanceId, Member, Membership};
use a2a_store_dynamodb::DynamoDbStore;
use serde::Serialize;
use tokio::time::Instant;

use super::clients::Aws;
use super::members::{roster, tasks_of};
use crate::cli::Reap;
use crate::report::with_causes;

/// How often members are looked at in the lease time.
const LOOKS: u32 = 6;

/// Why nothing, or not all, can be removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReapError {
    /// The table cannot be read or written.
    #[error("the members cannot be read or changed; `a2a-node doctor` tells more")]
    Members(#[from] BackendError),
    /// The topic cannot be meant.
    #[error(transparent)]
    Topic(#[from] ConfigError),
    /// Queues and subscriptions cannot be listed.
    #[error("queues and subscriptions cannot be listed; `a2a-node doctor` tells more")]
    List(#[source] BackendError),
    /// Whoever reads what is done is gone.
    #[error("cannot write to stdout")]
    Write(#[from] io::Error),
}

/// Shows or removes what dead instances left.
pub(super) async fn run(flags: Reap) -> Result<ExitCode, ReapError> {
    let aws = Aws::from_environment().await;
    let bus = flags.names.topic.topic_arn.as_ref().map(|topic| aws.bus(topic)).transpose()?;
    let members = aws.store(&flags.names.table);
    let inventory = match &bus {
        Some(bus) => Box::pin(bus.inventory(&members)).await.map_err(ReapError::List)?,
        None => {
            say("no --topic-arn: queues and subscriptions are not looked at");
            Inventory::default()
        }
    };
    let mut reaper = Reaper { members, bus, inventory, flags, found: 0, released: 0, left: 0, more: false };
    for member in reaper.declare_dead().await? {
        if reaper.release(&member.id, "its instance is dead").await? {
            reaper.forget(&member.id).await?;
        }
    }
    reaper.release_orphans().await?;
    reaper.sum_up()
}

struct Reaper {
    members: DynamoDbStore,
    bus: Option<SnsSqsBus>,
    inventory: Inventory,
    flags: Reap,
    found: usize,
    released: usize,
    left: usize,
    more: bool,
}

/// What was removed, or would be, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reaped<'a> {
    instance: &'a InstanceId,
    action: &'a str,
    /// The queue's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    why: &'a str,
    /// Whether it was done, or only found.
    applied: bool,
}

impl Reaper {
    /// Watches the members for the lease time and declares those dead that do not move. Returns all dead ones, and
    /// those that left.
    async fn declare_dead(&mut self) -> Result<Vec<Member>, ReapError> {
        let lease = self.flags.lease;
        let members = roster(&self.members).await?;
        let (mut dead, live): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|member| member.state.is_final());
        let mut still: BTreeMap<_, _> = live.into_iter().map(|member| (member.id, member)).collect();
        if !still.is_empty() {
            say(&format!("watches {} members for {lease:?}, to see who lives", still.len()));
        }
        let pause = (lease / LOOKS).max(Duration::from_millis(1));
        let (mut watched, mut looked) = (Duration::ZERO, Instant::now());
        while !still.is_empty() && watched < lease {
            tokio::time::sleep(pause).await;
            let now: BTreeMap<_, _> =
                roster(&self.members).await?.into_iter().map(|member| (member.id, member.beat)).collect();
            still.retain(|id, member| now.get(id) == Some(&member.beat));
            // A look that came late says nothing about the time between.
            watched += looked.elapsed().min(pause * 2);
            looked = Instant::now();
        }
        for member in still.into_values() {
            if self.evict(&member).await? {
                dead.push(member);
            }
        }
        Ok(dead)
    }

    async fn evict(&mut self, member: &Member) -> Result<bool, ReapError> {
        if self.flags.apply && self.members.evict(&member.id, member.beat).await? != Eviction::Evicted {
            return Ok(false);
        }
        self.line(&member.id, "declare dead", None, "it did not move for the lease time")?;
        Ok(true)
    }

    /// Removes an instance's queue and subscription. Tells whether they are gone now, or would be.
    async fn release(&mut self, gone: &InstanceId, why: &str) -> Result<bool, ReapError> {
        let Some(bus) = &self.bus else { return Ok(true) };
        let queue = bus.topic().queue_name(*gone);
        if !self.inventory.known.contains(gone) && !self.inventory.orphans.contains(gone) {
            return Ok(true);
        }
        if self.released >= usize::from(self.flags.at_most) {
            self.more = true;
            return Ok(false);
        }
        self.released += 1;
        if self.flags.apply
            && let Err(error) = Box::pin(bus.release(gone)).await
        {
            self.left += 1;
            say(&with_causes(&error));
            return Ok(false);
        }
        self.line(gone, "remove queue and subscription", Some(&queue), why)?;
        Ok(true)
    }

    /// Removes a dead member's record, unless tasks wait for somebody who takes them over and finds them by it.
    async fn forget(&mut self, dead: &InstanceId) -> Result<(), ReapError> {
        if tasks_of(&self.members, dead, 1).await? > 0 {
            say(&format!("keeps the record of {dead}: tasks of it wait for an instance to take them over"));
            return Ok(());
        }
        if self.flags.apply {
            self.members.remove(dead).await?;
        }
        self.line(dead, "remove membership record", None, "its instance is gone and has no tasks")
    }

    async fn release_orphans(&mut self) -> Result<(), ReapError> {
        let orphans = self.inventory.orphans.clone();
        if !orphans.is_empty() && self.inventory.known.is_empty() && !self.flags.when_nobody_is_alive {
            say(&format!(
                "{} instances have queues or subscriptions and no record, and no instance has both: is this the right \
                 --table? `--when-nobody-is-alive` removes them",
                orphans.len()
            ));
            return Ok(());
        }
        for orphan in &orphans {
            self.release(orphan, "no membership record knows its instance").await?;
        }
        Ok(())
    }

    fn line(
        &mut self,
        instance: &InstanceId,
        action: &str,
        resource: Option<&str>,
        why: &str,
    ) -> Result<(), ReapError> {
        self.found += 1;
        let text = if self.flags.json {
            let reaped = Reaped { instance, action, resource, why, applied: self.flags.apply };
            serde_json::to_string(&reaped).map_err(io::Error::from)?
        } else {
            let tense = if self.flags.apply { "did" } else { "would" };
            let resource = resource.map(|name| format!(" {name}")).unwrap_or_default();
            format!("{tense} {action}{resource} ({instance}): {why}")
        };
        Ok(writeln!(io::stdout(), "{text}")?)
    }

    fn sum_up(self) -> Result<ExitCode, ReapError> {
        match (self.found, self.flags.apply) {
            (0, _) => say("nothing to remove"),
            (_, false) => say("a dry run: nothing was changed; `--apply` does it"),
            (_, true) => {}
        }
        if self.more {
            say("there is more than one run removes: run it again");
        }
        Ok(if self.left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
