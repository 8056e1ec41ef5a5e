//! How webhooks are called: the flags.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

/// Settings of push notifications.
#[derive(Debug, Default, Args)]
pub(crate) struct WebhookFlags {
    /// Accept webhooks to loopback and private addresses. Only for trying things out.
    #[arg(long, env = "A2A_ALLOW_LOCAL_WEBHOOKS", value_parser = BoolishValueParser::new())]
    pub(crate) allow_local_webhooks: bool,
    /// Call webhooks through this proxy: `http://proxy.example.com:3128`, perhaps with a name and a password, or `env` for those
    /// that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name. Without this flag they are called straight.
    ///
    /// The proxy resolves the names of webhooks, so it is the proxy that has to keep them from private networks.
    #[arg(long, env = "A2A_WEBHOOK_PROXY", hide_env_values = true, value_name = "URL", value_parser = proxy)]
    pub(crate) webhook_proxy: Option<WebhookProxy>,
    /// Trust webhooks whose certificates one of these has signed, too, beside those that the system trusts: a file in PEM.
    #[arg(long, env = "A2A_WEBHOOK_ROOTS", value_name = "FILE")]
    pub(crate) webhook_roots: Option<PathBuf>,
    /// Show this certificate to webhooks that ask who calls: a file in PEM, with what else its chain needs behind it.
    #[arg(long, env = "A2A_WEBHOOK_CLIENT_CERT", value_name = "FILE", requires = "webhook_client_key")]
    pub(crate) webhook_client_cert: Option<PathBuf>,
    /// The private key of that certificate: a file in PEM, not encrypted.
    #[arg(long, env = "A2A_WEBHOOK_CLIENT_KEY", value_name = "FILE", requires = "webhook_client_cert")]
    pub(crate) webhook_client_key: Option<PathBuf>,
}

/// Where the proxy for webhooks is. A password may be in it, so it is neither shown nor refused here, where the refusal would
/// repeat it.
#[derive(Clone)]
pub(crate) enum WebhookProxy {
    /// Where the environment says.
    Env,
    /// At this URL.
    At(String),
}

impl fmt::Debug for WebhookProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WebhookProxy::Env => "Env",
            WebhookProxy::At(_) => "At",
        })
    }
}

fn proxy(text: &str) -> Result<WebhookProxy, Infallible> {
    Ok(match text {
        "env" => WebhookProxy::Env,
        url => WebhookProxy::At(url.to_owned()),
    })
}
