//! What a head is told later: the status of a turn that goes on.
//!
//! An agent says that it works, and often ends within a second or two: then the head is written once. Until then lists show
//! the task where it was, and as it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use a2a_core::Version;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::DynamoDbConfig;
use crate::calls::Calls;
use crate::draft::Draft;
use crate::headwrite;
use crate::standing::Standing;

/// The heads that a handle is to write later; it forgets them when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Later {
    missing: Arc<Missing>,
    writers: Mutex<JoinSet<()>>,
}

/// Of each task the version of the status that its head lacks.
#[derive(Debug, Default)]
struct Missing(Mutex<HashMap<String, Version>>);

impl Later {
    /// Puts off what a commit makes of the head. `false` where it is not to wait.
    pub(crate) fn put_off(
        &self,
        draft: &Draft<'_>,
        standing: &Standing,
        config: &DynamoDbConfig,
        calls: &Calls,
    ) -> bool {
        let lag = config.status_lag;
        if lag.is_zero() {
            return false;
        }
        let (pk, version) = (draft.pk.clone(), draft.version());
        self.missing.lock().insert(pk.clone(), version);
        let request = headwrite::status(calls, &pk, &draft.head_update(), standing);
        let (missing, calls) = (Arc::clone(&self.missing), calls.clone());
        let mut writers = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        while writers.try_join_next().is_some() {}
        writers.spawn(async move {
            sleep(lag).await;
            if missing.take(&pk, version)
                && let Err(error) = calls.send_update(request).await
            {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a list lags behind a task's status"
                );
            }
        });
        true
    }

    /// Takes note that the head of a task is being written, and tells more than what was put off.
    pub(crate) fn forget(&self, pk: &str) {
        self.missing.lock().remove(pk);
    }
}

impl Missing {
    /// Takes what was put off, unless the head has been written since, or a later status was put off.
    fn take(&self, pk: &str, version: Version) -> bool {
        let mut later = self.lock();
        let is_due = later.get(pk) == Some(&version);
        if is_due {
            later.remove(pk);
        }
        is_due
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Version>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
