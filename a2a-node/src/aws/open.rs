//! Opening the backends on AWS.

use std::sync::Arc;
use std::time::Duration;

use a2a_bus_memory::MemoryBus;
use a2a_bus_snssqs::{ConfigError, Deployment};
use a2a_core::BackendError;
use a2a_store_dynamodb::{Config, DynamoDbStore, table};

use super::clients::AwsClients;
use super::endpoints::Endpoints;
use crate::backends::{Backends, Bus};

/// Why the backends cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The table is missing, differs, or cannot be read.
    #[error("the table cannot be used")]
    Table(#[source] BackendError),
    /// Topic or prefix cannot be meant.
    #[error(transparent)]
    Deployment(#[from] ConfigError),
}

/// Opens a table, and a topic where there is one.
///
/// # Errors
///
/// An [`OpenError`] that an operator can act on.
pub(crate) async fn open(
    table: String,
    topic_arn: Option<&str>,
    queue_prefix: &str,
    task_retention: Option<Duration>,
) -> Result<Backends, OpenError> {
    let clients = AwsClients::from_environment().await;
    let bus = match topic_arn {
        Some(topic) => {
            let deployment = deployment(topic, queue_prefix, &table)?;
            Bus::SnsSqs(Arc::new(Endpoints::new(clients.messaging, deployment)))
        }
        None => Bus::Memory(MemoryBus::hub()),
    };
    Box::pin(table::verify_table(&clients.dynamodb, &table)).await.map_err(OpenError::Table)?;
    let config = Config::new(table).task_retention(task_retention);
    let store = Arc::new(DynamoDbStore::new(clients.dynamodb, config));
    Ok(Backends { store: store.clone(), members: store, bus })
}

/// The queues are tagged with the table's name: who is alive stands in the table, so no janitor may judge by it the
/// queues of another cluster that happen to have the same prefix.
fn deployment(topic_arn: &str, queue_prefix: &str, table: &str) -> Result<Deployment, ConfigError> {
    Deployment::new(topic_arn, queue_prefix)?.named(table)
}
