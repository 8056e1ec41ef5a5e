//! The deployment's contract, on a shared location: the keys of all its instances, which are all in this process.

use std::collections::btree_map::Entry;

use a2a_core::{BackendError, Deployment, Format, Keys, Result};
use async_trait::async_trait;
use tokio::task::consume_budget;

use crate::MemoryStore;
use crate::shards::lock;

#[async_trait]
impl Deployment for MemoryStore {
    async fn format(&self) -> Result<Format> {
        consume_budget().await;
        // Made by this build, and gone with it.
        Ok(Format::CURRENT)
    }

    async fn keys(&self, name: &str, secret: [u8; 32]) -> Result<Keys> {
        consume_budget().await;
        let mut keys = lock(&self.location.keys);
        Ok(*keys.entry(name.to_owned()).or_insert(Keys::first(secret)))
    }

    async fn renew_key(&self, name: &str, from: u32, secret: [u8; 32]) -> Result<Keys> {
        consume_budget().await;
        let mut keys = lock(&self.location.keys);
        let Entry::Occupied(mut known) = keys.entry(name.to_owned()) else {
            return Err(BackendError::rejected("a key that was never made cannot be renewed"));
        };
        if known.get().current.number == from {
            let renewed = known.get().renewed(secret);
            known.insert(renewed);
        }
        Ok(*known.get())
    }
}
