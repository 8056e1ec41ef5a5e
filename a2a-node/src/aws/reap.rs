//! `a2a-node reap`: removes what dead instances left, for an operator; shows it unless told to do it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use a2a_bus_snssqs::{Cause, ConfigError, Janitor, Pass, Removal, Rules};
use a2a_core::{BackendError, Eviction, InstanceId, Member, MemberState, Membership};
use a2a_store_dynamodb::{Config, DynamoDbStore};
use serde::Serialize;
use tokio::time::Instant;

use super::clients::AwsClients;
use super::open::deployment;
use super::roster::roster;
use super::sightings::{Life, Pace, Sightings};
use crate::cli::Reap;

/// How often members are looked at in the lease time.
const LOOKS: u32 = 6;

/// Why nothing, or not all, can be removed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReapError {
    /// The table cannot be read or written.
    #[error("the members cannot be read or changed; `a2a-node doctor` tells more")]
    Members(#[from] BackendError),
    /// Topic or prefix cannot be meant.
    #[error(transparent)]
    Deployment(#[from] ConfigError),
    /// Queues and subscriptions cannot be listed.
    #[error("queues and subscriptions cannot be listed; `a2a-node doctor` tells more")]
    Pass(#[source] BackendError),
    /// Whoever reads what is done is gone.
    #[error("cannot write to stdout")]
    Write(#[from] io::Error),
}

/// Shows or removes what dead instances left.
pub(super) async fn run(flags: Reap) -> Result<ExitCode, ReapError> {
    let names = &flags.names;
    let clients = AwsClients::from_environment().await;
    let store: Arc<dyn Membership> =
        Arc::new(DynamoDbStore::new(clients.dynamodb.clone(), Config::new(&names.table)));
    let janitor = match &names.queues.topic_arn {
        Some(topic) => {
            let deployment = deployment(topic, &names.queues.queue_prefix, &names.table)?;
            let rules = Rules::default()
                .orphan_age(flags.orphan_age)
                .at_most(flags.at_most.into())
                .dry_run(!flags.apply)
                .when_nobody_is_alive(flags.when_nobody_is_alive);
            Some(Janitor::new(clients.messaging, deployment, Arc::clone(&store), rules))
        }
        None => {
            say("no --topic-arn: queues and subscriptions are not looked at");
            None
        }
    };
    let mut reaper = Reaper { members: store, apply: flags.apply, json: flags.json, found: 0, left: 0 };
    let mut dead = reaper.declare_dead(flags.lease).await?;
    let pass = match &janitor {
        Some(janitor) => Box::pin(janitor.pass()).await.map_err(ReapError::Pass)?,
        None => Pass::default(),
    };
    reaper.tell(&pass)?;
    dead.retain(|member| {
        // A dry run leaves the queue there; the record would go after it.
        !flags.apply || janitor.is_none() || pass.released.contains(&member.id)
    });
    for member in dead {
        reaper.forget(&member).await?;
    }
    reaper.sum_up(pass.is_incomplete)
}

struct Reaper {
    members: Arc<dyn Membership>,
    apply: bool,
    json: bool,
    found: usize,
    left: usize,
}

/// What was removed, or would be, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reaped<'a> {
    instance: &'a InstanceId,
    action: &'a str,
    /// The queue's URL or the subscription's ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<&'a str>,
    why: &'a str,
    /// Whether it was done, or only found.
    applied: bool,
}

impl Reaper {
    /// Watches the members for the lease time and declares those dead that do not move. Returns all dead ones.
    async fn declare_dead(&mut self, lease: Duration) -> Result<Vec<Member>, ReapError> {
        let mut members = roster(&*self.members).await?;
        let is_serving = |member: &&Member| member.state != MemberState::Evicted;
        let serving = members.iter().filter(is_serving).count();
        let mut sightings = Sightings::new(Pace { beat: lease / LOOKS, lease });
        if serving > 0 {
            say(&format!("watches {serving} members for {lease:?}, to see who lives"));
            sightings.note(&members, Instant::now());
            let until = Instant::now() + lease;
            while Instant::now() < until {
                tokio::time::sleep((lease / LOOKS).max(Duration::from_millis(1))).await;
                members = roster(&*self.members).await?;
                sightings.note(&members, Instant::now());
            }
        }
        let mut dead = Vec::new();
        for member in members {
            match (member.state, sightings.life(&member.id)) {
                (MemberState::Evicted, _) => dead.push(member),
                (_, Life::Still) if self.evict(&member).await? => dead.push(member),
                _ => {}
            }
        }
        Ok(dead)
    }

    async fn evict(&mut self, member: &Member) -> Result<bool, ReapError> {
        if self.apply && self.members.evict(&member.id, member.beat).await? != Eviction::Evicted {
            return Ok(false);
        }
        self.line(&member.id, "declare dead", None, "it did not move for the lease time")?;
        Ok(true)
    }

    fn tell(&mut self, pass: &Pass) -> Result<(), ReapError> {
        for Removal { instance, cause, queue_url, subscriptions } in &pass.removed {
            let why = match cause {
                Cause::Evicted => "its instance is dead",
                Cause::Orphaned => "no membership record knows its instance",
            };
            for subscription in subscriptions {
                self.line(instance, "remove subscription", Some(subscription), why)?;
            }
            if let Some(url) = queue_url {
                self.line(instance, "remove queue", Some(url), why)?;
            }
        }
        for left in &pass.left {
            self.left += 1;
            say(&format!("still there: {left}"));
        }
        Ok(())
    }

    /// Removes a dead member's record, unless tasks wait for somebody who takes them over and finds them by it.
    async fn forget(&mut self, member: &Member) -> Result<(), ReapError> {
        let tasks = self.members.executing(&member.id).await?.len();
        if tasks > 0 {
            say(&format!(
                "keeps the record of {}: {tasks} tasks wait for an instance to take them over",
                member.id
            ));
            return Ok(());
        }
        if self.apply {
            self.members.remove(&member.id).await?;
        }
        self.line(&member.id, "remove membership record", None, "its instance is dead and has no tasks")
    }

    fn line(
        &mut self,
        instance: &InstanceId,
        action: &str,
        resource: Option<&str>,
        why: &str,
    ) -> Result<(), ReapError> {
        self.found += 1;
        let text = if self.json {
            let reaped = Reaped { instance, action, resource, why, applied: self.apply };
            serde_json::to_string(&reaped).map_err(io::Error::from)?
        } else {
            let tense = if self.apply { "did" } else { "would" };
            let resource = resource.map(|name| format!(" {name}")).unwrap_or_default();
            format!("{tense} {action}{resource} ({instance}): {why}")
        };
        Ok(writeln!(io::stdout(), "{text}")?)
    }

    fn sum_up(self, is_incomplete: bool) -> Result<ExitCode, ReapError> {
        match (self.found, self.apply) {
            (0, _) => say("nothing to remove"),
            (_, false) => say("a dry run: nothing was changed; `--apply` does it"),
            (_, true) => {}
        }
        if is_incomplete {
            say("there is more than one run removes: run it again");
        }
        Ok(if self.left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn say(line: &str) {
    let _ = writeln!(anstream::stderr(), "{line}");
}
