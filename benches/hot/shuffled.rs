//! A bus that lets a few messages gather and hands them over twice, the last first.

use std::sync::Arc;

use a2a_bus_memory::MemoryBus;
use a2a_core::wire::Seal;
use a2a_core::{BusMessage, Delivery, Endpoint, EventBus, InstanceId, Reach, Recipient, Result};
use async_trait::async_trait;
use futures::FutureExt;

/// For how many turns of the scheduler messages gather.
const TURNS: usize = 16;

#[derive(Debug)]
pub(crate) struct Shuffled(pub(crate) MemoryBus);

#[derive(Debug)]
struct ShuffledEndpoint(Arc<dyn Endpoint>);

#[async_trait]
impl EventBus for Shuffled {
    async fn connect(&self, me: &InstanceId, seal: &Arc<Seal>) -> Result<Arc<dyn Endpoint>> {
        Ok(Arc::new(ShuffledEndpoint(self.0.connect(me, seal).await?)))
    }

    async fn release(&self, gone: &InstanceId) -> Result<()> {
        self.0.release(gone).await
    }
}

#[async_trait]
impl Endpoint for ShuffledEndpoint {
    fn me(&self) -> InstanceId {
        self.0.me()
    }

    fn reach(&self) -> Reach {
        self.0.reach()
    }

    async fn send(&self, to: &[Recipient], message: &BusMessage) -> Result<Delivery> {
        self.0.send(to, message).await
    }

    async fn receive(&self) -> Result<Vec<BusMessage>> {
        let mut gathered = self.0.receive().await?;
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
            if let Some(more) = self.0.receive().now_or_never() {
                gathered.extend(more?);
            }
        }
        gathered.reverse();
        Ok(gathered.iter().flat_map(|message| [message.clone(), message.clone()]).collect())
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}
