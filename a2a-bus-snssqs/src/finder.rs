//! Finds the subscription of an instance of which this process knows nothing.
//!
//! SNS names subscriptions by chance, and only a list of all tells whose they are; listing is its slowest call. Hence
//! one list serves all who ask while it is made and, for a while, those who ask for what it holds: after a crash of
//! many instances each survivor lists once.

use std::collections::BTreeMap;
use std::time::Duration;

use a2a_core::InstanceId;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::Failure;
use crate::listing::{self, Listing};

/// For how long an ARN that was listed is taken as it is. An instance that is gone makes no other.
const FRESH: Duration = Duration::from_secs(60);

/// What was listed last.
#[derive(Debug)]
struct Listed {
    begun: Instant,
    subscriptions: BTreeMap<InstanceId, String>,
}

/// Knows the topic's subscriptions as they were listed last.
#[derive(Debug, Default)]
pub(crate) struct Finder(Mutex<Option<Listed>>);

impl Finder {
    /// Returns the ARN of an instance's subscription, if it has one. Hands each out once: whoever asks again, because
    /// it could not be removed, has them listed anew. Cancel safe.
    pub(crate) async fn find(
        &self,
        listing: Listing<'_>,
        instance: InstanceId,
    ) -> Result<Option<String>, Failure> {
        let asked = Instant::now();
        // Held while subscriptions are listed, so that nobody lists beside.
        let mut last = self.0.lock().await;
        if let Some(listed) = &mut *last {
            let found = listed.subscriptions.remove(&instance);
            // That somebody is not in a list means something only where it was made since.
            if listed.begun >= asked || (found.is_some() && listed.begun.elapsed() < FRESH) {
                return Ok(found);
            }
        }
        let begun = Instant::now();
        let mut subscriptions = listing::subscriptions(listing).await?;
        let found = subscriptions.remove(&instance);
        *last = Some(Listed { begun, subscriptions });
        Ok(found)
    }
}
