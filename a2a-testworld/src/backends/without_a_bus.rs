//! Backends of which the bus is left out.

use async_trait::async_trait;

use super::{Backend, Backends};

/// The store of other backends, and no bus.
#[derive(Debug)]
pub struct WithoutABus<B>(pub B);

#[async_trait]
impl<B: Backends> Backends for WithoutABus<B> {
    async fn open(&self) -> Backend {
        Backend { bus: None, ..self.0.open().await }
    }

    async fn left(&self) -> Vec<String> {
        self.0.left().await
    }
}
