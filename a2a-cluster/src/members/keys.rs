//! The keys of the deployment: those by which bus messages prove that a member sent them, and the one from which ids
//! of new tasks follow.

use super::Members;
use crate::ground::{Chain, bounded, warn_of};

use std::sync::Arc;

use a2a_core::{Key, Result};
use tokio::time::sleep;

/// The name of the key of message digests. It is made once and never renewed: a message that is sent again would not
/// meet its task.
const MESSAGE_IDS: &str = "message-ids";

/// After how many leases the keys of bus messages are read again.
const LOOK: u32 = 4;

/// Reads all keys, or makes the first of each name.
pub(crate) async fn read_keys(members: &Members) -> Result<()> {
    if members.ground.message_ids.get().is_none() {
        let first = members.ground.env.secret();
        let keys = members
            .ground
            .retry_for_request()
            .run(|| members.ground.deployment.keys(MESSAGE_IDS, first))
            .await?;
        let _ = members.ground.message_ids.set(keys.current);
    }
    read_bus_keys(members).await
}

/// Reads the keys of bus messages. Without a bus nobody needs them.
async fn read_bus_keys(members: &Members) -> Result<()> {
    if !members.ground.connection.has_bus() {
        return Ok(());
    }
    let first = members.ground.env.secret();
    let keys = members
        .ground
        .retry_for_request()
        .run(|| bounded(members.ground.config.lease, members.ground.deployment.keys(Key::OF_BUS, first)))
        .await?;
    members.ground.seal.renew(keys);
    Ok(())
}

/// Reads the keys of bus messages again now and then, until the instance closes: a key that took the place of another
/// is known to all before the other is let go.
pub(crate) async fn renew_keys(members: Arc<Members>) {
    if !members.ground.connection.has_bus() {
        return;
    }
    let renewing = async {
        loop {
            sleep(members.ground.config.lease * LOOK).await;
            if let Err(error) = read_bus_keys(&members).await {
                warn_of!(error, error = %Chain(&error), "the keys of the bus could not be read again");
            }
        }
    };
    let _: Option<()> = members.ground.stop.closing.run_until_cancelled(renewing).await;
}
