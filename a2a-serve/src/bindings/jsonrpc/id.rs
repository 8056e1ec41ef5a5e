//! A request's id, which its answers repeat.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// The most bytes of an id as it is written: each event of a stream repeats it.
const LONGEST: usize = 256;

/// A string, a whole number of any size, or null, exactly as the client wrote it.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(in crate::bindings) struct Id(Box<RawValue>);

impl Id {
    /// The id of an answer to what had none that could be read.
    pub(super) fn null() -> Self {
        Id(RawValue::NULL.to_owned())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let is_whole = text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit());
        if !(text.starts_with('"') || text == "null" || is_whole) {
            return Err(D::Error::custom("the id is no string and no whole number"));
        }
        if text.len() > LONGEST {
            return Err(D::Error::custom(format_args!("the id is longer than {LONGEST} bytes")));
        }
        Ok(Id(raw.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_repeated_as_it_was_written() {
        let long = format!("\"{}\"", "x".repeat(LONGEST));
        for same in ["1", "-7", "0", "18446744073709551616", "\"a\\u00e9\"", "\"\"", "null"] {
            let id: Id = serde_json::from_str(same).unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), same);
        }
        for no in ["1.5", "1e3", "true", "{}", "[1]", &long] {
            assert!(serde_json::from_str::<Id>(no).is_err(), "{no}");
        }
    }
}
