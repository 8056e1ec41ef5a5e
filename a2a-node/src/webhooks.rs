//! From flags to what calls webhooks.

use std::path::{Path, PathBuf};
use std::{fs, io};

use a2a_cluster::WebhookKeyError;
use a2a_serve::{HttpWebhooks, WebhookSettingsError};

use crate::cli::{WebhookFlags, WebhookProxy};

/// Why webhooks cannot be called as they were told to be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhooksError {
    /// A file of certificates or keys is not there, or not for this process.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// What was given is not what it is meant to be.
    #[error(transparent)]
    Settings(#[from] WebhookSettingsError),
    /// A key is none.
    #[error(transparent)]
    Keys(#[from] WebhookKeyError),
}

/// Makes what calls webhooks.
pub(crate) fn of(flags: &WebhookFlags) -> Result<HttpWebhooks, WebhooksError> {
    let mut webhooks =
        if flags.allow_local_webhooks { HttpWebhooks::allowing_local() } else { HttpWebhooks::new() };
    webhooks = match &flags.webhook_proxy {
        None => webhooks,
        Some(WebhookProxy::Env) => webhooks.proxy_from_env()?,
        Some(WebhookProxy::At(url)) => webhooks.proxy(url)?,
    };
    if let Some(path) = &flags.webhook_roots {
        webhooks = webhooks.extra_roots(&read(path)?)?;
    }
    if let (Some(chain), Some(key)) = (&flags.webhook_client_cert, &flags.webhook_client_key) {
        webhooks = webhooks.client_certificate(&read(chain)?, &read(key)?)?;
    }
    Ok(webhooks)
}

fn read(path: &Path) -> Result<Vec<u8>, WebhooksError> {
    fs::read(path).map_err(|source| WebhooksError::Read { path: path.to_owned(), source })
}
