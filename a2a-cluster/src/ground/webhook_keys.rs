//! The keys by which a webhook knows that a call is ours.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;

/// What the text of a key begins with.
const PREFIX: &str = "whsec_";
/// How long a key may be, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The keys that calls of webhooks are signed with, in the form of the Standard Webhooks specification: a call carries
/// one signature for each key, so that receivers may learn a new key before the old one goes.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct WebhookKeys(Vec<Vec<u8>>);

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a key of webhooks is `whsec_` and 24 to 64 bytes in base64")]
pub struct WebhookKeyError;

impl WebhookKeys {
    /// Reads keys, each as `whsec_` and its bytes in base64.
    ///
    /// # Errors
    ///
    /// [`WebhookKeyError`] for any other text; it repeats nothing of it.
    pub fn parse<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, WebhookKeyError> {
        let read = |key: &str| {
            let bytes = BASE64_STANDARD.decode(key.strip_prefix(PREFIX)?).ok()?;
            LENGTHS.contains(&bytes.len()).then_some(bytes)
        };
        keys.into_iter()
            .map(|key| read(key).ok_or(WebhookKeyError))
            .collect::<Result<_, _>>()
            .map(WebhookKeys)
    }

    /// Signs a call: the value of its `webhook-signature`. `None` without keys.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
        let signatures = self.0.iter().filter_map(|key| {
            let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
            mac.update(format!("{id}.{timestamp}.").as_bytes());
            mac.update(body);
            Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
        });
        let signatures: Vec<String> = signatures.collect();
        (!signatures.is_empty()).then(|| signatures.join(" "))
    }
}

impl fmt::Debug for WebhookKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_as_the_specification_of_standard_webhooks_has_it() {
        // The example in that specification's libraries.
        let keys = WebhookKeys::parse(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).unwrap();
        let signed = keys.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn each_key_signs_and_none_is_shown() {
        let (old, new) = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let keys = WebhookKeys::parse([new, old]).unwrap();
        assert_eq!(keys.sign("id", 1, b"body").unwrap().split(' ').count(), 2);
        assert_eq!(format!("{keys:?}"), "WebhookKeys(2)");
        assert_eq!(WebhookKeys::default().sign("id", 1, b"body"), None);
        for wrong in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!"] {
            assert_eq!(WebhookKeys::parse([wrong]), Err(WebhookKeyError), "{wrong}");
        }
    }
}
