//! The rare look for queues that no membership record leads to.

use std::time::Duration;

use a2a_core::{Env, SystemEnv};

use super::caretaker::Caretaker;
use crate::report::with_causes;

/// A process that has just started looks after so long at most, for what an earlier fleet left.
const FIRST: Duration = Duration::from_secs(10 * 60);
/// Some five requests each time; a thousand instances stay far below every quota.
const EVERY: Duration = Duration::from_secs(6 * 3600);

impl Caretaker {
    /// Looks for orphans every few hours, at moments that no two instances share. Never ends; cancel safe.
    pub(crate) async fn sweep(&self) {
        let Some(janitor) = &self.janitor else { return std::future::pending().await };
        let mut pause = FIRST.mul_f64(SystemEnv.chance());
        loop {
            tokio::time::sleep(pause).await;
            match janitor.pass().await {
                Ok(pass) if pass.removed.is_empty() && pass.left.is_empty() => {}
                Ok(pass) => tracing::info!(
                    removed = pass.removed.len(),
                    left = pass.left.len(),
                    "looked for what dead instances left behind"
                ),
                Err(error) => {
                    let error = with_causes(&error);
                    tracing::warn!(error, "cannot look for what dead instances left behind");
                }
            }
            pause = EVERY.mul_f64(0.5 + SystemEnv.chance());
        }
    }
}
