//! Counted calls about what a deployment shares.

use a2a_core::{Deployment, Format, Keys, Result};
use async_trait::async_trait;

use super::Counted;

#[async_trait]
impl Deployment for Counted {
    async fn format(&self) -> Result<Format> {
        self.alive().await;
        self.counters.read("format", 1.0);
        self.store.format().await
    }

    async fn keys(&self, name: &str, secret: [u8; 32]) -> Result<Keys> {
        self.alive().await;
        self.counters.read("keys", 1.0);
        self.store.keys(name, secret).await
    }

    async fn renew_key(&self, name: &str, from: u32, secret: [u8; 32]) -> Result<Keys> {
        self.alive().await;
        self.counters.write("renew_key", 1.0);
        self.store.renew_key(name, from, secret).await
    }
}
