//! Whom webhooks over TLS are trusted to be, and who they are told that calls.

use std::fmt;
use std::sync::Arc;

use rustls::client::ClientConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{Error, InconsistentKeys, RootCertStore};
use rustls_platform_verifier::Verifier;

use super::error::WebhookSettingsError;

/// What is known beside what the platform knows.
#[derive(Clone, Default)]
pub(super) struct Trust {
    roots: Vec<CertificateDer<'static>>,
    client: Option<Arc<CertifiedKey>>,
}

/// Whose certificates they are is not told.
impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("roots", &self.roots.len())
            .field("client", &self.client.is_some())
            .finish()
    }
}

impl Trust {
    /// Trusts these, too.
    pub(super) fn add_roots(&mut self, pem: &[u8]) -> Result<(), WebhookSettingsError> {
        let roots = certificates(pem).ok_or(WebhookSettingsError::Roots)?;
        let mut tried = RootCertStore::empty();
        if roots.iter().any(|root| tried.add(root.clone()).is_err()) {
            return Err(WebhookSettingsError::Roots);
        }
        self.roots.extend(roots);
        Ok(())
    }

    /// Shows this certificate to who asks for one.
    pub(super) fn set_client(&mut self, chain: &[u8], key: &[u8]) -> Result<(), WebhookSettingsError> {
        let chain = certificates(chain).ok_or(WebhookSettingsError::ClientCertificate)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| WebhookSettingsError::ClientKey)?;
        let client =
            CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| match error {
                Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => WebhookSettingsError::KeyOfAnother,
                Error::InvalidCertificate(_) => WebhookSettingsError::ClientCertificate,
                _ => WebhookSettingsError::ClientKey,
            })?;
        self.client = Some(Arc::new(client));
        Ok(())
    }

    /// Puts it together with what the platform trusts. It chooses its own cryptography: what else the program uses, or has
    /// not chosen, does not matter.
    pub(super) fn config(&self) -> Result<ClientConfig, Error> {
        let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
        let verifier = Verifier::new_with_extra_roots(self.roots.iter().cloned(), Arc::clone(&provider))?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        Ok(match &self.client {
            Some(client) => {
                config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(client))))
            }
            None => config.with_no_client_auth(),
        })
    }
}

/// All certificates of a PEM, if it has any and all can be read.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!found.is_empty()).then_some(found)
}
