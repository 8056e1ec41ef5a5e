//! What is wrong with a setting of the transport.

use thiserror::Error;

/// Why a setting of [`HttpWebhooks`](crate::HttpWebhooks) is refused. It repeats nothing of the setting, which may hold a password
/// or a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WebhookSettingsError {
    /// The proxy's URL cannot be used. Give a scheme, a host and perhaps a port, and perhaps a name and a password.
    #[error("a webhook proxy is a URL such as http://proxy.example.com:3128, without a path")]
    Proxy,
    /// An environment variable that names a proxy holds something else. Correct or unset it.
    #[error("{0} is not the URL of a proxy, such as http://proxy.example.com:3128, without a path")]
    ProxyVariable(&'static str),
    /// The root certificates are no PEM, or hold no certificate that can be one.
    #[error("the extra roots for webhooks are not certificates in PEM")]
    Roots,
    /// The client's certificate is no PEM, or holds no certificate.
    #[error("the client certificate for webhooks is not a chain of certificates in PEM")]
    ClientCertificate,
    /// The client's key is no PEM, is encrypted, or of a kind that is not supported.
    #[error(
        "the client key for webhooks is not a private key in PEM (PKCS #8, PKCS #1 or SEC 1, not encrypted)"
    )]
    ClientKey,
    /// The client's key belongs to another certificate. The certificate of the key comes first in a chain.
    #[error("the client key for webhooks does not belong to the first certificate of the chain")]
    KeyOfAnother,
}
