//! The code by which a message proves that it comes from a member of the deployment.

use std::sync::{PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Key, Keys};

/// The keys under which an instance signs what it sends and checks what it receives.
///
/// Whoever cannot read the store has no key, and can forge nothing, whatever it may send. A message that is repeated
/// later is valid still: the versions in it make a repetition harmless.
///
/// A key that took the place of another is not signed with at once: others accept it only once they have read it, too. So a key
/// that is new to a seal is signed with from the next time on that it is read.
#[derive(Debug, Default)]
pub struct Seal {
    keys: RwLock<Option<Held>>,
}

/// The keys, and which of them is signed with.
#[derive(Debug, Clone, Copy)]
struct Held {
    keys: Keys,
    signs_with: u32,
}

impl Held {
    fn signing(&self) -> Key {
        *self.keys.numbered(self.signs_with).unwrap_or(&self.keys.current)
    }
}

impl Seal {
    /// A seal without keys: nothing is signed, and everything is accepted.
    pub fn open() -> Self {
        Seal::default()
    }

    /// Signs with the current one of these keys, and accepts either.
    pub fn new(keys: Keys) -> Self {
        let held = Held { keys, signs_with: keys.current.number };
        Seal { keys: RwLock::new(Some(held)) }
    }

    /// Takes keys as they were read: accepts these from now on. Signs with the current one if it was that the last time, too, or
    /// if there is no other; else with the one before.
    pub fn renew(&self, keys: Keys) {
        let mut held = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let is_known = held.is_some_and(|held| held.keys.current.number == keys.current.number);
        let signs_with = match keys.previous {
            Some(previous) if !is_known => previous.number,
            _ => keys.current.number,
        };
        *held = Some(Held { keys, signs_with });
    }

    fn keys(&self) -> Option<Held> {
        *self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of the current key, and the code for a body; nothing without keys.
    pub(super) fn sign(&self, body: &str) -> Option<(u32, String)> {
        let key = self.keys()?.signing();
        let code = mac(&key, body).finalize().into_bytes();
        Some((key.number, URL_SAFE_NO_PAD.encode(code)))
    }

    /// Tells whether a valid key made this code for a body.
    pub(super) fn accepts(&self, body: &str, key: Option<u32>, code: Option<&str>) -> bool {
        let Some(Held { keys, .. }) = self.keys() else { return true };
        let key = key.and_then(|number| keys.numbered(number));
        let code = code.and_then(|code| URL_SAFE_NO_PAD.decode(code).ok());
        // Compared in constant time.
        key.zip(code).is_some_and(|(key, code)| mac(key, body).verify_slice(&code).is_ok())
    }
}

fn mac(key: &Key, body: &str) -> Hmac<Sha256> {
    // HMAC fills a key with zeros to the size of a block (RFC 2104, section 2).
    let mut block = [0; 64];
    block.iter_mut().zip(key.secret).for_each(|(to, from)| *to = from);
    Hmac::new(&block.into()).chain_update(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secret: u8) -> Keys {
        Keys::first([secret; 32])
    }

    #[test]
    fn a_code_is_that_of_rfc_4231() {
        // Test case 2 has a shorter key, which is filled with zeros like any other.
        let mut secret = [0; 32];
        secret[..4].copy_from_slice(b"Jefe");
        let key = Key { number: 1, secret };
        let code = mac(&key, "what do ya want for nothing?").finalize().into_bytes();
        assert_eq!(code[..4], [0x5b, 0xdc, 0xc1, 0x46]);
    }

    #[test]
    fn only_a_valid_key_proves_anything() {
        let (ours, theirs) = (Seal::new(keys(1)), Seal::new(keys(2)));
        let (number, code) = ours.sign("body").unwrap();
        assert!(ours.accepts("body", Some(number), Some(&code)));
        assert!(!ours.accepts("bodY", Some(number), Some(&code)));
        assert!(!ours.accepts("body", Some(number + 1), Some(&code)));
        assert!(!ours.accepts("body", None, Some(&code)));
        assert!(!ours.accepts("body", Some(number), None));
        assert!(!ours.accepts("body", Some(number), Some("")));
        assert!(!ours.accepts("body", Some(number), Some(&code[1..])));
        assert!(!theirs.accepts("body", Some(number), Some(&code)));
    }

    #[test]
    fn the_key_before_is_valid_while_keys_change() {
        let (early, late) = (Seal::new(keys(1)), Seal::new(keys(1)));
        late.renew(keys(1).renewed([2; 32]));
        let (number, code) = early.sign("body").unwrap();
        assert!(late.accepts("body", Some(number), Some(&code)));
        late.renew(keys(1).renewed([2; 32]).renewed([3; 32]));
        assert!(!late.accepts("body", Some(number), Some(&code)));
    }

    #[test]
    fn a_new_key_is_accepted_at_once_and_signed_with_once_it_was_read_again() {
        let renewed = keys(1).renewed([2; 32]);
        let (early, late) = (Seal::new(keys(1)), Seal::new(keys(1)));
        let proves = |from: &Seal, to: &Seal| {
            let (number, code) = from.sign("body").unwrap();
            to.accepts("body", Some(number), Some(&code))
        };
        early.renew(renewed);
        assert!(proves(&early, &late) && proves(&late, &early), "one has not read it yet");
        // So does one that has just started.
        let started = Seal::open();
        started.renew(renewed);
        assert!(proves(&started, &late));
        late.renew(renewed);
        early.renew(renewed);
        assert_eq!([early.sign("body"), late.sign("body")].map(|signed| signed.unwrap().0), [2, 1]);
        assert!(proves(&early, &late) && proves(&late, &early));
    }

    #[test]
    fn without_keys_nothing_is_signed_and_everything_accepted() {
        assert_eq!(Seal::open().sign("body"), None);
        assert!(Seal::open().accepts("body", Some(7), Some("x")));
    }
}
