//! Connecting to the bus in the background, and again when that breaks.

use std::sync::Arc;

use a2a_core::{Endpoint, EventBus};

use super::{Instance, bus_loop};
use crate::ground::{Chain, Ground, bounded, jittered};

/// Connects, and receives for as long as the endpoint lives; again and again, until the instance closes.
pub(crate) async fn keep_connected(instance: Arc<Instance>) {
    let Some(bus) = instance.ground.connection.bus().cloned() else { return };
    let connected = async {
        loop {
            let endpoint = connect(&instance.ground, &*bus).await;
            tracing::info!(instance = %instance.ground.id, "the bus is connected");
            instance.ground.connection.replace(Some(Arc::clone(&endpoint)));
            instance.ground.health.bus.succeeded();
            instance.ground.meters.bus_connected.set(1.0);
            bus_loop::receive(&instance, &*endpoint).await;
            instance.ground.connection.replace(None);
            instance.ground.meters.bus_connected.set(0.0);
            // An endpoint that closes as soon as it is made must not make this loop spin.
            tokio::time::sleep(instance.ground.config.retry_min).await;
        }
    };
    // The endpoint stays in its place, for whoever closes it.
    let _: Option<()> = instance.ground.stop.closing.run_until_cancelled(connected).await;
}

/// For how many lease times connecting may go unanswered: it may take long, but a call that hangs must not be the last.
const LEASES_TO_CONNECT: u32 = 8;

/// Connects, however long that takes.
async fn connect(ground: &Ground, bus: &dyn EventBus) -> Arc<dyn Endpoint> {
    let mut pause = ground.config.retry_min;
    loop {
        let limit = ground.config.lease * LEASES_TO_CONNECT;
        match bounded(limit, bus.connect(&ground.id, &ground.seal)).await {
            Ok(endpoint) => return endpoint,
            Err(error) => {
                ground.health.bus.failed(ground.config.unready_after);
                ground.meters.bus_failures.increment(1);
                tracing::warn!(
                    error = %Chain(&error),
                    "the bus cannot be connected yet; streams of tasks that run elsewhere lag"
                );
                tokio::time::sleep(jittered(&*ground.env, pause)).await;
                // Many instances that start at once must not come back at once.
                pause = (pause * 2).min(ground.config.beat_interval);
            }
        }
    }
}
