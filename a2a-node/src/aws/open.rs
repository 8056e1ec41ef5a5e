//! Opening the backends on AWS.

use std::sync::Arc;

use a2a_bus_memory::MemoryBus;
use a2a_bus_snssqs::{ConfigError, Deployment, Janitor, Rules};
use a2a_cluster::Config as ClusterConfig;
use a2a_core::BackendError;
use a2a_store_dynamodb::{Config, DynamoDbStore, table};

use super::caretaker::Caretaker;
use super::clients::AwsClients;
use super::endpoints::Endpoints;
use super::sightings::Pace;
use crate::backends::{Backends, Bus, OnAws};

/// Of how many dead instances one pass removes the queues; the next pass goes on.
const AT_ONCE: usize = 100;

/// Why the backends cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// No region is set, so there is nowhere to call.
    #[error("no AWS region is set: set AWS_REGION, or a profile that names one")]
    NoRegion,
    /// The table is missing, differs, or cannot be read.
    #[error("the table cannot be used; `a2a-node doctor` tells more")]
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
pub(crate) async fn open(place: OnAws, pace: &ClusterConfig) -> Result<Backends, OpenError> {
    let OnAws { table, topic_arn, queue_prefix, task_retention, commit_spacing } = place;
    let clients = AwsClients::from_environment().await;
    if clients.region().is_none() {
        return Err(OpenError::NoRegion);
    }
    let deployment = match topic_arn {
        Some(topic) => Some(deployment(&topic, &queue_prefix, &table)?),
        None => None,
    };
    Box::pin(table::verify_table(&clients.dynamodb, &table)).await.map_err(OpenError::Table)?;
    let config = Config::new(table).task_retention(task_retention).commit_spacing(commit_spacing);
    let store = Arc::new(DynamoDbStore::new(clients.dynamodb, config));
    let janitor = deployment.as_ref().map(|deployment| {
        let rules = Rules::default().at_most(AT_ONCE);
        Janitor::new(clients.messaging.clone(), deployment.clone(), store.clone(), rules)
    });
    let pace = Pace { beat: pace.beat_interval, lease: pace.lease };
    let caretaker = Arc::new(Caretaker::new(store.clone(), janitor, pace));
    let bus = match deployment {
        Some(deployment) => {
            Bus::SnsSqs(Arc::new(Endpoints::new(clients.messaging, deployment, Arc::clone(&caretaker))))
        }
        None => {
            tracing::warn!(
                "no topic: instances of other processes hear of news only when they ask the store"
            );
            Bus::Memory(MemoryBus::hub())
        }
    };
    Ok(Backends { store, members: caretaker.clone(), bus, caretaker: Some(caretaker) })
}

/// The queues are tagged with the table's name: who is alive stands in the table, so no janitor may judge by it the
/// queues of another cluster that happen to have the same prefix.
pub(super) fn deployment(
    topic_arn: &str,
    queue_prefix: &str,
    table: &str,
) -> Result<Deployment, ConfigError> {
    Deployment::new(topic_arn, queue_prefix)?.named(table)
}
