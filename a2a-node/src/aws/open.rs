//! Opening the backends on AWS.

use std::sync::Arc;

use a2a_bus_memory::MemoryBus;
use a2a_bus_snssqs::ConfigError;
use a2a_core::{BackendError, EventBus, Store};
use a2a_store_dynamodb::{DynamoDbConfig, table};

use super::clients::Aws;
use crate::cli::OnAws;

/// Why the backends cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// No region is set, so there is nowhere to call.
    #[error("no AWS region is set: set AWS_REGION, or a profile that names one")]
    NoRegion,
    /// The table is missing, differs, or cannot be read.
    #[error("the table cannot be used; `a2a-node doctor` tells more")]
    Table(#[source] BackendError),
    /// The topic cannot be meant.
    #[error(transparent)]
    Topic(#[from] ConfigError),
}

/// Opens a table, and a topic where there is one. A new table that a template made is set up; what is wrong with the
/// topic is for instances to find, because they serve without a bus, too.
///
/// # Errors
///
/// An [`OpenError`] that an operator can act on.
pub(crate) async fn open(place: OnAws) -> Result<(Arc<dyn Store>, Arc<dyn EventBus>), OpenError> {
    let OnAws { table, topic_arn, queues, task_retention, parked_retention, commit_spacing, allow_replicas } =
        place;
    let replicas = table::Replicas::where_allowed(allow_replicas);
    let aws = Aws::from_environment().await;
    if aws.region().is_none() {
        return Err(OpenError::NoRegion);
    }
    let bus: Arc<dyn EventBus> = match topic_arn {
        Some(topic) => Arc::new(aws.bus(&topic)?.config(queues.config())),
        None => {
            tracing::warn!(
                "no topic: instances of other processes hear of news only when they ask the store"
            );
            Arc::new(MemoryBus::new())
        }
    };
    let config = DynamoDbConfig::default().task_retention(task_retention).parked_retention(parked_retention);
    let config = config.commit_spacing(commit_spacing);
    let store = aws.store(&table).with_config(config);
    Box::pin(table::verify_table(store.client(), &table, replicas)).await.map_err(OpenError::Table)?;
    Box::pin(table::set_up(store.client(), &table, replicas)).await.map_err(OpenError::Table)?;
    Ok((Arc::new(store), bus))
}
