//! How webhooks are called: the flags.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use a2a_cluster::{WebhookDetail, WebhookKeyError, WebhookKeys, Webhooks};
use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};

use super::seconds;

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
    /// Sign calls with this key, `whsec_` and 24 to 64 bytes in base64, so that receivers know them; several, separated by
    /// commas, while a key changes.
    #[arg(long, env = "A2A_WEBHOOK_KEYS", hide_env_values = true, value_name = "KEYS", value_parser = keys)]
    pub(crate) webhook_keys: Option<WebhookKeyText>,
}

impl WebhookFlags {
    /// The keys that calls are signed with.
    ///
    /// # Errors
    ///
    /// [`WebhookKeyError`] for a text that is no key.
    pub(crate) fn keys(&self) -> Result<WebhookKeys, WebhookKeyError> {
        let text = self.webhook_keys.as_ref().map(|keys| keys.0.as_str()).unwrap_or_default();
        WebhookKeys::parse(text.split(',').map(str::trim).filter(|key| !key.is_empty()))
    }
}

/// What webhooks are told, and for how long.
#[derive(Debug, Args)]
pub(crate) struct DeliveryFlags {
    /// Which events webhooks are told: all, or states alone, or states and each artifact once it is complete.
    #[arg(long, env = "A2A_WEBHOOK_DETAIL", value_name = "WHAT", value_enum, default_value_t = Detail::Everything)]
    pub(crate) webhook_detail: Detail,
    /// For how long after the end of a turn a webhook that is away is tried.
    #[arg(long, env = "A2A_WEBHOOK_KEEP_TRYING", value_name = "SECONDS", default_value = "3600", value_parser = seconds)]
    pub(crate) webhook_keep_trying: Duration,
    /// Show tokens and credentials of webhooks to those who may read their configs.
    #[arg(long, env = "A2A_SHOW_WEBHOOK_SECRETS", value_parser = BoolishValueParser::new())]
    pub(crate) show_webhook_secrets: bool,
}

/// Which events webhooks are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Detail {
    /// All that streams show.
    Everything,
    /// States, and each artifact once it is complete.
    ArtifactEnds,
    /// States alone.
    States,
}

impl DeliveryFlags {
    /// The cluster's settings.
    pub(crate) fn policy(&self, keys: WebhookKeys) -> Webhooks {
        let detail = match self.webhook_detail {
            Detail::Everything => WebhookDetail::Everything,
            Detail::ArtifactEnds => WebhookDetail::ArtifactEnds,
            Detail::States => WebhookDetail::States,
        };
        let policy = Webhooks::default().detail(detail).keep_trying(self.webhook_keep_trying);
        policy.show_secrets(self.show_webhook_secrets).sign_with(keys)
    }
}

/// Keys as they were given: shown nowhere, and not refused here, where the refusal would repeat them.
#[derive(Clone)]
pub(crate) struct WebhookKeyText(String);

impl fmt::Debug for WebhookKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKeyText")
    }
}

fn keys(text: &str) -> Result<WebhookKeyText, Infallible> {
    Ok(WebhookKeyText(text.to_owned()))
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
