//! The keys by which bus messages prove that a member sent them: read at the start, and again with each lease.

use std::sync::Arc;

use a2a_core::Result;
use tokio::time::sleep;

use crate::error::Chain;
use crate::instance::Instance;

/// The name of these keys.
const BUS: &str = "bus";

/// Reads the keys, or makes the first. Without a bus nobody needs them.
pub(crate) async fn read_keys(instance: &Instance) -> Result<()> {
    if !instance.connection.has_bus() {
        return Ok(());
    }
    let first = instance.env.secret();
    let keys = instance.retry_for_request().run(|| instance.deployment.keys(BUS, first)).await?;
    instance.seal.renew(keys);
    Ok(())
}

/// Reads the keys again with each lease, until the instance closes: a key that took the place of another is known to
/// all before the other is let go.
pub(crate) async fn renew_keys(instance: Arc<Instance>) {
    if !instance.connection.has_bus() {
        return;
    }
    let renewing = async {
        loop {
            sleep(instance.config.lease).await;
            if let Err(error) = read_keys(&instance).await {
                tracing::warn!(error = %Chain(&error), "the keys of the bus could not be read again");
            }
        }
    };
    let _: Option<()> = instance.closing.run_until_cancelled(renewing).await;
}
