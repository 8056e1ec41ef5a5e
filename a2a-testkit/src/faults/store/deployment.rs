//! What the instances share of a faulty store.

use a2a_core::{Deployment, Format, Keys, Result};
use async_trait::async_trait;

use super::FaultyStore;

#[async_trait]
impl Deployment for FaultyStore {
    async fn format(&self) -> Result<Format> {
        self.read(self.inner.format()).await
    }

    async fn keys(&self, name: &str, secret: [u8; 32]) -> Result<Keys> {
        let (beyond, name) = (self.beyond(), name.to_owned());
        self.write(async move { beyond.inner.keys(&name, secret).await }).await
    }

    async fn renew_key(&self, name: &str, from: u32, secret: [u8; 32]) -> Result<Keys> {
        let (beyond, name) = (self.beyond(), name.to_owned());
        self.write(async move { beyond.inner.renew_key(&name, from, secret).await }).await
    }
}
