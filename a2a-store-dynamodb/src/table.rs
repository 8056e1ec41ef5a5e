//! The table: made once by whoever deploys, set up by whoever comes first, verified by whoever starts.

pub(crate) mod format;
mod schema;
#[cfg(test)]
mod tests;

use std::time::Duration;

use a2a_core::{BackendError, Env, Format, Result, SystemEnv};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    BillingMode, IndexStatus, PointInTimeRecoverySpecification, TableDescription, TableStatus,
    TimeToLiveDescription, TimeToLiveSpecification, TimeToLiveStatus,
};

use crate::DynamoDbConfig;
use crate::items::attributes::{EXPIRES, text};
use crate::items::keys;
use crate::requests::calls::{Calls, Written};
use crate::requests::error;

/// The index of a caller's tasks, by state and status time.
pub const BY_CALLER: &str = "by-caller";
/// The index of a caller's tasks in one context, by state and status time.
pub const BY_CONTEXT: &str = "by-context";
/// The sparse index of the tasks that somebody executes.
pub const BY_EXECUTOR: &str = "by-executor";

/// How often a table that is not ready is looked at, with a pause of up to five seconds between.
const LOOKS: u32 = 120;

/// What protects a table beyond the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Protection {
    /// Keeps a continuous backup of the last 35 days, which costs by the size of the table.
    pub point_in_time_recovery: bool,
    /// Refuses to delete the table until this is switched off.
    pub deletion: bool,
}

impl Protection {
    /// Both kinds of protection, as a production table should have them.
    pub fn full() -> Self {
        Protection { point_in_time_recovery: true, deletion: true }
    }
}

/// Whether a table may have replicas in other regions.
///
/// What decides every race here is a conditional write, and that looks at the replica of its own region only: of two regions
/// that both write, the later write wins item by item, and nobody is told of what it undoes
/// ([AWS](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Replicas {
    /// A table that has some is refused.
    #[default]
    Refused,
    /// They are there to be read, or to go on with after this region: somebody sees to it that no instance of another region
    /// runs meanwhile.
    Allowed,
}

impl Replicas {
    /// As a switch says it.
    pub fn where_allowed(allowed: bool) -> Self {
        if allowed { Replicas::Allowed } else { Replicas::Refused }
    }
}

/// Creates the table on demand capacity, with its indexes and its TTL, waits until it is ready, and sets it up.
///
/// Idempotent: a table that exists is verified, and what is missing of TTL and protection is switched on; one that
/// is not [`set_up`] is, if it is empty. When cancelled, call it again.
///
/// # Errors
///
/// [`BackendError::Rejected`] where a table of this name differs from the expected one, and says in what, where it has
/// replicas that are not allowed, or where another edition writes to it; [`BackendError::Unavailable`] where the table was not
/// ready within some minutes.
pub async fn create_table(
    client: &Client,
    name: &str,
    protection: Protection,
    replicas: Replicas,
) -> Result<()> {
    if describe(client, name).await?.is_none() {
        let created = client
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .set_attribute_definitions(Some(schema::attributes()?))
            .set_key_schema(Some(schema::key()?))
            .set_global_secondary_indexes(Some(schema::indexes()?))
            .deletion_protection_enabled(protection.deletion)
            .send();
        if let Err(error) = Box::pin(created).await {
            let exists = error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception());
            if !exists {
                return Err(error::changing_failed("CreateTable", &error));
            }
        }
    }
    let table = wait_until_active(client, name).await?;
    refuse(name, schema::differences(&table, replicas))?;
    enable_ttl(client, name).await?;
    if protection.deletion && table.deletion_protection_enabled != Some(true) {
        let update = client.update_table().table_name(name).deletion_protection_enabled(true).send();
        Box::pin(update).await.map_err(|error| error::changing_failed("UpdateTable", &error))?;
    }
    if protection.point_in_time_recovery {
        enable_recovery(client, name).await?;
    }
    set_up(client, name, replicas).await
}

/// Writes the format in which this build reads and writes into a table in which there is nothing yet, as one that a
/// template has made. Does nothing where this build may work with the table already.
///
/// Idempotent, and harmless when many call it at once. When cancelled, call it again. Whether a table is empty is
/// judged by its members and by DynamoDB's own count of items, which it brings up to date every six hours or so.
///
/// # Errors
///
/// [`BackendError::Rejected`] where the table holds something but no format, is in a format that this build does
/// not know, or has replicas that are not allowed.
pub async fn set_up(client: &Client, name: &str, replicas: Replicas) -> Result<()> {
    let calls = Calls::new(client.clone(), name, &DynamoDbConfig::default());
    if let Some(table) = describe(client, name).await? {
        refuse(name, schema::replica_differences(&table, replicas))?;
    }
    if let Some(format) = format_of(&calls).await? {
        return format.check();
    }
    if !is_empty(client, &calls, name).await? {
        // Somebody else may have set it up meanwhile, and begun to use it.
        return format_of(&calls).await?.ok_or_else(|| format::in_use(name))?.check();
    }
    let put = calls.put(format::item(Format::CURRENT)).condition_expression("attribute_not_exists(pk)");
    match calls.send_put(put).await? {
        Written::Done => Ok(()),
        Written::Unmet(Some(item)) => format::read(&item)?.check(),
        Written::Unmet(None) => Err(BackendError::Unavailable("the format was removed meanwhile".into())),
    }
}

