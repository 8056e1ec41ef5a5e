//! What all instances share beside tasks and members: the format and the keys.

use a2a_core::{BackendError, Deployment, Format, Keys, Result};
use a2a_testkit::async_trait;

use super::MapStore;

#[async_trait]
impl Deployment for MapStore {
    async fn format(&self) -> Result<Format> {
        let format = self.state().format;
        format.ok_or_else(|| {
            BackendError::rejected("the store was never set up: call set_up once before the first start")
        })
    }

    async fn keys(&self, name: &str, secret: [u8; 32]) -> Result<Keys> {
        Ok(*self.state().keys.entry(name.to_owned()).or_insert(Keys::first(secret)))
    }

    async fn renew_key(&self, name: &str, from: u32, secret: [u8; 32]) -> Result<Keys> {
        let mut state = self.state();
        let Some(keys) = state.keys.get_mut(name) else {
            return Err(BackendError::rejected("a key that was never made cannot be renewed"));
        };
        if keys.current.number == from {
            *keys = keys.renewed(secret);
        }
        Ok(*keys)
    }
}
