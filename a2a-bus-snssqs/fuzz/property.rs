//! What must hold for any bytes that arrive as a message.

use a2a_core::wire::{self, WireError};

/// Decodes without panic; what was understood means the same after it is written and read again.
pub(crate) fn check(bytes: &[u8]) -> Result<&'static str, &'static str> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Err("no_text") };
    match wire::decode(text) {
        Ok(addressed) => {
            let again = wire::encode(&addressed.to, &addressed.message);
            // Short forms may be written longer than they were read.
            if again.len() <= wire::MAX_BYTES {
                assert_eq!(wire::decode(&again).as_ref(), Ok(&addressed));
            }
            Ok(addressed.message.news.kind())
        }
        Err(WireError::TooLarge) => Err("too_large"),
        Err(WireError::UnknownFormat) => Err("unknown_format"),
        Err(WireError::UnknownKind) => Err("unknown_kind"),
        Err(_) => Err("malformed"),
    }
}
