//! The HTTP client that calls webhooks, made when the first one is called.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use reqwest::Client;
use reqwest::redirect::Policy;

use super::resolver::PublicOnly;
use crate::error::Chain;

/// What webhooks see of who calls them.
const USER_AGENT: &str = concat!("a2a-cluster/", env!("CARGO_PKG_VERSION"));

/// A client that is made at its first use.
///
/// It follows no redirect and uses no proxy, for either would lead to an address that was not checked. Which
/// TLS it speaks is up to the program that this crate is a part of.
#[derive(Debug)]
pub(super) struct LazyClient {
    guarded: bool,
    client: OnceLock<Option<Client>>,
}

impl LazyClient {
    /// `guarded`: connects to public addresses only.
    pub(super) fn new(guarded: bool) -> Self {
        LazyClient { guarded, client: OnceLock::new() }
    }

    pub(super) fn is_guarded(&self) -> bool {
        self.guarded
    }

    /// Returns the client. `None` where none can be made; the log says why, once.
    pub(super) fn get(&self) -> Option<&Client> {
        self.client.get_or_init(|| self.make()).as_ref()
    }

    fn make(&self) -> Option<Client> {
        let mut builder =
            Client::builder().user_agent(USER_AGENT).redirect(Policy::none()).no_proxy().referer(false);
        if self.guarded {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        // A program that enables TLS without choosing a provider for its cryptography makes this panic.
        match std::panic::catch_unwind(AssertUnwindSafe(|| builder.build())) {
            Ok(Ok(client)) => Some(client),
            Ok(Err(error)) => {
                let error = Chain(&error);
                tracing::error!(%error, "no HTTP client could be made: push notifications are not delivered");
                None
            }
            Err(_) => {
                tracing::error!(
                    "TLS has no crypto provider installed: push notifications are not delivered; \
                     install one before the first task with a push notification config"
                );
                None
            }
        }
    }
}