async fn format_of(calls: &Calls) -> Result<Option<Format>> {
    calls.get(keys::FORMAT, keys::FORMAT).await?.as_ref().map(format::read).transpose()
}

async fn is_empty(client: &Client, calls: &Calls, name: &str) -> Result<bool> {
    let counted = describe(client, name).await?.and_then(|table| table.item_count).unwrap_or_default();
    let members = calls.query().consistent_read(true).key_condition_expression("pk = :pk").limit(1);
    let members = members.expression_attribute_values(":pk", text(keys::MEMBERS));
    let (members, _) = calls.page(members).await?;
    Ok(counted == 0 && members.is_empty())
}

/// Checks that the table is as this crate needs it. Changes nothing.
///
/// # Errors
///
/// [`BackendError::Rejected`] with every difference, for an operator to read.
pub async fn verify_table(client: &Client, name: &str, replicas: Replicas) -> Result<()> {
    let Some(table) = describe(client, name).await? else {
        return refuse(name, vec!["it does not exist".to_owned()]);
    };
    let mut differences = schema::differences(&table, replicas);
    differences.extend(schema::ttl_difference(time_to_live(client, name).await?.as_ref()));
    if table.table_status != Some(TableStatus::Active) && table.table_status != Some(TableStatus::Updating) {
        differences.push("it is not active".to_owned());
    }
    refuse(name, differences)
}

fn refuse(name: &str, differences: Vec<String>) -> Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(BackendError::rejected(format!("the table {name} is not as expected: {}", differences.join("; "))))
}

async fn describe(client: &Client, name: &str) -> Result<Option<TableDescription>> {
    match Box::pin(client.describe_table().table_name(name).send()).await {
        Ok(answer) => Ok(answer.table),
        Err(error) => match error.as_service_error() {
            Some(DescribeTableError::ResourceNotFoundException(_)) => Ok(None),
            _ => Err(error::describing_failed("DescribeTable", &error)),
        },
    }
}

async fn time_to_live(client: &Client, name: &str) -> Result<Option<TimeToLiveDescription>> {
    let answer = Box::pin(client.describe_time_to_live().table_name(name).send()).await;
    let answer = answer.map_err(|error| error::describing_failed("DescribeTimeToLive", &error))?;
    Ok(answer.time_to_live_description)
}

async fn wait_until_active(client: &Client, name: &str) -> Result<TableDescription> {
    let mut pause = Duration::from_millis(50);
    for _ in 0..LOOKS {
        if let Some(table) = describe(client, name).await?
            && is_active(&table)
        {
            return Ok(table);
        }
        tokio::time::sleep(pause.mul_f64(0.5 + SystemEnv.chance())).await;
        pause = Duration::from_secs(5).min(pause * 2);
    }
    Err(BackendError::Unavailable(format!("the table {name} is not active yet").into()))
}

fn is_active(table: &TableDescription) -> bool {
    table.table_status == Some(TableStatus::Active)
        && table
            .global_secondary_indexes()
            .iter()
            .all(|index| index.index_status.as_ref().is_none_or(|status| *status == IndexStatus::Active))
}

async fn enable_ttl(client: &Client, name: &str) -> Result<()> {
    let found = time_to_live(client, name).await?;
    let status = found.as_ref().and_then(|ttl| ttl.time_to_live_status.as_ref());
    if matches!(status, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return refuse(name, schema::ttl_difference(found.as_ref()).into_iter().collect());
    }
    let ttl = TimeToLiveSpecification::builder().enabled(true).attribute_name(EXPIRES).build();
    let ttl = ttl.map_err(|error| BackendError::Unavailable(error.into()))?;
    let update = client.update_time_to_live().table_name(name).time_to_live_specification(ttl).send();
    match Box::pin(update).await {
        Ok(_) => Ok(()),
        Err(error) => {
            // Two that create the table at once both want this.
            let found = time_to_live(client, name).await?;
            if schema::ttl_difference(found.as_ref()).is_none() {
                return Ok(());
            }
            Err(error::changing_failed("UpdateTimeToLive", &error))
        }
    }
}

async fn enable_recovery(client: &Client, name: &str) -> Result<()> {
    let recovery = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build();
    let recovery = recovery.map_err(|error| BackendError::Unavailable(error.into()))?;
    let update = client
        .update_continuous_backups()
        .table_name(name)
        .point_in_time_recovery_specification(recovery)
        .send();
    let updated = Box::pin(update).await;
    updated.map(|_| ()).map_err(|error| error::changing_failed("UpdateContinuousBackups", &error))
}
