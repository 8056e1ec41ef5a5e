//! What must hold for any bytes that arrive as a message.

use a2a_core::Keys;
use a2a_core::wire::{self, Addressed, Seal, WireError};

/// Decodes without panic, with keys and without. What was understood means the same after it is written and read
/// again; what was not written under our key says nothing to whoever has it.
pub(crate) fn check(bytes: &[u8]) -> Result<&'static str, &'static str> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Err("no_text") };
    let (open, keyed) = (Seal::open(), Seal::new(Keys::first([0x5a; 32])));
    let judged = wire::decode(text, &open);
    match (&judged, wire::decode(text, &keyed)) {
        (_, Ok(_)) => unreachable!("a message was forged"),
        // Nothing of a message is looked at before its code is.
        (Ok(_), Err(error)) => assert_eq!(error, WireError::Unproven),
        (Err(_), Err(_)) => {}
    }
    match judged {
        Ok(addressed) => {
            comes_back(&addressed, &open);
            comes_back(&addressed, &keyed);
            Ok(addressed.message.news.kind())
        }
        Err(WireError::TooLarge) => Err("too_large"),
        Err(WireError::UnknownFormat) => Err("unknown_format"),
        Err(WireError::UnknownKind) => Err("unknown_kind"),
        Err(_) => Err("malformed"),
    }
}

fn comes_back(addressed: &Addressed, seal: &Seal) {
    let again = wire::encode(&addressed.to, &addressed.message, seal);
    // Short forms may be written longer than they were read.
    if again.len() <= wire::MAX_BYTES {
        assert_eq!(wire::decode(&again, seal).as_ref(), Ok(addressed));
    }
}
